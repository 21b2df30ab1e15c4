//! Lists that others make: files and what is fetched over HTTPS in, lists to put in force out.
//!
//! A thread ([`Feeds`]) looks at the files, and has tasks fetch what comes from the net, which hand it
//! what they got. [`parse`] turns that into entries and bad lines, and [`judge`] accepts or refuses it
//! as a whole. An accepted list is copied to the state directory and sent to the writer as a
//! [`FeedUpdate`]; one that is refused, missing or cannot be fetched changes nothing but its
//! [`FeedStatus`], until the last good state lapses (invariant 7).

mod age;
mod coverage;
mod feed;
mod fetch;
mod fetches;
mod file;
mod formats;
mod guards;
mod handle;
mod last_good;
mod status;
mod worker;

pub use age::judge_age;
pub use coverage::Coverage;
pub use formats::{BadLine, BadLines, Claim, Parsed, parse};
pub use guards::{Refusal, Summary, judge};
pub use handle::{FeedUpdate, Feeds, UnknownFeed};
pub use status::{FeedStatus, FetchStatus, FileState, InForce, SourceStatus};
