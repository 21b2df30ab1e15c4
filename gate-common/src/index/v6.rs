//! IPv6: an array for what is /20 or wider, a filter for clean traffic, and slots for the rest.
//!
//! - `INDEX_V6`: a [`Decision`] for every /20, where nothing longer decides.
//! - `FILTER_V6`: eight bits for every cell, small enough for a cache. The one of a /32 is not set
//!   ([`filter`]): nothing longer than its /20 decides about it. So it is for most sources.
//! - `CELLS_V6`: a [`Cell`] for every hash of a /32. It says at which [`LEVELS`] there are slots
//!   for the /32s with that hash.
//! - `SLOTS_V6`: buckets of eight slots, a cache line each. A slot holds one prefix of a level with
//!   its decision. A bucket whose last slot is taken goes on in the next one, up to [`CHAIN`].
//!
//! The longest prefix wins: the levels that the cell names are tried from /64 to /32. Networks
//! between two levels are written out at the longer one. What is longer than /64 is left to the
//! tries, for its /64 alone.

use super::Decision;

/// Bits of the prefixes in `INDEX_V6`.
pub const WIDE: u32 = 20;
/// How many cells there are: a power of two.
pub const CELLS: usize = 1 << 19;
/// Slots in a bucket: a cache line of them.
pub const BUCKET: usize = 8;
/// Buckets that a prefix may lie in, one behind the other.
pub const CHAIN: u32 = 4;
/// Levels: prefixes of 32, 36, 40 … 64 bits.
pub const LEVELS: u32 = 9;
/// How many buckets there are: 4 MiB, room for two slots for each of 262,144 networks.
pub const BUCKETS: u32 = 1 << 16;
/// Fewest buckets, which are always a power of two: with fewer, a slot would not hold enough of
/// the hash.
pub const MIN_BUCKETS: u32 = 1 << 11;

/// What is known of the /32s with one hash.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(transparent)]
pub struct Cell(pub u16);

impl Cell {
    /// Nothing here but the tries knows.
    pub const ASK: Self = Self(1 << 15);
    const VERSION: u16 = 1 << 14;

    /// Slots at these levels, of that version.
    pub const fn new(levels: u16, version: bool) -> Self {
        Self(levels | if version { Self::VERSION } else { 0 })
    }

    /// Whether there are no slots, and the tries know no more.
    #[inline(always)]
    pub const fn is_empty(self) -> bool {
        self.levels() == 0 && !self.asks()
    }

    /// Whether the tries are to be asked.
    #[inline(always)]
    pub const fn asks(self) -> bool {
        self.0 & Self::ASK.0 != 0
    }

    /// The levels with slots, a bit each, that of /32 the lowest.
    #[inline(always)]
    pub const fn levels(self) -> u16 {
        self.0 & ((1 << LEVELS) - 1)
    }

    /// Which of two versions of the slots is the one in force.
    #[inline(always)]
    pub const fn version(self) -> bool {
        self.0 & Self::VERSION != 0
    }
}

/// The hash of the /32 of an address, by its first 64 bits.
#[inline(always)]
const fn hash_32(high: u64) -> u32 {
    ((high >> 32) as u32).wrapping_mul(0x9e37_79b1)
}

/// The cell of an address, by its first 64 bits.
#[inline(always)]
pub const fn cell(high: u64) -> usize {
    (hash_32(high) >> (32 - CELLS.trailing_zeros())) as usize
}

/// The bit of an address in its cell's byte of the filter, by its first 64 bits.
#[inline(always)]
pub const fn filter(high: u64) -> u8 {
    1 << (hash_32(high) >> (32 - CELLS.trailing_zeros() - 3) & 7)
}

/// The prefix of `high` at a level.
#[inline(always)]
pub const fn prefix(high: u64, level: u32) -> u64 {
    high & (!0 << (32 - 4 * level))
}

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of a prefix: a permutation, so that it stands for the prefix itself.
#[inline(always)]
pub const fn hash(prefix: u64) -> u64 {
    prefix.wrapping_mul(MULTIPLIER)
}

/// The prefix with that hash.
pub const fn unhash(hash: u64) -> u64 {
    // Newton's iteration for the inverse modulo 2^64: each step doubles the right bits, from 3.
    let mut inverse = MULTIPLIER;
    let mut step = 0;
    while step < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(MULTIPLIER.wrapping_mul(inverse)));
        step += 1;
    }
    hash.wrapping_mul(inverse)
}

/// The first bucket of a prefix with that hash, among `buckets`, a power of two.
#[inline(always)]
pub const fn bucket(hash: u64, buckets: u32) -> u32 {
    // At least MIN_BUCKETS, so this is a shift by less than 64.
    (hash >> (64 - buckets.trailing_zeros())) as u32
}

/// What tells a slot from every other: all of it but the decision.
///
/// The bucket knows the first bits of the hash, the slot the last 53.
#[inline(always)]
pub const fn key(hash: u64, level: u32, version: bool, chain: u32) -> u64 {
    hash << 11 | (chain as u64) << 9 | (version as u64) << 8 | (level as u64) << 4
}

/// The bits of a slot that are not the decision.
pub const KEY: u64 = !15;

/// A slot that matches nothing, and is not free: keeps the way to the next bucket open.
pub const TOMBSTONE: u64 = 15 << 4;

/// The decision in a slot. A slot that is 0 is free.
#[inline(always)]
pub const fn decision(slot: u64) -> Decision {
    Decision::from_bits(slot as u8)
}

/// A slot taken apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Slot {
    /// The prefix, as the first 64 bits of its addresses.
    pub prefix: u64,
    /// Its level.
    pub level: u32,
    /// The version it belongs to.
    pub version: bool,
    /// What is decided.
    pub decision: Decision,
}

impl Slot {
    /// What the slot `bits` in this one of `buckets` means, `None` if it is free or a tombstone.
    pub const fn read(bits: u64, bucket: u32, buckets: u32) -> Option<Self> {
        let level = (bits >> 4) as u32 & 15;
        if bits == 0 || level >= LEVELS {
            return None;
        }
        let chain = (bits >> 9) as u32 & 3;
        let first = bucket.wrapping_sub(chain) & (buckets - 1);
        let known = buckets.trailing_zeros();
        let hash = (first as u64) << (64 - known) | (bits >> 11) & (!0 >> known);
        Some(Self {
            prefix: unhash(hash),
            level,
            version: bits & 1 << 8 != 0,
            decision: decision(bits),
        })
    }
}

const _: () = {
    assert!(unhash(hash(0x2001_0db8_1234_5678)) == 0x2001_0db8_1234_5678);
    assert!(CHAIN <= 4, "two bits in a slot");
    assert!(BUCKETS.is_power_of_two() && BUCKETS >= MIN_BUCKETS);
};
