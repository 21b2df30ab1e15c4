//! Limits on connections and SYNs.

use bytemuck::{Pod, Zeroable};

/// A limit of the kernel's.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum Limit {
    /// Connections open at once.
    Connections = 0,
    /// Connections opened in the window.
    Rate = 1,
    /// SYNs.
    SynRate = 2,
}

impl Limit {
    /// Slots for counters by limit: a power of two above every number.
    pub const SLOTS: usize = 4;

    /// Every limit, in the order of its number.
    pub const ALL: [Self; 3] = [Self::Connections, Self::Rate, Self::SynRate];

    /// The key of the configuration, after which it is called everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections_hard",
            Self::Rate => "rate",
            Self::SynRate => "syn_rate",
        }
    }

    /// The limit of that number, or `None`.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Connections),
            1 => Some(Self::Rate),
            2 => Some(Self::SynRate),
            _ => None,
        }
    }

    /// The slot of its counters in [`Stats`](crate::Stats).
    pub const fn slot(self) -> usize {
        self as usize
    }
}

/// The limits that hold for a source; also the value of the tries that make exceptions.
#[derive(Clone, Copy, Debug, Default, Eq, Pod, PartialEq, Zeroable)]
#[repr(C)]
pub struct Limits {
    /// With so many connections open, further SYNs are dropped; 0 for no limit.
    pub connections: u32,
    /// After so many connections opened in one window, SYNs are dropped until it ends; 0 for no
    /// limit.
    pub rate: u32,
    /// How long a window is, in milliseconds.
    pub window: u32,
    /// Length of the network's prefix in bits, for who reads a trie back; 0 for the default.
    pub prefix_len: u32,
}

/// Units of time of the token buckets for SYNs: a microsecond, in nanoseconds.
pub const SYN_UNIT: u64 = 1_000;

/// Token buckets for SYNs: the elements of `SYNS`, a power of two.
pub const SYN_BUCKETS: usize = 1 << 16;

/// A token bucket for the SYNs of whatever source was here last.
#[derive(Clone, Copy, Debug, Default, Eq, Pod, PartialEq, Zeroable)]
#[repr(C)]
pub struct SynBucket {
    /// The bucket: see [`Rate::take`](crate::Rate::take).
    pub word: u64,
    /// The second in which it was reported last.
    pub told: u32,
    /// SYNs too many since then.
    pub dropped: u32,
}

/// Units of time of courtesy: a millisecond, in nanoseconds.
pub const COURTESY_UNIT: u64 = 1_000_000;

/// Token buckets for courtesy: the elements of `COURTESY`, a power of two.
pub const COURTESY_BUCKETS: usize = 1 << 16;
