//! The IPv6 arrays, written in place while programs read them.
//!
//! # Why no reader ever sees a wrong decision
//!
//! A program reads the decision of its /20 and its bit of the filter; if that is set, the word of
//! its cell, and then the slots of the version that the cell names. The bit is set before and
//! cleared after there is anything to find behind it. There are four kinds of change:
//!
//! - **Slots that do not lie in one another**: each address depends on at most one of them, a
//!   single word; it has the former decision or the next. The cell names the level of a new slot
//!   after the slot is there, and is told of a level's end after its last slot is gone. No slot
//!   goes this way while others are so fresh that a program may have read the cell before it named
//!   them: one on its way since the table before last would find neither.
//! - **Slots that do**: those of the cell are all written once more, as the other version, which
//!   nobody reads; then the cell is turned to it, one word. A program that had read the cell before
//!   goes on with the former version, whose slots stay until a grace period has passed
//!   ([`Store::reclaim`]).
//! - **No room**: the cell says [`Cell::ASK`], and the tries decide.
//! - **Decisions of /20s**, which a program reads beside the cell, not through it: both they and
//!   the cells below them say "ask the tries" for a grace period before they get their new value,
//!   so no program combines the former of one with the next of the other ([`Store::ask`]).
//!
//! So at every instant every address has the decision of the former table or that of the next:
//! who is allowed in both passes (invariant 1), who is listed in both does not (invariant 2).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU8, AtomicU16, AtomicU64, Ordering},
};

use gate_common::index::{
    Decision,
    v6::{BUCKET, CHAIN, Cell, KEY, Slot, TOMBSTONE, bucket, cell, filter, hash, key, prefix},
};

use super::model::Content;

/// What the writer knows of the arrays beyond what they say themselves.
#[derive(Debug, Default)]
pub(in super::super) struct State {
    slots_used: u64,
    /// Cells for which there was no room.
    fallbacks: BTreeSet<u32>,
    /// Slots that nobody may find any more, once the programs that run now have ended.
    stale: Vec<usize>,
    /// Whether slots were added to a version that programs read since the last grace period.
    is_fresh: bool,
}

impl State {
    /// Slots in use.
    pub(in super::super) fn slots_used(&self) -> u64 {
        self.slots_used
    }

    /// Cells for which there was no room: the tries decide about them.
    pub(in super::super) fn fallbacks(&self) -> &BTreeSet<u32> {
        &self.fallbacks
    }

    /// Whether a grace period would free something.
    pub(in super::super) fn has_stale(&self) -> bool {
        !self.stale.is_empty()
    }
}

/// The arrays, mapped, with their writer's state.
pub(in super::super) struct Store<'m> {
    wide: &'m [AtomicU8],
    filter: &'m [AtomicU8],
    cells: &'m [AtomicU16],
    slots: &'m [AtomicU64],
    state: &'m mut State,
}

impl<'m> Store<'m> {
    /// The arrays, with the state that was made for them.
    pub(in super::super) fn new(
        wide: &'m [AtomicU8],
        filter: &'m [AtomicU8],
        cells: &'m [AtomicU16],
        slots: &'m [AtomicU64],
        state: &'m mut State,
    ) -> Self {
        Self {
            wide,
            filter,
            cells,
            slots,
            state,
        }
    }

    /// Learns the state from arrays that an earlier daemon wrote, and what stands for each cell;
    /// what it had begun and not finished becomes stale.
    pub(in super::super) fn adopt(&mut self) -> BTreeMap<u32, Content> {
        *self.state = State::default();
        let mut found: BTreeMap<u32, Content> = BTreeMap::new();
        for (index, cell) in (0u32..).zip(self.cells) {
            if Cell(cell.load(Ordering::Relaxed)).asks() {
                self.state.fallbacks.insert(index);
            }
        }
        for (place, slot) in self.slots.iter().enumerate() {
            let bits = slot.load(Ordering::Relaxed);
            let bucket = u32::try_from(place / BUCKET).expect("buckets are counted in 32 bits");
            let Some(slot) = Slot::read(bits, bucket, self.buckets()) else {
                continue;
            };
            self.state.slots_used += 1;
            let index = cell(slot.prefix);
            let cell = Cell(self.cells[index].load(Ordering::Relaxed));
            if cell.asks() || cell.version() != slot.version || cell.levels() & 1 << slot.level == 0
            {
                self.state.stale.push(place);
            } else {
                let index = u32::try_from(index).expect("there are fewer cells than that");
                found
                    .entry(index)
                    .or_default()
                    .push((slot.prefix, slot.level, slot.decision));
            }
        }
        for content in found.values_mut() {
            content.sort_unstable();
        }
        found
    }

    /// The cells that are left to the tries.
    pub(in super::super) fn asking(&self) -> Vec<u32> {
        self.state.fallbacks.iter().copied().collect()
    }

    /// What stands for a /20.
    pub(in super::super) fn wide(&self, wide: u32) -> Decision {
        Decision::from_bits(self.wide[wide as usize].load(Ordering::Relaxed))
    }

    /// Makes the decision for a /20 that one, where nothing longer decides.
    pub(in super::super) fn put_wide(&mut self, wide: u32, decision: Decision) {
        self.wide[wide as usize].store(decision.bits(), Ordering::Release);
    }

    /// Leaves a cell to the tries, for now; `former` is what stood for it.
    pub(in super::super) fn ask(&mut self, cell: u32, former: &Content) {
        let word = self.cell(cell);
        if !word.asks() {
            self.turn(cell, Cell::ASK);
            self.state.fallbacks.insert(cell);
            self.retire(former, word.version());
        }
    }

    /// Makes the decisions for a cell `next`; `former` is what stands for it, unless it asks.
    pub(in super::super) fn put(&mut self, cell: u32, former: &Content, next: &Content) {
        let bits = next.iter().fold(0, |bits, slot| bits | filter(slot.0));
        let byte = &self.filter[cell as usize];
        byte.fetch_or(bits, Ordering::Release);
        self.put_slots(cell, former, next);
        byte.store(bits, Ordering::Release);
    }

    fn put_slots(&mut self, cell: u32, former: &Content, next: &Content) {
        let word = self.cell(cell);
        let version = if word.asks() {
            false
        } else if former == next {
            return;
        } else {
            let (gone, new) = differences(former, next);
            let is_late = !gone.is_empty() && self.state.is_fresh;
            if !is_late && are_apart(&gone, &new) && self.amend(cell, &gone, &new, next) {
                return;
            }
            !word.version()
        };
        if self.place_all(next, version) {
            self.turn(cell, Cell::new(levels(next), version));
            self.state.fallbacks.remove(&cell);
        } else {
            self.turn(cell, Cell::ASK);
            self.state.fallbacks.insert(cell);
        }
        if !word.asks() {
            self.retire(former, word.version());
        }
    }

    /// Frees what is stale: a grace period has passed since it became so.
    pub(in super::super) fn reclaim(&mut self) {
        self.state.is_fresh = false;
        for place in std::mem::take(&mut self.state.stale) {
            self.free(place);
        }
    }

    /// Makes the changes where the slots are; false if that cannot be done.
    fn amend(&mut self, cell: u32, gone: &Content, new: &Content, next: &Content) -> bool {
        let version = self.cell(cell).version();
        let mut changed = Vec::new();
        let mut placed = Vec::new();
        for &(high, level, decision) in new {
            if let Some(place) = self.find(high, level, version) {
                changed.push((place, decision));
            } else if let Some(place) = self.place(high, level, version, decision) {
                placed.push(place);
            } else {
                // The cell may name this level already, and a program have seen the slot: it read
                // the next decision. That it reads the former again is no harm.
                for place in placed {
                    self.free(place);
                }
                return false;
            }
        }
        self.state.is_fresh |= !placed.is_empty();
        for (place, decision) in changed {
            let kept = self.slots[place].load(Ordering::Relaxed) & KEY;
            self.slots[place].store(kept | u64::from(decision.bits()), Ordering::Release);
        }
        let more = self.cell(cell).levels() | levels(next);
        self.turn(cell, Cell::new(more, version));
        for &(high, level, _) in gone {
            if let Some(place) = self.find(high, level, version) {
                self.free(place);
            }
        }
        self.turn(cell, Cell::new(levels(next), version));
        true
    }

    fn turn(&self, cell: u32, next: Cell) {
        // Release: the slots are in memory before this names them.
        self.cells[cell as usize].store(next.0, Ordering::Release);
    }

    fn cell(&self, cell: u32) -> Cell {
        Cell(self.cells[cell as usize].load(Ordering::Relaxed))
    }

    /// Makes the slots of a version stale.
    fn retire(&mut self, content: &Content, version: bool) {
        for &(high, level, _) in content {
            let place = self.find(high, level, version);
            self.state.stale.extend(place);
        }
    }

    /// Writes the slots of a version that no cell names; false, and none written, if there is no
    /// room.
    fn place_all(&mut self, content: &Content, version: bool) -> bool {
        let mut placed = Vec::with_capacity(content.len());
        for &(high, level, decision) in content {
            if let Some(place) = self.place(high, level, version, decision) {
                placed.push(place);
            } else {
                for place in placed {
                    self.free(place);
                }
                return false;
            }
        }
        true
    }

    /// Writes a slot to the first free place of its buckets.
    fn place(&mut self, high: u64, level: u32, version: bool, decision: Decision) -> Option<usize> {
        let hash = hash(high);
        for chain in 0..CHAIN {
            let start = self.start(bucket(hash, self.buckets()), chain);
            let free = (start..start + BUCKET)
                .find(|&place| matches!(self.slots[place].load(Ordering::Relaxed), 0 | TOMBSTONE));
            if let Some(place) = free {
                let slot = key(hash, level, version, chain) | u64::from(decision.bits());
                self.slots[place].store(slot, Ordering::Release);
                self.state.slots_used += 1;
                return Some(place);
            }
        }
        None
    }

    fn find(&self, high: u64, level: u32, version: bool) -> Option<usize> {
        let hash = hash(high);
        (0..CHAIN).find_map(|chain| {
            let start = self.start(bucket(hash, self.buckets()), chain);
            let key = key(hash, level, version, chain);
            (start..start + BUCKET).find(|&place| {
                let slot = self.slots[place].load(Ordering::Relaxed);
                slot != 0 && slot & KEY == key
            })
        })
    }

    /// Frees a slot. The last of a bucket keeps the way open for those behind it.
    fn free(&mut self, place: usize) {
        let bucket = place / BUCKET;
        let is_way = place % BUCKET == BUCKET - 1
            && (1..CHAIN).any(|ahead| {
                let start = self.start(bucket as u32, ahead);
                self.slots[start..start + BUCKET].iter().any(|slot| {
                    let slot = slot.load(Ordering::Relaxed);
                    slot != 0 && slot != TOMBSTONE && (slot >> 9) as u32 & 3 >= ahead
                })
            });
        self.slots[place].store(if is_way { TOMBSTONE } else { 0 }, Ordering::Release);
        self.state.slots_used -= 1;
    }

    fn buckets(&self) -> u32 {
        u32::try_from(self.slots.len() / BUCKET).expect("a map counts its entries in 32 bits")
    }

    /// The first slot of the bucket so many behind that one.
    fn start(&self, bucket: u32, chain: u32) -> usize {
        (bucket.wrapping_add(chain) & (self.buckets() - 1)) as usize * BUCKET
    }
}

fn levels(content: &Content) -> u16 {
    content
        .iter()
        .fold(0, |levels, &(_, level, _)| levels | 1 << level)
}

/// What `next` has no more, and what it has anew or decides otherwise.
fn differences(former: &Content, next: &Content) -> (Content, Content) {
    let name = |&(high, level, _): &(u64, u32, Decision)| (high, level);
    let is_named =
        |content: &Content, slot| content.binary_search_by_key(&name(slot), name).is_ok();
    let gone = former
        .iter()
        .filter(|slot| !is_named(next, slot))
        .copied()
        .collect();
    let new = next
        .iter()
        .filter(|slot| former.binary_search(slot).is_err())
        .copied()
        .collect();
    (gone, new)
}

/// Whether none of these lies in another.
fn are_apart(gone: &Content, new: &Content) -> bool {
    let named: BTreeSet<(u64, u32)> = gone
        .iter()
        .chain(new)
        .map(|&(high, level, _)| (high, level))
        .collect();
    named.len() == gone.len() + new.len()
        && named.iter().all(|&(high, level)| {
            (0..level).all(|wider| !named.contains(&(prefix(high, wider), wider)))
        })
}
