//! The pages for people, over TCP, each on its own addresses.
//!
//! [`public`] is for whoever was refused: what the gate is, why an address is listed, and how it gets
//! off. [`operators`] is for the postmaster: the control API, and a page that shows how the gate stands
//! as it changes. [`server`] serves a router on listeners, bounded as the control socket is, with the
//! headers that a browser is to obey. All ask the [`Service`](crate::control::Service), as `gatectl`
//! does.

mod crowd;
pub mod entrance;
pub mod operators;
pub mod public;
pub mod server;
mod site;
