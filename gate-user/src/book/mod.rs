//! The book: all listings and allow entries, present and past, as stored.
//!
//! In: [`Change`]s. Out: the current [`Book`], a snapshot that is cheap to clone, and the
//! [`History`]. The [`Ledger`] is the one writer's: it stores a change before it shows it.

mod change;
mod draft;
mod error;
mod history;
mod ledger;
mod listing;
mod record;
mod row;
mod state;
mod store;
#[cfg(test)]
pub(crate) mod testing;
mod tree;
mod width;
mod work;

pub use {
    change::{Applied, Change, EndCause, FeedEntry, NewAllow, NewListing, Outcome, Replaced},
    error::{BookError, Refusal},
    history::{End, History, HistoryEntry, Renewal, Scope},
    ledger::Ledger,
    listing::{AllowEntry, Listing, ListingId, Origin},
    record::{Standing, StandingError},
    state::{Book, Counts},
    width::{WIDEST_V4, WIDEST_V6, check_allow_width, check_width},
    work::Work,
};
pub(crate) use {row::sort_key, state::Listed, width::MAX_COMMENT};
