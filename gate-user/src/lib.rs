//! gate in userspace: a library, and on it the daemon `gated` and the operator's hand `gatectl`.
//!
//! Data flows one way: evidence ([`feeds`], [`control`]) changes the [`book`]; [`plan`] merges the
//! book to one decision a network; [`kernel`] makes the gate table so. [`daemon`] is the one
//! writer that drives this, everybody else reads its snapshot. ARCHITECTURE.md walks the house.

#![deny(unsafe_code)]

pub mod book;
pub mod cli;
mod clock;
pub mod config;
pub mod control;
pub mod daemon;
pub mod dns;
pub mod evidence;
pub mod feeds;
pub mod flood;
#[allow(unsafe_code, reason = "the one module that speaks to the kernel")]
pub mod kernel;
pub mod latency;
pub mod limits;
mod metrics;
pub mod names;
pub mod network;
pub mod overrides;
pub mod plan;
pub mod policy;
pub mod removal;
pub mod rollup;
pub mod roster;
mod watch;
pub mod web;
