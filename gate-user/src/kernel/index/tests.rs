//! The index against a table asked network by network, read as the program reads it.

use std::{net::IpAddr, sync::atomic::Ordering::Relaxed};

use gate_common::{
    Reason,
    index::{
        Decision,
        v4::{self as layout4, Level1},
        v6::{self as layout6, Cell},
    },
};
use proptest::prelude::*;

use super::{
    changes,
    reference::{borders, decide, steps, tables, v4 as networks_v4, v6 as networks_v6},
    region::Region,
    v4, v6,
};
use crate::{
    network::Network,
    plan::{Diff, Table},
};

/// The IPv4 half, on memory of its own.
struct Half4 {
    level1: Region,
    slots: Region,
    leaves: Region,
    model: v4::Model,
    state: v4::State,
}

impl Half4 {
    fn new(buckets: u32, leaves: u32) -> Self {
        Self {
            level1: clean(layout4::NETWORKS),
            slots: Region::private(buckets as usize * layout4::BUCKET * 4),
            leaves: Region::private(leaves as usize * layout4::LEAF),
            model: v4::Model::default(),
            state: v4::State::new(leaves),
        }
    }

    fn store(&mut self) -> (v4::Store<'_>, &v4::Model) {
        let store = v4::Store::new(
            self.level1.bytes(),
            self.slots.u32s(),
            self.leaves.bytes(),
            &mut self.state,
        );
        (store, &self.model)
    }

    fn apply(&mut self, changes: Vec<v4::Change>) {
        let dirty = self.model.apply(changes);
        let (mut store, model) = self.store();
        for (network, networks) in dirty {
            model.contents(network, &networks, |network, content| {
                store.put(network, content)
            });
        }
        store.reclaim();
    }

    /// As `gate-ebpf` reads it.
    fn decide(&self, address: u32) -> Decision {
        let load = |index: usize| self.level1.bytes()[index].load(Relaxed);
        let hash = layout4::hash(address >> 8);
        let low = address as u8;
        match Level1::from_byte(load((address >> 8) as usize)) {
            Level1::Whole(decision) => decision,
            Level1::Leaf { choice } => {
                let leaves = self.leaves.bytes();
                let places = (leaves.len() / layout4::LEAF) as u32;
                let place = layout4::place(hash, choice, places) as usize;
                let byte = &leaves[place * layout4::LEAF + usize::from(low) / 2];
                layout4::leaf_decision(byte.load(Relaxed), low)
            }
            Level1::Bucket { choice, default } => {
                let slots = self.slots.u32s();
                let buckets = (slots.len() / layout4::BUCKET) as u32;
                let bucket = layout4::place(hash, choice, buckets) as usize * layout4::BUCKET;
                let owner = layout4::owner(hash, choice);
                let mut found = default;
                for slot in &slots[bucket..bucket + layout4::BUCKET] {
                    let slot = slot.load(Relaxed);
                    if slot & !15 == owner | layout4::address(low) {
                        return layout4::decision(slot);
                    }
                    if slot & !15 == owner | layout4::block(low) {
                        found = layout4::decision(slot);
                    }
                }
                found
            }
        }
    }
}

/// Memory that says that all is clean.
fn clean(len: usize) -> Region {
    let region = Region::private(len);
    for word in region.u64s() {
        word.store(u64::from_ne_bytes([Decision::CLEAN.bits(); 8]), Relaxed);
    }
    region
}

/// The IPv6 half, on memory of its own.
struct Half6 {
    wide: Region,
    cells: Region,
    slots: Region,
    model: v6::Model,
    state: v6::State,
}

impl Half6 {
    fn new(buckets: u32) -> Self {
        Self {
            wide: clean(1 << layout6::WIDE),
            cells: Region::private(layout6::CELLS * 2),
            slots: Region::private(buckets as usize * layout6::BUCKET * 8),
            model: v6::Model::default(),
            state: v6::State::default(),
        }
    }

    fn store(&mut self) -> (v6::Store<'_>, &v6::Model) {
        let store = v6::Store::new(
            self.wide.bytes(),
            self.cells.u16s(),
            self.slots.u64s(),
            &mut self.state,
        );
        (store, &self.model)
    }

    fn apply(&mut self, changes: &[v6::Change]) {
        let dirty = self.model.apply(changes);
        let (mut store, model) = self.store();
        if !dirty.wide.is_empty() {
            dirty
                .cells
                .iter()
                .for_each(|(&cell, former)| store.ask(cell, former));
            store.reclaim();
        }
        for (&cell, former) in &dirty.cells {
            store.put(cell, former, &model.content(cell));
        }
        for &wide in &dirty.wide {
            store.put_wide(wide, model.wide(wide));
        }
        store.reclaim();
    }

    /// As `gate-ebpf` reads it.
    fn decide(&self, high: u64) -> Decision {
        let cell = Cell(self.cells.u16s()[layout6::cell(high)].load(Relaxed));
        if cell.asks() {
            return Decision::ASK;
        }
        let slots = self.slots.u64s();
        let buckets = (slots.len() / layout6::BUCKET) as u32;
        for level in (0..layout6::LEVELS)
            .rev()
            .filter(|level| cell.levels() & 1 << level != 0)
        {
            let hash = layout6::hash(layout6::prefix(high, level));
            for chain in 0..layout6::CHAIN {
                let bucket = layout6::bucket(hash, buckets) + chain & buckets - 1;
                let bucket = &slots[bucket as usize * layout6::BUCKET..][..layout6::BUCKET];
                let key = layout6::key(hash, level, cell.version(), chain);
                let slot = bucket.iter().map(|slot| slot.load(Relaxed));
                if let Some(slot) = slot.clone().find(|slot| slot & layout6::KEY == key) {
                    return layout6::decision(slot);
                }
                if slot.last() == Some(0) {
                    break;
                }
            }
        }
        let wide = &self.wide.bytes()[(high >> (64 - layout6::WIDE)) as usize];
        Decision::from_bits(wide.load(Relaxed))
    }
}

fn check_v4(half: &Half4, table: &Table, addresses: &[IpAddr], may_ask: bool) {
    for address in addresses {
        let IpAddr::V4(bits) = address else { continue };
        let found = half.decide(bits.to_bits());
        if !(may_ask && found == Decision::ASK) {
            assert_eq!(found, decide(table, *address), "{address} in {table:?}");
        }
    }
}

fn check_v6(half: &Half6, table: &Table, addresses: &[IpAddr], may_ask: bool) {
    let beyond: Vec<_> = table.allow.iter().chain(table.block.keys()).collect();
    for address in addresses {
        let IpAddr::V6(bits) = address else { continue };
        let found = half.decide((bits.to_bits() >> 64) as u64);
        if found == Decision::ASK {
            let source = Network::source(*address);
            let asked = beyond
                .iter()
                .any(|network| network.prefix_len() > 64 && source.covers(**network));
            assert!(may_ask || asked, "{address} is asked for in {table:?}");
        } else {
            assert_eq!(found, decide(table, *address), "{address} in {table:?}");
        }
    }
}

fn addresses(tables: &[Table]) -> Vec<IpAddr> {
    tables.iter().flat_map(borders).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn v4_decides_as_the_table_does(tables in tables(networks_v4(), 60)) {
        let mut half = Half4::new(layout4::MIN_BUCKETS, 64);
        let addresses = addresses(&tables);
        for (diff, table) in steps(&tables).iter().zip(&tables) {
            half.apply(changes(diff).0);
            check_v4(&half, table, &addresses, false);
        }
    }

    #[test]
    fn v6_decides_as_the_table_does(tables in tables(networks_v6(), 60)) {
        let mut half = Half6::new(layout6::MIN_BUCKETS);
        let addresses = addresses(&tables);
        for (diff, table) in steps(&tables).iter().zip(&tables) {
            half.apply(&changes(diff).1);
            check_v6(&half, table, &addresses, false);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Whatever an earlier daemon left: half a change, slots that nothing names.
    #[test]
    fn v4_is_adopted(tables in tables(networks_v4(), 60), garbage in any::<[u32; 16]>()) {
        let mut half = Half4::new(layout4::MIN_BUCKETS, 64);
        for diff in steps(&tables) {
            half.apply(changes(&diff).0);
        }
        for (index, bits) in garbage.iter().enumerate() {
            let slot = &half.slots.u32s()[index * 97];
            if slot.load(Relaxed) == 0 {
                slot.store(bits | 0xff << 20, Relaxed);
            }
        }
        let table = &tables[0];
        half.model = v4::Model::default();
        half.model.apply(changes(&steps(&tables)[0]).0);
        let (mut store, model) = half.store();
        store.adopt();
        store.reclaim();
        for network in 0..=u16::MAX {
            let networks = if model.is_occupied(network) {
                v4::ALL
            } else {
                store.occupied(network)
            };
            model.contents(network, &networks, |network, content| store.put(network, content));
        }
        store.reclaim();
        check_v4(&half, table, &addresses(&tables), false);
    }
}

/// 300 /24s that need a leaf each, and 64 leaves: the rest is left to the tries, none is decided
/// wrongly, and what becomes free is used.
#[test]
fn a_full_index_asks_the_tries() {
    let every_second = |network: u32| {
        (0u32..128).map(move |low| {
            let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 | network << 8 | low * 2);
            (Network::host(address.into()), Reason::Feed)
        })
    };
    let full = Table {
        block: (0..300).flat_map(every_second).collect(),
        ..Table::default()
    };
    let less = Table {
        block: (0..30).flat_map(every_second).collect(),
        ..Table::default()
    };
    let mut half = Half4::new(layout4::MIN_BUCKETS, 64);
    for (table, left) in [(&full, 236), (&less, 0)] {
        half.apply(changes(&Diff::between(&half_table(&half, &full), table)).0);
        let (mut store, model) = half.store();
        let again: Vec<u32> = (0x0a_0000..0x0a_0000 + 300).collect();
        for network in again {
            let mut networks = [0; 4];
            networks[(network & 0xff) as usize / 64] = 1 << (network % 64);
            model.contents((network >> 8) as u16, &networks, |network, content| {
                store.put(network, content);
            });
        }
        store.reclaim();
        assert_eq!(half.state.fallbacks().len(), left);
        let some: Vec<IpAddr> = borders(table).into_iter().step_by(997).collect();
        check_v4(&half, table, &some, true);
    }
}

/// The table that `half` holds: nothing yet, or `full`.
fn half_table(half: &Half4, full: &Table) -> Table {
    if half.state.leaves_used() == 0 {
        Table::default()
    } else {
        full.clone()
    }
}
