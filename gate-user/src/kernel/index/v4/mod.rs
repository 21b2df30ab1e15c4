//! The IPv4 index: see [`gate_common::index::v4`] for what lies where.

mod content;
mod model;
mod store;

pub(super) use model::{ALL, Change, Model};
pub(super) use store::{State, Store};
