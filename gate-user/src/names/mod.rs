//! The name-based block list: what the operator says of sources by their PTR name.
//!
//! In: changes of its [`Roster`](crate::roster), and names. Out: the entry that decides for a name.

mod pattern;
mod rule;
mod snapshot;

pub use {
    pattern::{Pattern, PatternError, WideError},
    rule::{NameEntry, NameRule, REASONS, check_reason},
    snapshot::Names,
};
