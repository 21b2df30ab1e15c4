//! The index in front of the tries: one or two reads decide about most sources.
//!
//! Userspace changes these maps while this reads them. Each step here reads one word that says
//! where the next is to be read; the writer (`gate-user`, `kernel::index`) changes what such a
//! word leads to only when no program can still be on its way there. Every word is therefore read
//! exactly once, hence `read_volatile`.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the low byte of an address is wanted"
)]

use core::ptr;

use aya_ebpf::{btf_maps::Array, macros::btf_map};
use gate_common::index::{Decision, v4, v6};

/// `BPF_F_MMAPABLE` (`include/uapi/linux/bpf.h`): userspace maps the array into its memory.
const MMAPABLE: usize = 1 << 10;

/// [`v4::Head`].
#[btf_map]
pub static HEAD_V4: Array<u32, 1, MMAPABLE> = Array::new();

/// [`v4::Root`] bytes, a half each element.
#[btf_map]
pub static ROOTS_V4: Array<[u8; v4::ROOTS], 2, MMAPABLE> = Array::new();

/// Buckets of slots, the second half behind the first.
#[btf_map]
pub static SLOTS_V4: Array<[u32; v4::BUCKET], { 2 << v4::MAX_BITS }, MMAPABLE> = Array::new();

/// Leaves.
#[btf_map]
pub static LEAVES_V4: Array<[u8; v4::LEAF], { v4::LEAVES as usize }, MMAPABLE> = Array::new();

/// [`Decision`] bytes for every /20.
#[btf_map]
pub static INDEX_V6: Array<[u8; 1 << v6::WIDE], 1, MMAPABLE> = Array::new();

/// [`v6::filter`] bits.
#[btf_map]
pub static FILTER_V6: Array<[u8; v6::CELLS], 1, MMAPABLE> = Array::new();

/// [`v6::Cell`]s.
#[btf_map]
pub static CELLS_V6: Array<[u16; v6::CELLS], 1, MMAPABLE> = Array::new();

/// Buckets of slots.
#[btf_map]
pub static SLOTS_V6: Array<[u64; v6::BUCKET], { v6::BUCKETS as usize }, MMAPABLE> = Array::new();

/// Reads one word of a map that userspace may be writing.
#[inline(always)]
fn read<T: Copy>(word: &T) -> T {
    // SAFETY: a reference is valid for reads.
    unsafe { ptr::read_volatile(word) }
}

/// What is to happen to an IPv4 source; `address` in host order.
///
/// A function of its own, as are the others here: inlined, they need more stack than there is,
/// because the compiler works ahead.
#[inline(never)]
pub fn decide_v4(address: u32) -> Decision {
    let Some(head) = HEAD_V4.get(0) else {
        return Decision::ASK;
    };
    let head = v4::Head(read(head));
    let Some(roots) = ROOTS_V4.get(head.half()) else {
        return Decision::ASK;
    };
    if !head.is_written() {
        return Decision::ASK;
    }
    let hash = v4::hash(address >> 8);
    let low = address as u8;
    let bits = head.bits();
    let half = head.half() << v4::MAX_BITS;
    // Most often the first slot of the first choice is the one. To read it beside the root, and not
    // after it, lets memory fetch both at once.
    let Some(bucket) = SLOTS_V4.get(half | v4::bucket(hash, 0, bits)) else {
        return Decision::ASK;
    };
    let guess = read(&bucket[v4::first(hash)]);
    let root = read(&roots[(address >> 12) as usize % v4::ROOTS]);
    let (choice, default) = match v4::Root::from_byte(root) {
        v4::Root::Whole(decision) => return decision,
        v4::Root::Slots { choice, default } => (choice, default),
    };
    let guess = guess ^ v4::owner(hash, 0);
    if choice == 0 && guess & v4::OWNER == 0 {
        let node = v4::node(guess);
        if node == v4::address(low) || node == v4::ALONE {
            return v4::decision(guess);
        }
    }
    let Some(bucket) = SLOTS_V4.get(half | v4::bucket(hash, choice, bits)) else {
        return Decision::ASK;
    };
    let owner = v4::owner(hash, choice);
    let mut whole = default;
    for number in 0..v4::BUCKET {
        let slot = read(&bucket[(v4::first(hash) + number) % v4::BUCKET]);
        if slot == 0 {
            break;
        }
        let slot = slot ^ owner;
        if slot & v4::OWNER != 0 {
            continue;
        }
        let node = v4::node(slot);
        if node == v4::address(low) || node == v4::block(low) || node == v4::ALONE {
            return v4::decision(slot);
        }
        if node == v4::WHOLE {
            whole = v4::decision(slot);
        } else if let Some(choice) = v4::leaf_choice(node) {
            return match LEAVES_V4.get(v4::leaf(hash, choice, v4::LEAVES)) {
                Some(leaf) => v4::leaf_decision(read(&leaf[low as usize / 2]), low),
                None => Decision::ASK,
            };
        }
    }
    whole
}

/// What is to happen to an IPv6 source; `high` is the first half of its address, in host order.
#[inline(never)]
pub fn decide_v6(high: u64) -> Decision {
    let index = v6::cell(high) % v6::CELLS;
    let (Some(wide), Some(filter)) = (INDEX_V6.get(0), FILTER_V6.get(0)) else {
        return Decision::ASK;
    };
    let default = read(&wide[(high >> (64 - v6::WIDE)) as usize % (1 << v6::WIDE)]);
    let default = Decision::from_bits(default);
    if read(&filter[index]) & v6::filter(high) == 0 {
        return default;
    }
    let Some(cells) = CELLS_V6.get(0) else {
        return Decision::ASK;
    };
    let cell = v6::Cell(read(&cells[index]));
    if cell.is_empty() {
        return default;
    }
    if cell.asks() {
        return Decision::ASK;
    }
    let mut level = v6::LEVELS;
    while level > 0 {
        level -= 1;
        if cell.levels() & 1 << level != 0 {
            let slot = find_v6(high, level, cell.version());
            if slot != 0 {
                return v6::decision(slot);
            }
        }
    }
    default
}

/// The slot for the prefix of `high` at `level`, or 0.
#[inline(never)]
fn find_v6(high: u64, level: u32, version: bool) -> u64 {
    let hash = v6::hash(v6::prefix(high, level));
    let first = v6::bucket(hash, v6::BUCKETS);
    let mut chain = 0;
    while chain < v6::CHAIN {
        let key = v6::key(hash, level, version, chain);
        let Some(bucket) = SLOTS_V6.get((first + chain) & (v6::BUCKETS - 1)) else {
            return 0;
        };
        let mut slot = 0;
        for word in bucket {
            slot = read(word);
            if slot & v6::KEY == key {
                return slot;
            }
        }
        if slot == 0 {
            return 0;
        }
        chain += 1;
    }
    0
}
