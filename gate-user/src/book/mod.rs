//! The book: all listings and allow entries, present and past, as stored.

mod listing;

pub use listing::{AllowEntry, Listing, ListingId, Origin};
