//! What the kernel reports on the ring buffer.

use bytemuck::{Pod, Zeroable};

/// What happened to a SYN that a listing covers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Verdict {
    /// It passed.
    Pass = 0,
    /// It was dropped.
    Drop = 1,
    /// It passed in mode `monitor`; `enforce` would have dropped it.
    WouldDrop = 2,
}

/// A sampled drop.
#[derive(Clone, Copy, Debug, Eq, Pod, PartialEq, Zeroable)]
#[repr(C)]
pub struct DropEvent {
    /// The source address in network order; IPv4 as `::ffff:a.b.c.d`.
    pub source: [u8; 16],
    /// Index of the interface it came in by.
    pub ifindex: u32,
    /// The guarded port, in host order; 0 where a fragment that comes later holds it.
    pub port: u16,
    /// A [`Reason`](crate::Reason) by its number.
    pub reason: u8,
    /// A [`Verdict`] by its number.
    pub verdict: u8,
}
