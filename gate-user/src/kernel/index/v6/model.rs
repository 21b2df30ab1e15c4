//! The IPv6 networks of the gate table, kept so that what stands for a cell is found at once.

use std::collections::{BTreeMap, BTreeSet};

use gate_common::index::{
    Decision,
    v6::{LEVELS, WIDE, cell, prefix},
};

use crate::kernel::index::{Layer, Layers, merge};

/// Level of the /64s.
const SOURCE: u32 = LEVELS - 1;

/// One change of the table.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Change {
    /// The network's address.
    pub(in super::super) address: u128,
    /// Its length in bits.
    pub(in super::super) len: u8,
    /// Where, and what for; what for does not matter when it is taken away.
    pub(in super::super) layer: Layer,
    /// Whether it is there from now on.
    pub(in super::super) present: bool,
}

/// A network of more than [`WIDE`] bits, or that part of it which is in one /32.
#[derive(Clone, Copy, Debug)]
struct Item {
    high: u64,
    low: u64,
    /// The network's own length.
    len: u8,
    allow: bool,
    reason: u8,
}

impl Item {
    fn key(&self) -> (u64, u64, u8, bool) {
        (self.high, self.low, self.len, self.allow)
    }

    /// The level it is written out at.
    fn level(&self) -> u32 {
        (u32::from(self.len).saturating_sub(32))
            .div_ceil(4)
            .min(SOURCE)
    }

    fn is_beyond_source(&self) -> bool {
        self.len > 64
    }
}

/// What is to stand for a cell: prefixes with their level and decision, in order of the prefix,
/// then level.
pub(in super::super) type Content = Vec<(u64, u32, Decision)>;

/// What has changed, or may have.
#[derive(Debug, Default)]
pub(in super::super) struct Dirty {
    /// Cells.
    pub(in super::super) cells: BTreeMap<u32, Content>,
    /// /20s, by number: other decisions than before.
    pub(in super::super) wide: Vec<u32>,
}

/// The table.
#[derive(Debug, Default)]
pub(in super::super) struct Model {
    /// Networks of up to [`WIDE`] bits: length, the address's first 20 bits, whether allow
    /// entries; the reason.
    wide: BTreeMap<(u8, u32, bool), u8>,
    /// What those decide, for every /20; empty while there are none.
    roots: Vec<Layers>,
    /// All others, by their cell.
    items: BTreeMap<u32, Vec<Item>>,
}

impl Model {
    /// Carries out `changes`; returns what may differ, cells with what stood for them before.
    pub(in super::super) fn apply(&mut self, changes: &[Change]) -> Dirty {
        let mut dirty = Dirty::default();
        let mut wide = false;
        let mut by_cell: BTreeMap<u32, Vec<(Item, bool)>> = BTreeMap::new();
        for change in changes {
            if u32::from(change.len) <= WIDE {
                self.change_wide(change);
                wide = true;
                continue;
            }
            for item in items(change) {
                by_cell
                    .entry(index(item.high))
                    .or_default()
                    .push((item, change.present));
            }
        }
        let former_roots = wide.then(|| self.paint_roots());
        if let Some(former) = &former_roots {
            dirty.wide = (0..1 << WIDE)
                .filter(|&number| root(former, number) != root(&self.roots, number))
                .collect();
            let repainted: BTreeSet<u32> = dirty.wide.iter().copied().collect();
            for (&cell, items) in &self.items {
                if items
                    .iter()
                    .any(|item| repainted.contains(&wide_of(item.high)))
                {
                    dirty.cells.insert(cell, content(former, items));
                }
            }
        }
        for (cell, changes) in by_cell {
            let items = self.items.entry(cell).or_default();
            let former = former_roots.as_ref().unwrap_or(&self.roots);
            dirty
                .cells
                .entry(cell)
                .or_insert_with(|| content(former, items));
            merge(items, changes, Item::key);
            if items.is_empty() {
                self.items.remove(&cell);
            }
        }
        dirty
    }

    /// The cells that have something.
    pub(in super::super) fn occupied(&self) -> impl Iterator<Item = u32> {
        self.items.keys().copied()
    }

    /// What is to stand for a cell.
    pub(in super::super) fn content(&self, cell: u32) -> Content {
        let items = self.items.get(&cell).map_or(&[][..], Vec::as_slice);
        content(&self.roots, items)
    }

    /// What is to stand for a /20 where nothing longer decides.
    pub(in super::super) fn wide(&self, wide: u32) -> Decision {
        root(&self.roots, wide).decision()
    }

    fn change_wide(&mut self, change: &Change) {
        let (allow, reason) = change.layer.parts();
        let key = (change.len, wide_of((change.address >> 64) as u64), allow);
        if change.present {
            self.wide.insert(key, reason);
        } else {
            self.wide.remove(&key);
        }
    }

    /// Works out anew what the wide networks decide; returns what they decided.
    fn paint_roots(&mut self) -> Vec<Layers> {
        let mut roots = Vec::new();
        if !self.wide.is_empty() {
            roots.resize(1 << WIDE, Layers::default());
        }
        for (&(len, first, allow), &reason) in &self.wide {
            let first = first as usize;
            for root in &mut roots[first..first + (1 << (WIDE - u32::from(len)))] {
                root.paint(allow, reason);
            }
        }
        std::mem::replace(&mut self.roots, roots)
    }
}

fn root(roots: &[Layers], wide: u32) -> Layers {
    roots.get(wide as usize).copied().unwrap_or_default()
}

fn wide_of(high: u64) -> u32 {
    (high >> (64 - WIDE)) as u32
}

fn index(high: u64) -> u32 {
    u32::try_from(cell(high)).expect("there are fewer cells than that")
}

/// The network as items: one, or one in each of its /32s.
fn items(change: &Change) -> impl Iterator<Item = Item> {
    let (allow, reason) = change.layer.parts();
    let item = Item {
        high: (change.address >> 64) as u64,
        low: change.address as u64,
        len: change.len,
        allow,
        reason,
    };
    let parts = 1u64 << 32u32.saturating_sub(u32::from(change.len));
    (0..parts).map(move |part| Item {
        high: item.high | part << 32,
        ..item
    })
}

fn content(roots: &[Layers], items: &[Item]) -> Content {
    let mut by_len: Vec<&Item> = items.iter().collect();
    by_len.sort_by_key(|item| item.len);
    // Each prefix of a level with what is said of it there, by the longest network that does.
    let mut said: BTreeMap<(u64, u32), Layers> = BTreeMap::new();
    let mut beyond: BTreeSet<u64> = BTreeSet::new();
    for item in by_len {
        if item.is_beyond_source() {
            beyond.insert(item.high);
            continue;
        }
        let level = item.level();
        let bits = 32 + 4 * level;
        let parts = 1u64 << bits.saturating_sub(u32::from(item.len).max(32));
        for part in 0..parts {
            let high = item.high | part << (64 - bits);
            let said = said.entry((high, level)).or_default();
            said.paint(item.allow, item.reason);
        }
    }
    let mut content: Content = Vec::with_capacity(said.len() + beyond.len());
    for &(high, level) in said.keys() {
        if level == SOURCE && beyond.contains(&high) {
            continue;
        }
        // From the widest to the prefix itself.
        let mut layers = root(roots, wide_of(high));
        for level in 0..=level {
            if let Some(said) = said.get(&(prefix(high, level), level)) {
                layers.cover(*said);
            }
        }
        // Clean is what is allowed and not listed: nothing wider lists it then.
        if layers.decision() != Decision::CLEAN {
            content.push((high, level, layers.decision()));
        }
    }
    content.extend(beyond.into_iter().map(|high| (high, SOURCE, Decision::ASK)));
    content.sort_unstable();
    content
}
