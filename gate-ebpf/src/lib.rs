//! gate's programs in the kernel, as a library: the binaries of this crate, and the benchmark's,
//! only name entry points.

#![no_std]
#![allow(
    clippy::inline_always,
    reason = "a call costs more than these functions, and the verifier follows inlined code best"
)]

pub mod alarm;
pub mod counters;
pub mod events;
pub mod frame;
#[allow(
    clippy::cast_possible_truncation,
    clippy::precedence,
    reason = "hashes and words are cut on purpose, as gate-common's index says"
)]
pub mod index;
pub mod ipv4;
pub mod ipv6;
pub mod maps;
pub mod parse;
#[allow(clippy::many_single_char_names, reason = "the bytes of an address")]
pub mod table;
pub mod tcp;
pub mod verdict;
