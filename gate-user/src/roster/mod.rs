//! What operators say beside the book, of anything but a network's listing: rules that are kept,
//! renewed and ended as listings are.
//!
//! In: [`Change`]s, in the book's own transaction. Out: the current [`Roster`], a snapshot that is
//! cheap to clone, and its history. A room that has such rules brings a [`Rule`] and a table.

mod draft;
mod entry;
mod store;

pub use {
    draft::{Change, NewEntry, Outcome, Refusal},
    entry::{Entry, Roster, Rule},
    store::{Past, RosterError, apply, history, load},
};

#[cfg(test)]
mod tests;
