//! The types on the wire, version 1: what a request holds and what an answer holds.
//!
//! Names, kinds and presence of fields are stable: scripts rely on them. A field is never absent
//! from an answer; what there is nothing to tell of is `null`. New fields may come. Times are
//! RFC 3339 in UTC and whole seconds, durations are text such as `3d` or `10m`, networks are
//! `address/length`.

mod change;
mod check;
mod counters;
mod error;
mod export;
mod feed;
mod listing;
pub mod route;
pub mod span;
mod status;

pub use change::{
    Allow, Allowed, Block, Blocked, Detached, Disallow, Disallowed, Exception, ExceptionKind,
    Flushed, Import, ImportEntry, Imported, ModeState, Reloaded, SetMode, Unblock, Unblocked,
};
pub use check::{Check, CheckQuery, KernelAnswer, KernelVerdict, Match, MatchKind, Verdict};
pub use counters::{PerReason, Stats, Top, TopQuery, TopSource};
pub use error::{ErrorBody, ErrorDetail, ErrorKind};
pub use export::{Export, ExportLine};
pub use feed::{BadLine, Feed, FeedState, Feeds};
pub use listing::{
    AllowEntries, AllowEntry, Filter, History, HistoryEntry, HistoryQuery, Listing, Listings,
};
pub use status::{Attach, Drift, Interface, ReasonEnforcement, Status, TableSize};
