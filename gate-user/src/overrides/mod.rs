//! The operator's overrides: networks of which the answers of DNSBLs do not count.
//!
//! In: changes of its [`Roster`](crate::roster). Out: the override that covers an address, for one
//! list or for all.

mod list;
mod rule;
mod snapshot;

pub use {
    list::{UnknownListError, configured},
    rule::{Override, OverrideRule},
    snapshot::Overrides,
};
