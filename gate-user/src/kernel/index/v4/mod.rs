//! The IPv4 index: see [`gate_common::index::v4`] for what lies where.

mod bucket;
mod content;
mod model;
mod state;
mod store;

pub(super) use model::{ALL, Change, Model, all_of, slots_for};
pub(super) use state::State;
pub(super) use store::Store;
