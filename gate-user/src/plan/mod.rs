//! The plan: the book merged to one decision a network, and the difference between two plans.
//!
//! In: a [`Book`](crate::book::Book) and [`Rules`]. Out: the [`Table`] that the kernel should
//! hold, the [`Diff`] that a change makes, and the [`Answer`] why an address passes or does not.
//! All of it is pure.

mod answer;
mod change;
mod diff;
mod merge;
mod rules;
mod shelter;
mod table;

pub use {
    answer::{Answer, Match, Verdict, answer},
    change::change,
    diff::{Diff, Table},
    merge::decide,
    rules::{Enforcement, Rules},
    shelter::{Exempt, Shelter, exempt},
    table::table,
};
