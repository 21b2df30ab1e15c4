//! IPv4: a byte for every /20, and one cache line of slots for those that need more to be told.
//!
//! - `HEAD_V4`: one word, [`Head`]: how many buckets are in force, and which half of the two next
//!   maps. A table that outgrows its buckets is written to the other half, and turned to at once.
//! - `ROOTS_V4`: [`Root`] of each /20. It decides, or says that the slots of its /24s do.
//! - `SLOTS_V4`: buckets of sixteen slots, a cache line each. The slots of a /24 lie in one bucket,
//!   one of the [`CHOICES`] behind the place its hash names; the root says which, the first if it
//!   can. In the bucket they follow [`first`], with nothing free between. A slot holds the decision
//!   of one address, one /28 or the whole /24; what has no slot has the root's default.
//! - `LEAVES_V4`: four bits for every address of a /24 with more to tell than fits in a bucket,
//!   at one of [`LEAF_CHOICES`] places; a slot says which.
//!
//! Memory decides what a look-up costs: a line that no cache holds takes as long as everything
//! else together. So the maps take as much room as the list needs, not the address space, and the
//! line of a bucket is all that a look-up reads beside a byte that is often at hand.

use super::Decision;

/// How many /20s there are.
pub const ROOTS: usize = 1 << 20;
/// Slots in a bucket: a cache line of them.
pub const BUCKET: usize = 16;
/// Buckets that the slots of a /24 may lie in.
pub const CHOICES: u32 = 8;
/// Places that the leaf of a /24 may lie at.
pub const LEAF_CHOICES: u32 = 64;
/// Bytes of a leaf.
pub const LEAF: usize = 128;
/// Logarithm of the most buckets: 8 MiB, room for two slots for each of a million networks.
pub const MAX_BITS: u32 = 17;
/// Logarithm of the fewest buckets: with fewer, the part of the hash in a slot would not tell all
/// /24s apart.
pub const MIN_BITS: u32 = 8;
/// How many leaves there are: 8 MiB.
pub const LEAVES: u32 = 1 << 16;

/// Which buckets are in force; zero, as nobody has written it, for none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(transparent)]
pub struct Head(pub u32);

impl Head {
    /// `1 << bits` buckets of that half.
    pub const fn new(half: usize, bits: u32) -> Self {
        Self((half as u32 & 1) << 8 | bits)
    }

    /// Whether the index says anything.
    #[inline(always)]
    pub const fn is_written(self) -> bool {
        self.0 != 0
    }

    /// The half: 0 or 1.
    #[inline(always)]
    pub const fn half(self) -> u32 {
        self.0 >> 8 & 1
    }

    /// Logarithm of the number of buckets, below 32.
    #[inline(always)]
    pub const fn bits(self) -> u32 {
        self.0 & 31
    }
}

/// What the byte of a /20 says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Root {
    /// One decision for all of it.
    Whole(Decision),
    /// The slots in this one of each /24's buckets decide, `default` where there is none.
    Slots {
        /// Which of their buckets, below [`CHOICES`].
        choice: u32,
        /// The decision for what has no slot.
        default: Decision,
    },
}

impl Root {
    /// What the byte means.
    #[inline(always)]
    pub const fn from_byte(byte: u8) -> Self {
        if byte & 0x80 == 0 {
            Self::Whole(Decision::from_bits(byte))
        } else {
            Self::Slots {
                choice: (byte >> 4 & 7) as u32,
                default: Decision::from_bits(byte),
            }
        }
    }

    /// The byte that means this.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Whole(decision) => decision.bits(),
            Self::Slots { choice, default } => 0x80 | (choice as u8 & 7) << 4 | default.bits(),
        }
    }
}

/// The hash of a /24: a permutation of the 24-bit numbers, so that it stands for the /24 itself.
#[inline(always)]
pub const fn hash(network: u32) -> u32 {
    let mixed = network.wrapping_mul(0x9e_3779) & 0xff_ffff;
    (mixed ^ mixed >> 12).wrapping_mul(0x85_ebcb) & 0xff_ffff
}

/// The bucket of a /24 with that hash at its `choice`, among `1 << bits`.
#[inline(always)]
pub const fn bucket(hash: u32, choice: u32, bits: u32) -> u32 {
    ((hash >> ((24 - bits) & 31)) + choice) & ((1 << (bits & 31)) - 1)
}

/// The slot of its bucket that the slots of a /24 with that hash follow, the last being followed by
/// the first.
#[inline(always)]
pub const fn first(hash: u32) -> usize {
    hash as usize % BUCKET
}

/// The place of the leaf of a /24 with that hash at its `choice`, among `places`.
#[inline(always)]
pub const fn leaf(hash: u32, choice: u32, places: u32) -> u32 {
    let place = ((hash as u64 * places as u64) >> 24) as u32 + choice;
    if place >= places {
        place - places
    } else {
        place
    }
}

/// What the slots of a /24 with that hash have in common: nothing else in the same bucket has it.
///
/// The /24s that name a bucket by the same choice have neighbouring hashes, of which there are at
/// most 2^16 with [`MIN_BITS`]: the low bits tell them apart.
#[inline(always)]
pub const fn owner(hash: u32, choice: u32) -> u32 {
    choice << 29 | (hash & 0xffff) << 13
}

/// The bits of [`owner`] in a slot.
pub const OWNER: u32 = !0 << 13;

/// The hash of the /24 that owns `slot` in this one of `1 << bits` buckets.
pub const fn owner_hash(slot: u32, in_bucket: u32, bits: u32) -> u32 {
    let first = in_bucket.wrapping_sub(slot >> 29) & ((1 << bits) - 1);
    first << (24 - bits) | slot >> 13 & 0xffff & ((1 << (24 - bits)) - 1)
}

const _: () = assert!(MIN_BITS >= 8 && MAX_BITS <= 24 && LEAVES >= LEAF_CHOICES);

/// What a slot speaks of, nine bits: [`WHOLE`], [`ALONE`], [`block`], [`leaf_at`] or [`address`].
#[inline(always)]
pub const fn node(slot: u32) -> u32 {
    slot >> 4 & 0x1ff
}

/// The node of an address, by its low byte.
#[inline(always)]
pub const fn address(low: u8) -> u32 {
    0x100 | low as u32
}

/// The node of the /28 around an address, by the address's low byte.
#[inline(always)]
pub const fn block(low: u8) -> u32 {
    0x10 | low as u32 >> 4
}

/// The node of the whole /24.
pub const WHOLE: u32 = 1;

/// The node of the whole /24 where it has no other slot.
pub const ALONE: u32 = 2;

/// A slot that speaks of nothing any more, and is not free: others follow it.
pub const TOMBSTONE: u32 = 3 << 4;

/// The node of a leaf at one of its places.
#[inline(always)]
pub const fn leaf_at(choice: u32) -> u32 {
    0x40 | choice & 0x3f
}

/// At which of its places the leaf is that a node speaks of, if it speaks of one.
#[inline(always)]
pub const fn leaf_choice(node: u32) -> Option<u32> {
    if node >> 6 == 1 {
        Some(node & 0x3f)
    } else {
        None
    }
}

/// The decision in a slot. A slot that is 0 is free.
#[inline(always)]
pub const fn decision(slot: u32) -> Decision {
    Decision::from_bits(slot as u8)
}

/// The decision for the address with this low byte in the byte `leaf[low / 2]`.
#[inline(always)]
pub const fn leaf_decision(byte: u8, low: u8) -> Decision {
    Decision::from_bits(byte >> ((low & 1) * 4))
}
