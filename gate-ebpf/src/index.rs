//! The index in front of the tries: one or two reads decide about most sources.
//!
//! Userspace changes these maps while this reads them. Each step here reads one word that says
//! where the next is to be read; the writer (`gate-user`, `kernel::index`) changes what such a
//! word leads to only when no program can still be on its way there. Every word is therefore read
//! exactly once, hence `read_volatile`.

use core::ptr;

use aya_ebpf::{btf_maps::Array, macros::btf_map};
use gate_common::index::{Decision, v4, v6};

/// `BPF_F_MMAPABLE` (`include/uapi/linux/bpf.h`): userspace maps the array into its memory.
const MMAPABLE: usize = 1 << 10;

/// [`v4::Level1`] bytes, a page each element.
#[btf_map]
pub static INDEX_V4: Array<[u8; v4::PAGE], { v4::NETWORKS / v4::PAGE }, MMAPABLE> = Array::new();

/// Buckets of slots.
#[btf_map]
pub static SLOTS_V4: Array<[u32; v4::BUCKET], { v4::BUCKETS as usize }, MMAPABLE> = Array::new();

/// Leaves.
#[btf_map]
pub static LEAVES_V4: Array<[u8; v4::LEAF], { v4::LEAVES as usize }, MMAPABLE> = Array::new();

/// [`Decision`] bytes for every /20, a page each element.
#[btf_map]
pub static INDEX_V6: Array<[u8; v6::PAGE], { (1 << v6::WIDE) / v6::PAGE }, MMAPABLE> = Array::new();

/// [`v6::Cell`]s.
#[btf_map]
pub static CELLS_V6: Array<[u16; v6::CELL_PAGE], { v6::CELLS / v6::CELL_PAGE }, MMAPABLE> =
    Array::new();

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
    let network = address >> 8;
    let low = address as u8;
    let Some(page) = INDEX_V4.get(network / v4::PAGE as u32) else {
        return Decision::ASK;
    };
    let byte = read(&page[network as usize % v4::PAGE]);
    match v4::Level1::from_byte(byte) {
        v4::Level1::Whole(decision) => decision,
        v4::Level1::Bucket { choice, default } => {
            let hash = v4::hash(network);
            let Some(bucket) = SLOTS_V4.get(v4::place(hash, choice, v4::BUCKETS)) else {
                return Decision::ASK;
            };
            let owner = v4::owner(hash, choice);
            // In turn, not in one go: that would hold all slots at once, on the stack.
            for named in [owner | v4::address(low), owner | v4::block(low)] {
                for slot in bucket {
                    let slot = read(slot);
                    if slot & !15 == named {
                        return v4::decision(slot);
                    }
                }
            }
            default
        }
        v4::Level1::Leaf { choice } => {
            let place = v4::place(v4::hash(network), choice, v4::LEAVES);
            match LEAVES_V4.get(place) {
                Some(leaf) => v4::leaf_decision(read(&leaf[low as usize / 2]), low),
                None => Decision::ASK,
            }
        }
    }
}

/// What is to happen to an IPv6 source; `high` is the first half of its address, in host order.
#[inline(never)]
pub fn decide_v6(high: u64) -> Decision {
    let wide = (high >> (64 - v6::WIDE)) as u32;
    let index = v6::cell(high);
    let (Some(page), Some(cells)) = (
        INDEX_V6.get(wide / v6::PAGE as u32),
        CELLS_V6.get((index / v6::CELL_PAGE) as u32),
    ) else {
        return Decision::ASK;
    };
    let cell = v6::Cell(read(&cells[index % v6::CELL_PAGE]));
    let default = Decision::from_bits(read(&page[wide as usize % v6::PAGE]));
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
