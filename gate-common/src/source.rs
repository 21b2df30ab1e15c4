//! Sources, and the table that counts their connections.
//!
//! `SOURCES` is an array of [`Bucket`]s, each with its own lock and room for [`WAYS`] sources. A
//! source has one bucket where it can be; nothing is ever allocated or freed, and nothing is freed
//! behind the back of a program that counts. Who has no open connection makes room for who has
//! one; who has one is never pushed out.

use bytemuck::{Pod, Zeroable};

/// How many sources a bucket has room for. Lock and names take a cache line: a look at a source
/// that is not there costs no more.
pub const WAYS: usize = 7;

/// A source in one word: the upper half of an IPv6 address, or an IPv4 address behind the prefix
/// `::ffff`, which is no IPv6 network's (RFC 4291, section 2.5.5.2). Zero, which is the network of
/// `::1`, is nobody.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Pod, Zeroable)]
#[repr(transparent)]
pub struct Source(u64);

impl Source {
    /// Nobody.
    pub const NOBODY: Self = Self(0);

    /// What marks an IPv4 address.
    const V4: u64 = 0xffff << 32;

    /// The source of an IPv4 address in host order.
    #[must_use]
    pub const fn v4(address: u32) -> Self {
        Self(Self::V4 | address as u64)
    }

    /// The source of an IPv6 address of which `high` is the first half, in host order.
    #[must_use]
    pub const fn v6(high: u64) -> Self {
        Self(high)
    }

    /// The word.
    #[must_use]
    pub const fn word(self) -> u64 {
        self.0
    }

    /// The IPv4 address in host order, if it is one.
    #[must_use]
    pub const fn as_v4(self) -> Option<u32> {
        if self.0 & !0xffff_ffff == Self::V4 {
            #[allow(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
            Some(self.0 as u32)
        } else {
            None
        }
    }

    /// Its bucket, of `buckets` (a power of two).
    ///
    /// The finalizer of MurmurHash3: each bit of the word reaches each of the hash.
    #[must_use]
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "a call may not be made under the lock"
    )]
    pub const fn bucket(self, buckets: u32) -> u32 {
        #[allow(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
        let hash = mix(self.0) as u32;
        hash & buckets.wrapping_sub(1)
    }
}

/// The finalizer of MurmurHash3 (Austin Appleby, public domain).
#[must_use]
#[inline(always)]
#[allow(clippy::inline_always, reason = "a few instructions")]
pub const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let word = (word ^ (word >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ (word >> 33)
}

/// The kernel's lock, found by the name of its type (`btf_find_struct_field`, kernel/bpf/btf.c).
#[allow(non_camel_case_types, reason = "the kernel looks for this name")]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct bpf_spin_lock {
    /// The kernel's own.
    pub val: u32,
}

/// What is counted of one source.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Count {
    /// Connections that are open: their handshake is completed, and they are not closed.
    pub open: u32,
    /// How often `open` has changed, modulo 2^32: who has seen the same number twice knows that
    /// nothing happened in between.
    pub changes: u32,
    /// When the window ends, on the kernel's monotonic clock, in nanoseconds. The first connection
    /// after that begins another.
    pub until: u64,
    /// Connections opened in the window.
    pub opened: u32,
    /// The second of that clock in which it was last reported that a source opened its first
    /// connection, or had SYNs dropped: once a second at most.
    pub told: u32,
    /// The second in which it was last reported that the source reached a limit.
    pub reached: u32,
    /// Zero.
    pub unused: u32,
}

/// The sources that share a bucket.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Bucket {
    /// Held by whoever changes the rest.
    pub lock: bpf_spin_lock,
    /// Reports about these sources that found no room on the ring buffer, modulo 2^32.
    pub lost: u32,
    /// Who is here; [`Source::NOBODY`] where there is room.
    pub sources: [Source; WAYS],
    /// What is counted of them.
    pub counts: [Count; WAYS],
    /// Connections that were counted here, since the maps were made.
    pub opened: u64,
    /// Those of them that have been closed.
    pub closed: u64,
    /// Connections that are not counted for their source: every source here had a connection open,
    /// or the kernel had no memory for the mark on the socket.
    pub uncounted: u64,
}

/// What userspace asks the program `correct` to do: to set a count, if it is the one that userspace
/// knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Correction {
    /// Whose.
    pub source: Source,
    /// How many connections are open.
    pub open: u32,
    /// How many to add to those opened in the window.
    pub opened: u32,
    /// [`Count::changes`] as userspace knows it.
    pub changes: u32,
    /// Other than 0 if userspace knows of no count at all.
    pub absent: u32,
}

impl Correction {
    /// What the program returns: the count is corrected.
    pub const DONE: u32 = 1;
    /// The count has changed meanwhile, and stays.
    pub const CHANGED: u32 = 2;
    /// There is no room for the source.
    pub const NO_ROOM: u32 = 3;
    /// With `DONE`: the source has reached [`Limit::Connections`](crate::Limit::Connections) by it.
    pub const CONNECTIONS: u32 = 1 << 8;
    /// With `DONE`: the source has reached [`Limit::Rate`](crate::Limit::Rate) by it.
    pub const RATE: u32 = 1 << 9;
}
