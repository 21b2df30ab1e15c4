//! Removal: what is answered to somebody who asks that a listing be ended.
//!
//! In: the listings that cover the source, and its score now. Out: a [`Ruling`] for each listing,
//! and the [`Decision`] on the request; both are kept with the score that made them.

mod rule;
mod store;

pub use {
    rule::{Decision, Outlook, Recourse, Ruling, decide, outlook, recourse},
    store::{Filed, Filing, Limit, file, find, granted_since, resolve},
};
