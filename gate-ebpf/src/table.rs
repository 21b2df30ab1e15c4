//! The gate table's answer about one source.
//!
//! In: a source address. Out: its [`Standing`].
//!
//! The block trie is asked first: who is not listed needs no exception. The order of the two
//! questions is half of invariant 1, the writer's order is the other half: an allow entry enters
//! before the listing it excepts, and leaves after it. So a source found listed finds its allow
//! entry, unless both leave between the two questions; hence a writer that has removed a listing
//! waits until no program runs that may have seen it (an RCU grace period) before it removes the
//! allow entry.

use aya_ebpf::btf_maps::lpm_trie::Key;
use gate_common::Entry;

use crate::{maps, parse::Source};

/// What the gate table says of a source.
pub enum Standing {
    /// Nothing lists it.
    Unlisted,
    /// It is listed, and an allow entry covers it, which wins.
    Allowed,
    /// It is listed.
    Listed(Entry),
}

/// Looks `source` up.
#[inline(always)]
pub fn standing(source: &Source) -> Standing {
    match source {
        Source::V4(address) => v4(*address),
        Source::V6(address) => v6(*address),
    }
}

#[inline(always)]
fn v4(address: [u8; 4]) -> Standing {
    let key = Key::new(32, address);
    match maps::BLOCK_V4.get(&key) {
        None => Standing::Unlisted,
        Some(_) if maps::ALLOW_V4.get(&key).is_some() => Standing::Allowed,
        Some(entry) => Standing::Listed(*entry),
    }
}

#[inline(always)]
fn v6(address: [u8; 16]) -> Standing {
    let key = Key::new(128, address);
    match maps::BLOCK_V6.get(&key) {
        None => Standing::Unlisted,
        Some(_) if maps::ALLOW_V6.get(&key).is_some() => Standing::Allowed,
        Some(entry) => Standing::Listed(*entry),
    }
}
