//! The kernel's side, and the only module that writes it: load, pin, attach, apply, read.
//!
//! In: the differences of [`plan`](crate::plan), settings, interfaces. Out: counters, sampled
//! drops, what the kernel holds. All `unsafe` of the crate is in `sys`, in `passed` and in
//! `index::region`.

mod attach;
mod cgroup;
mod compare;
mod conns;
mod error;
mod events;
mod gate;
mod grace;
mod index;
mod limits;
mod load;
mod maps;
mod netlink;
mod object;
mod passed;
mod pins;
mod sockets;
mod sources;
mod stats;
mod sys;
mod tables;
mod trie;

pub use attach::Attachment;
pub use compare::Corrected;
pub use error::KernelError;
pub use events::{Events, Report, Sample};
pub use gate::{Gate, Settings};
pub use index::Fill;
pub use load::Capacity;
pub use maps::Maps;
pub use netlink::{AttachedXdp, Interface, Netlink};
pub use object::OBJECT;
pub use passed::passed_descriptors;
pub use pins::{Found, Pins};
pub use sources::{ConnectionCounters, Connections, SourceCount};
pub use stats::Counters;
pub use sys::give_memory_back;
pub use tables::Lookup;
