//! IPv4: a byte for every /24, and a second level for those /24s that no single decision covers.
//!
//! - `INDEX_V4`: [`Level1`] of each /24. It decides, or says where the second level is to be read:
//!   the map is always there in full, 16 MiB.
//! - `SLOTS_V4`: buckets of sixteen slots, a cache line each. The slots of a /24 lie in one bucket,
//!   one of the [`CHOICES`] behind the place its hash names; level 1 says which. A slot holds the
//!   decision of one address or one /28; what has no slot has the default that level 1 names.
//! - `LEAVES_V4`: four bits for every address of a /24 with more to tell than fits in a bucket,
//!   at one of [`LEAF_CHOICES`] places; level 1 says which.
//!
//! So every packet is decided with at most two lines of memory, whatever the list.

use super::Decision;

/// How many /24s there are.
pub const NETWORKS: usize = 1 << 24;
/// Bytes of level 1 in one element of its map.
pub const PAGE: usize = 4096;
/// Slots in a bucket: a cache line of them.
pub const BUCKET: usize = 16;
/// Buckets that the slots of a /24 may lie in.
pub const CHOICES: u32 = 8;
/// Places that the leaf of a /24 may lie at.
pub const LEAF_CHOICES: u32 = 64;
/// Bytes of a leaf.
pub const LEAF: usize = 128;
/// How many buckets there are: 8 MiB, room for two slots for each of a million networks.
pub const BUCKETS: u32 = 1 << 17;
/// How many leaves there are: 8 MiB.
pub const LEAVES: u32 = 1 << 16;
/// Fewest buckets: with fewer, the part of the hash in a slot would not tell all /24s apart.
pub const MIN_BUCKETS: u32 = 256;

/// What level 1 says of a /24.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Level1 {
    /// One decision for all of it.
    Whole(Decision),
    /// The slots in this one of its buckets decide, `default` where there is none.
    Bucket {
        /// Which of its buckets, below [`CHOICES`].
        choice: u32,
        /// The decision for what has no slot.
        default: Decision,
    },
    /// The leaf at this one of its places decides.
    Leaf {
        /// Which of its places, below [`LEAF_CHOICES`].
        choice: u32,
    },
}

impl Level1 {
    /// What the byte means.
    #[inline(always)]
    pub const fn from_byte(byte: u8) -> Self {
        if byte & 0x80 != 0 {
            Self::Bucket {
                choice: (byte >> 4 & 7) as u32,
                default: Decision::from_bits(byte),
            }
        } else if byte & 0x40 != 0 {
            Self::Leaf {
                choice: (byte & 0x3f) as u32,
            }
        } else {
            Self::Whole(Decision::from_bits(byte))
        }
    }

    /// The byte that means this.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Whole(decision) => decision.bits(),
            Self::Bucket { choice, default } => 0x80 | (choice as u8 & 7) << 4 | default.bits(),
            Self::Leaf { choice } => 0x40 | choice as u8 & 0x3f,
        }
    }
}

/// The hash of a /24: a permutation of the 24-bit numbers, so that it stands for the /24 itself.
#[inline(always)]
pub const fn hash(network: u32) -> u32 {
    let mixed = network.wrapping_mul(0x9e_3779) & 0xff_ffff;
    (mixed ^ mixed >> 12).wrapping_mul(0x85_ebcb) & 0xff_ffff
}

/// The place of a /24 with that hash, among `places`, at its `choice`.
#[inline(always)]
pub const fn place(hash: u32, choice: u32, places: u32) -> u32 {
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
/// most 2^16 with [`MIN_BUCKETS`]: the low bits tell them apart.
#[inline(always)]
pub const fn owner(hash: u32, choice: u32) -> u32 {
    choice << 29 | (hash & 0xffff) << 13
}

/// The bits of [`owner`] in a slot.
pub const OWNER: u32 = !0 << 13;

const _: () = assert!(BUCKETS >= MIN_BUCKETS && LEAVES >= LEAF_CHOICES);

/// The part of a slot that names an address by its low byte.
#[inline(always)]
pub const fn address(low: u8) -> u32 {
    (0x100 | low as u32) << 4
}

/// The part of a slot that names the /28 around an address, by the address's low byte.
#[inline(always)]
pub const fn block(low: u8) -> u32 {
    (0x10 | low as u32 >> 4) << 4
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
