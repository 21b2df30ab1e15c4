//! Keys and values of the tries.

use bytemuck::{Pod, Zeroable};

use crate::Reason;

/// Key of an IPv4 trie: `struct bpf_lpm_trie_key` with four bytes of data.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Pod, Zeroable)]
#[repr(C)]
pub struct KeyV4 {
    /// Length of the prefix in bits, 0 to 32, in host order.
    pub prefix_len: u32,
    /// The address, in network order.
    pub address: [u8; 4],
}

/// Key of an IPv6 trie: `struct bpf_lpm_trie_key` with sixteen bytes of data.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Pod, Zeroable)]
#[repr(C)]
pub struct KeyV6 {
    /// Length of the prefix in bits, 0 to 128, in host order.
    pub prefix_len: u32,
    /// The address, in network order.
    pub address: [u8; 16],
}

/// Value of a trie: why the network is in it, and how long its prefix is.
///
/// The reason's number is the low byte, the prefix length the next: a lookup answers with the
/// value alone, and must still tell which network it found. Four bytes, because a BTF trie wants
/// the size of its key data to be a multiple of the value's alignment.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Entry(u32);

impl Entry {
    /// The value of an allow entry of `prefix_len` bits, where there is no reason to tell.
    pub const fn allow(prefix_len: u8) -> Self {
        Self((prefix_len as u32) << 8)
    }

    /// The value of a network of `prefix_len` bits that is blocked for `reason`.
    pub const fn block(reason: Reason, prefix_len: u8) -> Self {
        Self(reason as u32 | (prefix_len as u32) << 8)
    }

    /// The value of a network that is blocked for the reason of that number, its length not told:
    /// the index knows no more.
    pub const fn of_reason(number: u8) -> Self {
        Self(number as u32)
    }

    /// The reason's number, as [`Stats`](crate::Stats) counts by it; below
    /// [`Reason::SLOTS`] whatever the map holds.
    pub const fn slot(self) -> usize {
        self.0 as usize % Reason::SLOTS
    }

    /// The reason's number as it stands, known or not; 0 in an allow entry.
    pub const fn reason_number(self) -> u8 {
        self.0.to_le_bytes()[0]
    }

    /// The reason, or `None` for a number that this version does not know, or for an allow entry.
    pub const fn reason(self) -> Option<Reason> {
        Reason::from_number(self.0 & 0xff)
    }

    /// Length of the network's prefix in bits.
    pub const fn prefix_len(self) -> u8 {
        self.0.to_le_bytes()[1]
    }
}
