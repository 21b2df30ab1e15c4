//! The operators' way in: a documented JSON API over a Unix socket.
//!
//! [`api`] has the types on the wire, [`Service`] is what the daemon does for them, [`server`]
//! and [`client`] are the two ends of the socket. docs/control-api.md shows every endpoint with
//! an example.

pub mod api;
mod caller;
pub mod client;
#[cfg(test)]
pub(crate) mod examples;
pub mod openapi;
mod rights;
pub mod server;
mod service;

pub use caller::Caller;
pub use rights::{Rights, needed};
pub use service::{Service, ServiceError};
