//! gate's programs in the kernel, as a library: the binaries of this crate, and the benchmark's,
//! only name entry points.
//!
//! No function here is `#[cold]`: the compiler gives those a section of their own, and aya (0.14)
//! takes two functions for the same one if they lie at the same offset of two sections.

#![no_std]
#![allow(
    clippy::inline_always,
    reason = "a call costs more than these functions, and the verifier follows inlined code best"
)]

pub mod alarm;
pub mod conns;
pub mod correct;
pub mod counters;
pub mod events;
pub mod frame;
pub mod index;
pub mod ipv4;
pub mod ipv6;
pub mod limits;
pub mod maps;
pub mod parse;
pub mod sources;
pub mod table;
pub mod tcp;
pub mod verdict;
