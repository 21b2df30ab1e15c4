//! The gate table's answer about one source.
//!
//! In: a source address. Out: its [`Standing`].
//!
//! The index answers for most sources. Where it does not know, the tries do, and of them the block
//! trie is asked first: who is not listed needs no exception, and most are not. The order is half of invariant 1; the other half is the writer's: an allow entry enters before the
//! listing it excepts, and leaves after it.
//!
//! A program that runs while the writer writes may have passed the place that is written to: it
//! may find a listing and no longer the allow entry that left after it, or neither a network that
//! has just entered nor the one that left for it. So a writer lets the programs that run come to
//! an end (an RCU grace period) between insertions and deletions, and between listings that leave
//! and allow entries that leave.

use aya_ebpf::btf_maps::lpm_trie::Key;
use gate_common::{Entry, index::Decision};

use crate::{index, maps, parse::Source};

/// What the gate table says of a source.
pub enum Standing {
    /// Nothing lists it.
    Unlisted,
    /// It is listed, and an allow entry covers it, which wins.
    Allowed,
    /// It is listed.
    Listed(Entry),
}

/// A way to look sources up. A trait and not a function to pass, so that it is always inlined.
pub trait Lookup {
    /// What is known of `source`.
    fn standing(source: &Source) -> Standing;
}

/// The gate table: its index, and its tries where that does not know.
pub struct Table;

/// The tries alone.
pub struct Tries;

impl Lookup for Table {
    #[inline(always)]
    fn standing(source: &Source) -> Standing {
        let decision = match *source {
            Source::V4(address) => index::decide_v4(u32::from_be_bytes(address)),
            Source::V6(address) => index::decide_v6((u128::from_be_bytes(address) >> 64) as u64),
        };
        match decision {
            Decision::CLEAN => Standing::Unlisted,
            Decision::ALLOWED => Standing::Allowed,
            Decision::ASK => Tries::standing(source),
            listed => Standing::Listed(Entry::of_reason(listed.bits())),
        }
    }
}

impl Lookup for Tries {
    #[inline(always)]
    fn standing(source: &Source) -> Standing {
        match source {
            Source::V4(address) => v4(*address),
            Source::V6(address) => v6(address),
        }
    }
}

/// A function of its own, as the next: the index answers for most sources.
#[inline(never)]
fn v4(address: [u8; 4]) -> Standing {
    let key = Key::new(32, address);
    match maps::BLOCK_V4.get(&key) {
        None => Standing::Unlisted,
        Some(_) if maps::ALLOW_V4.get(&key).is_some() => Standing::Allowed,
        Some(entry) => Standing::Listed(*entry),
    }
}

#[inline(never)]
fn v6(address: &[u8; 16]) -> Standing {
    let key = Key::new(128, *address);
    match maps::BLOCK_V6.get(&key) {
        None => Standing::Unlisted,
        Some(_) if maps::ALLOW_V6.get(&key).is_some() => Standing::Allowed,
        Some(entry) => Standing::Listed(*entry),
    }
}
