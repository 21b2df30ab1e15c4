//! gate's programs in the kernel, as a library: the binaries of this crate, and the benchmark's,
//! only name entry points.

#![no_std]

pub mod maps;
pub mod verdict;
