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

/// Value of a trie: why the network is in it.
///
/// Four bytes, because a BTF trie wants the size of its key data to be a multiple of the value's
/// alignment, and `bpftool map dump` should show a plain number.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Entry(u32);

impl Entry {
    /// The value of an entry in an allow trie, where there is nothing to tell.
    pub const ALLOW: Self = Self(0);

    /// The value of a network that is blocked for `reason`.
    pub const fn block(reason: Reason) -> Self {
        Self(reason as u32)
    }

    /// The reason's number, as [`Stats`](crate::Stats) counts by it; below
    /// [`Reason::SLOTS`] whatever the map holds.
    pub const fn slot(self) -> usize {
        self.0 as usize % Reason::SLOTS
    }

    /// The reason, or `None` for a number that this version does not know.
    pub const fn reason(self) -> Option<Reason> {
        Reason::from_number(self.0)
    }
}
