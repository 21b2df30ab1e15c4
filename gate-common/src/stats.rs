//! Counters of the XDP program.

use bytemuck::{Pod, Zeroable};

use crate::{Limit, Reason};

/// Index of the [`Stats`] in the `STATS` map.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum Family {
    /// IPv4.
    V4 = 0,
    /// IPv6.
    V6 = 1,
}

impl Family {
    /// How many there are: the entries of the `STATS` map.
    pub const COUNT: usize = 2;
}

/// What one CPU has counted for one address family since the maps were made. Packets, all of
/// them; every guarded SYN is `seen` once, and in modes other than `off` it is exactly one of
/// passed, allowed, dropped, would-drop, limited, would-limit or courtesy as well.
#[derive(Clone, Copy, Debug, Eq, Pod, PartialEq, Zeroable)]
#[repr(C)]
pub struct Stats {
    /// SYNs to guarded ports, first fragments that may become one among them.
    pub seen: u64,
    /// SYNs from sources that nothing lists.
    pub passed: u64,
    /// SYNs that an allow entry let through although a listing covers the source.
    pub allowed: u64,
    /// Packets that could not be parsed, and passed: cut short, contradicting themselves, or with
    /// more tags or extension headers than are followed. What ends before it tells its family is
    /// counted as IPv4.
    pub malformed: u64,
    /// Dropped SYNs by [`Reason::slot`].
    pub dropped: [u64; Reason::SLOTS],
    /// SYNs that mode `monitor` let pass and `enforce` would have dropped, by [`Reason::slot`].
    pub would_drop: [u64; Reason::SLOTS],
    /// SYNs of sources that nothing lists, dropped because the source is at a limit, by
    /// [`Limit::slot`].
    pub limited: [u64; Limit::SLOTS],
    /// The same, which mode `monitor` let pass.
    pub would_limit: [u64; Limit::SLOTS],
    /// SYNs of listed sources that passed out of courtesy.
    pub courtesy: u64,
    /// Reports of limits and of samples that found no room on the ring buffer.
    pub lost: u64,
    /// SYNs of listed sources until the next one is reported: the program's own note, not a counter.
    pub until_sample: u64,
}
