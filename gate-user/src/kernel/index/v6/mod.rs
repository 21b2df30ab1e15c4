//! The IPv6 index: see [`gate_common::index::v6`] for what lies where.

mod model;
mod store;

pub(super) use model::{Change, Dirty, Model};
pub(super) use store::{State, Store};
