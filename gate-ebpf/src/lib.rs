//! gate's programs in the kernel, as a library: the binaries of this crate, and the benchmark's,
//! only name entry points.
//!
//! No function here is `#[cold]`: that would put it into a text section of its own, and aya tells
//! the functions of an object apart by their offset in a section, not by the section.

#![no_std]
#![allow(
    clippy::inline_always,
    reason = "a call costs more than these functions, and the verifier follows inlined code best"
)]

pub mod alarm;
pub mod counters;
pub mod events;
pub mod frame;
pub mod ipv4;
pub mod ipv6;
pub mod maps;
pub mod parse;
pub mod table;
pub mod tcp;
pub mod verdict;
