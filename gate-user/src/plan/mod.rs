//! The plan: the book merged to one decision a network, and the difference between two plans.

mod diff;

pub use diff::{Diff, Table};
