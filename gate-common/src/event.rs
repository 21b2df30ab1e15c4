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

/// What a report is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum EventKind {
    /// A SYN of a listed source was dropped, or would have been: a sample.
    Drop = 1,
    /// A source that had no connection open completed a handshake.
    Opened = 2,
    /// By completing a handshake, a source reached a limit.
    Reached = 3,
    /// A SYN was dropped, or would have been, because its source is at a limit.
    Limited = 4,
}

impl EventKind {
    /// The kind of that number, or `None`.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Drop),
            2 => Some(Self::Opened),
            3 => Some(Self::Reached),
            4 => Some(Self::Limited),
            _ => None,
        }
    }
}

/// A report.
#[derive(Clone, Copy, Debug, Eq, Pod, PartialEq, Zeroable)]
#[repr(C)]
pub struct Event {
    /// The source address in network order; IPv4 as `::ffff:a.b.c.d`.
    pub source: [u8; 16],
    /// Index of the interface the SYN came in by; 0 where the report is about a connection.
    pub ifindex: u32,
    /// What was counted: connections open, opened in the window, or SYNs.
    pub count: u32,
    /// The guarded port, in host order; 0 where a fragment that comes later holds it.
    pub port: u16,
    /// An [`EventKind`] by its number.
    pub kind: u8,
    /// Of a sampled drop the [`Reason`](crate::Reason), of a limit the [`Limit`](crate::Limit), by
    /// its number.
    pub what: u8,
    /// Of a SYN, a [`Verdict`] by its number.
    pub verdict: u8,
    /// Zero.
    pub unused: [u8; 3],
}
