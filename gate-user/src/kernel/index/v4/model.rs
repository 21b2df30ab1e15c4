//! The IPv4 networks of the gate table, kept so that what stands for a /24 is found at once.

use std::collections::BTreeMap;

use gate_common::index::{
    Decision,
    v4::{BUCKET, address},
};

use super::content::{Content, Slots, payload};
use crate::kernel::index::{Layer, Layers, merge};

/// A network of 17 to 32 bits inside its /16: the last 16 bits of its address, its length, whether
/// it is an allow entry, and the reason. Items sort by address, then length.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Item(u32);

impl Item {
    fn new(address: u32, len: u8, layer: Layer) -> Self {
        let (allow, reason) = layer.parts();
        Self(address << 16 | u32::from(len) << 9 | u32::from(allow) << 8 | u32::from(reason))
    }

    /// What tells it from the others of its /16.
    fn key(self) -> u32 {
        self.0 >> 8
    }

    /// The address inside its /16.
    fn low(self) -> usize {
        (self.0 >> 16) as usize
    }

    fn len(self) -> u32 {
        self.0 >> 9 & 0x3f
    }

    fn is_allow(self) -> bool {
        self.0 & 0x100 != 0
    }

    fn reason(self) -> u8 {
        self.0 as u8
    }
}

/// One change of the table.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Change {
    /// The network's address, in host order.
    pub(in super::super) address: u32,
    /// Its length in bits.
    pub(in super::super) len: u8,
    /// Where, and what for; what for does not matter when it is taken away.
    pub(in super::super) layer: Layer,
    /// Whether it is there from now on.
    pub(in super::super) present: bool,
}

/// /24s of one /16, a bit each.
pub(in super::super) type Networks = [u64; 4];

/// All of them.
pub(in super::super) const ALL: Networks = [!0; 4];

/// Those of one /20.
pub(in super::super) fn all_of(place: u32) -> Networks {
    let mut networks = [0; 4];
    networks[(place & 15) as usize / 4] = 0xffff << (place % 4 * 16);
    networks
}

/// How many slots `changes` may add at most, nearly: what is allowed inside what is listed may
/// need some more.
pub(in super::super) fn slots_for(changes: &[Change]) -> u64 {
    let slots = |change: &Change| match change.len {
        0..=20 => 0,
        len @ 21..=24 => 1 << (24 - len),
        len @ 25..=28 => 1 << (28 - len),
        len => 1 << (32 - len),
    };
    changes
        .iter()
        .filter(|change| change.present)
        .map(slots)
        .sum()
}

/// The /16s whose decisions may have changed, each with those of its /24s.
pub(in super::super) type Dirty = Vec<(u16, Networks)>;

/// The table.
#[derive(Debug)]
pub(in super::super) struct Model {
    /// Networks of up to 16 bits, by length, then address; whether allow entries; the reason.
    wide: BTreeMap<(u8, u32, bool), u8>,
    /// What those decide, for every /16.
    roots: Vec<Layers>,
    /// All others, by their /16.
    items: BTreeMap<u16, Vec<Item>>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            wide: BTreeMap::new(),
            roots: vec![Layers::default(); 1 << 16],
            items: BTreeMap::new(),
        }
    }
}

impl Model {
    /// Carries out `changes`; returns where decisions may differ now, in order.
    pub(in super::super) fn apply(&mut self, mut changes: Vec<Change>) -> Dirty {
        // Sorted runs, one behind the other: a stable sort merges them.
        changes.sort_by_key(|change| (change.address, change.len));
        let mut dirty = Dirty::new();
        let mut wide = false;
        for of_16 in changes.chunk_by(|a, b| a.address >> 16 == b.address >> 16) {
            let network = (of_16[0].address >> 16) as u16;
            let mut long = Vec::with_capacity(of_16.len());
            let mut networks = [0; 4];
            for change in of_16 {
                if change.len <= 16 {
                    self.change_wide(*change);
                    wide = true;
                    continue;
                }
                mark(&mut networks, change.address, change.len);
                let item = Item::new(change.address, change.len, change.layer);
                long.push((item, change.present));
            }
            if !long.is_empty() {
                self.change_items(network, long);
                dirty.push((network, networks));
            }
        }
        if wide {
            dirty.extend(self.paint_roots().into_iter().map(|network| (network, ALL)));
            dirty.sort_by_key(|&(network, _)| network);
            dirty.dedup_by(|later, first| {
                let same = later.0 == first.0;
                if same {
                    for (bits, more) in first.1.iter_mut().zip(later.1) {
                        *bits |= more;
                    }
                }
                same
            });
        }
        dirty
    }

    fn change_wide(&mut self, change: Change) {
        let (allow, reason) = change.layer.parts();
        let key = (change.len, change.address, allow);
        if change.present {
            self.wide.insert(key, reason);
        } else {
            self.wide.remove(&key);
        }
    }

    /// Works out anew what the wide networks decide; returns the /16s where that differs.
    fn paint_roots(&mut self) -> Vec<u16> {
        let mut roots = vec![Layers::default(); 1 << 16];
        for (&(len, address, allow), &reason) in &self.wide {
            let first = (address >> 16) as usize;
            for root in &mut roots[first..first + (1 << (16 - len))] {
                root.paint(allow, reason);
            }
        }
        let differs = (0..=u16::MAX)
            .filter(|&network| roots[usize::from(network)] != self.roots[usize::from(network)])
            .collect();
        self.roots = roots;
        differs
    }

    fn change_items(&mut self, network: u16, changes: Vec<(Item, bool)>) {
        let items = self.items.entry(network).or_default();
        merge(items, changes, |item| item.key());
        if items.is_empty() {
            self.items.remove(&network);
        }
    }

    /// Whether anything lies in a /16, or covers it.
    pub(in super::super) fn is_occupied(&self, network: u16) -> bool {
        self.roots[usize::from(network)] != Layers::default() || self.items.contains_key(&network)
    }

    /// Gives what is to stand for those /20s of a /16 that hold one of these /24s, in order.
    pub(in super::super) fn places(
        &self,
        network: u16,
        of: &Networks,
        mut each: impl FnMut(&Place<'_>),
    ) {
        let items = self.items.get(&network).map_or(&[][..], Vec::as_slice);
        let mut layers = [self.roots[usize::from(network)]; 256];
        let (wide, narrow) = short(items);
        paint(&mut layers, &wide);
        let defaults: [Layers; 16] = std::array::from_fn(|place| layers[place * 16]);
        paint(&mut layers, &narrow);
        let mut rest = items;
        let mut contents = Vec::with_capacity(16);
        for (place, default) in defaults.into_iter().enumerate() {
            let touched = (of[place / 4] >> (place % 4 * 16)) as u16;
            if touched == 0 {
                continue;
            }
            let default_decision = default.decision();
            contents.clear();
            for (third, &layers) in layers.iter().enumerate().skip(place * 16).take(16) {
                let start = rest
                    .iter()
                    .position(|item| item.low() >> 8 >= third)
                    .unwrap_or(rest.len());
                rest = &rest[start..];
                let count = rest
                    .iter()
                    .position(|item| item.low() >> 8 != third)
                    .unwrap_or(rest.len());
                if count == 0 && layers == default {
                    continue;
                }
                let content = content(default_decision, layers, &rest[..count]);
                if content != Content::NOTHING {
                    contents.push((u32::from(network) << 8 | third as u32, content));
                }
                rest = &rest[count..];
            }
            each(&Place {
                number: u32::from(network) << 4 | place as u32,
                touched,
                default: default_decision,
                contents: &contents,
            });
        }
    }
}

/// What is to stand for a /20.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Place<'a> {
    /// The /20.
    pub(super) number: u32,
    /// Those of its /24s that may have changed, a bit each.
    pub(super) touched: u16,
    /// The decision where nothing longer decides.
    pub(super) default: Decision,
    /// Those /24s that have more to tell.
    pub(super) contents: &'a [(u32, Content)],
}

/// The items of up to 24 bits, by length: those of up to 20, and the others.
fn short(items: &[Item]) -> (Vec<Item>, Vec<Item>) {
    let mut short: Vec<Item> = items
        .iter()
        .copied()
        .filter(|item| item.len() <= 24)
        .collect();
    short.sort_by_key(|item| item.len());
    let narrow = short.split_off(short.partition_point(|item| item.len() <= 20));
    (short, narrow)
}

/// Lays networks of up to 24 bits over the /24s of their /16.
fn paint(layers: &mut [Layers; 256], items: &[Item]) {
    for item in items {
        let first = item.low() >> 8;
        for layer in &mut layers[first..first + (1 << (24 - item.len()))] {
            layer.paint(item.is_allow(), item.reason());
        }
    }
}

/// What is to stand for a /24 in a /20 of that default, which has `layers` from the networks of
/// up to 24 bits, and these items.
fn content(default: Decision, layers: Layers, items: &[Item]) -> Content {
    let long = items.iter().filter(|item| item.len() > 24);
    // The usual case: a few listed addresses, in a /24 of which nothing else is known.
    if default == Decision::CLEAN
        && layers == Layers::default()
        && items.len() < BUCKET
        && items
            .iter()
            .all(|item| item.len() == 32 && !item.is_allow())
    {
        let mut slots = Slots::EMPTY;
        for item in long {
            let decision = Decision::from_bits(item.reason());
            slots.push(payload(address(item.low() as u8), decision));
        }
        return Content::Slots(slots);
    }
    let mut long: Vec<Item> = long.copied().collect();
    long.sort_by_key(|item| item.len());
    let mut painted = [layers; 256];
    for item in long {
        let first = item.low() & 0xff;
        for layers in &mut painted[first..first + (1 << (32 - item.len()))] {
            layers.paint(item.is_allow(), item.reason());
        }
    }
    let decisions = painted.map(|layers| layers.decision().bits());
    Content::of(default, layers.decision(), &decisions)
}

/// Marks the /24s of its /16 that a network of more than 16 bits touches.
fn mark(networks: &mut Networks, address: u32, len: u8) {
    let first = (address >> 8 & 0xff) as usize;
    let count = if len >= 24 { 1 } else { 1 << (24 - len) };
    for third in first..first + count {
        networks[third / 64] |= 1 << (third % 64);
    }
}
