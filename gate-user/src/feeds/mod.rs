//! Lists that others make: files in, lists to put in force out.
//!
//! A thread ([`Feeds`]) looks at the files. What it reads, [`parse`] turns into entries and bad
//! lines, and [`judge`] accepts or refuses as a whole. An accepted file is copied to the state
//! directory and sent to the writer as a [`FeedUpdate`]; a refused or missing one changes nothing
//! but its [`FeedStatus`], until the last good state lapses (invariant 7).

mod coverage;
mod feed;
mod file;
mod formats;
mod guards;
mod handle;
mod last_good;
mod status;
mod worker;

pub use coverage::Coverage;
pub use formats::{BadLine, BadLines, Claim, Parsed, parse};
pub use guards::{Refusal, Summary, judge};
pub use handle::{FeedUpdate, Feeds, UnknownFeed};
pub use status::{FeedStatus, FileState, InForce};
