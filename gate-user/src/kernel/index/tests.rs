//! The index against a table asked network by network, read as the program reads it.

use std::{net::IpAddr, sync::atomic::Ordering::Relaxed};

use gate_common::{
    Reason,
    index::{
        Decision,
        v4::{self as layout4, Head, Root},
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
    head: Region,
    roots: Region,
    slots: Region,
    leaves: Region,
    model: v4::Model,
    state: v4::State,
}

impl Half4 {
    fn new(bits: u32, leaves: u32) -> Self {
        let mut half = Self {
            head: Region::private(4096),
            roots: Region::private(layout4::ROOTS * 2),
            slots: Region::private(layout4::BUCKET * 4 * 2 << bits),
            leaves: Region::private(leaves as usize * layout4::LEAF),
            model: v4::Model::default(),
            state: v4::State::new(leaves),
        };
        let (mut store, model) = half.store();
        store.rebuild(model, layout4::MIN_BITS);
        half
    }

    fn store(&mut self) -> (v4::Store<'_>, &v4::Model) {
        let store = v4::Store::new(
            &self.head.u32s()[0],
            self.roots.bytes(),
            self.slots.u32s(),
            self.leaves.bytes(),
            &mut self.state,
        );
        (store, &self.model)
    }

    /// Writes, and lets a grace period pass.
    fn apply(&mut self, changes: Vec<v4::Change>) {
        self.write(changes);
        self.store().0.reclaim();
    }

    fn write(&mut self, changes: Vec<v4::Change>) {
        let slots = self.state.slots_used() + v4::slots_for(&changes);
        let dirty = self.model.apply(changes);
        let (mut store, model) = self.store();
        if store.outgrows(slots) {
            let bits = store.bits_for(slots);
            store.rebuild(model, bits);
        } else {
            for (network, networks) in dirty {
                model.places(network, &networks, |place| store.put(place));
            }
        }
    }

    /// The slots in use, with their places.
    fn slots(&self) -> Vec<(usize, u32)> {
        let words = self.slots.u32s().iter().map(|word| word.load(Relaxed));
        words.enumerate().filter(|&(_, slot)| slot != 0).collect()
    }

    /// As `gate-ebpf` reads it.
    fn decide(&self, address: u32) -> Decision {
        let head = Head(self.head.u32s()[0].load(Relaxed));
        let half = head.half() as usize;
        let root = &self.roots.bytes()[half * layout4::ROOTS + (address >> 12) as usize];
        let (choice, default) = match Root::from_byte(root.load(Relaxed)) {
            Root::Whole(decision) => return decision,
            Root::Slots { choice, default } => (choice, default),
        };
        let (hash, low) = (layout4::hash(address >> 8), address as u8);
        let bucket = layout4::bucket(hash, choice, head.bits()) as usize;
        let slots = self.slots.u32s();
        let bucket = half * slots.len() / 2 + bucket * layout4::BUCKET;
        let mut whole = default;
        for number in 0..layout4::BUCKET {
            let index = (layout4::first(hash) + number) % layout4::BUCKET;
            let slot = slots[bucket + index].load(Relaxed);
            if slot == 0 {
                break;
            }
            let slot = slot ^ layout4::owner(hash, choice);
            if slot & layout4::OWNER != 0 {
                continue;
            }
            let node = layout4::node(slot);
            let of_address = node == layout4::address(low) || node == layout4::block(low);
            if of_address || node == layout4::ALONE {
                return layout4::decision(slot);
            }
            if node == layout4::WHOLE {
                whole = layout4::decision(slot);
            } else if let Some(choice) = layout4::leaf_choice(node) {
                let leaves = self.leaves.bytes();
                let places = (leaves.len() / layout4::LEAF) as u32;
                let place = layout4::leaf(hash, choice, places) as usize;
                let byte = &leaves[place * layout4::LEAF + usize::from(low) / 2];
                return layout4::leaf_decision(byte.load(Relaxed), low);
            }
        }
        whole
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
    filter: Region,
    cells: Region,
    slots: Region,
    model: v6::Model,
    state: v6::State,
}

impl Half6 {
    fn new(buckets: u32) -> Self {
        Self {
            wide: clean(1 << layout6::WIDE),
            filter: Region::private(layout6::CELLS),
            cells: Region::private(layout6::CELLS * 2),
            slots: Region::private(buckets as usize * layout6::BUCKET * 8),
            model: v6::Model::default(),
            state: v6::State::default(),
        }
    }

    fn store(&mut self) -> (v6::Store<'_>, &v6::Model) {
        let store = v6::Store::new(
            self.wide.bytes(),
            self.filter.bytes(),
            self.cells.u16s(),
            self.slots.u64s(),
            &mut self.state,
        );
        (store, &self.model)
    }

    /// Writes, and lets a grace period pass.
    fn apply(&mut self, changes: &[v6::Change]) {
        self.write(changes);
        self.store().0.reclaim();
    }

    fn write(&mut self, changes: &[v6::Change]) {
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
    }

    /// The slots in use, with their places.
    fn slots(&self) -> Vec<(usize, u64)> {
        let words = self.slots.u64s().iter().map(|word| word.load(Relaxed));
        words.enumerate().filter(|&(_, slot)| slot != 0).collect()
    }

    /// As `gate-ebpf` reads it.
    fn decide(&self, high: u64) -> Decision {
        let index = layout6::cell(high);
        let wide = &self.wide.bytes()[(high >> (64 - layout6::WIDE)) as usize];
        let default = Decision::from_bits(wide.load(Relaxed));
        if self.filter.bytes()[index].load(Relaxed) & layout6::filter(high) == 0 {
            return default;
        }
        let cell = Cell(self.cells.u16s()[index].load(Relaxed));
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
        default
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
        let mut half = Half4::new(10, 64);
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
        let mut half = Half4::new(layout4::MIN_BITS, 64);
        for diff in steps(&tables) {
            half.apply(changes(&diff).0);
        }
        let other = 1 - Head(half.head.u32s()[0].load(Relaxed)).half() as usize;
        let slots = half.slots.u32s().len() / 2;
        for (index, &bits) in garbage.iter().enumerate() {
            half.slots.u32s()[other * slots + index * 97].store(bits, Relaxed);
        }
        let table = &tables[0];
        half.model = v4::Model::default();
        half.model.apply(changes(&steps(&tables)[0]).0);
        let (mut store, model) = half.store();
        store.adopt();
        store.rebuild(model, layout4::MIN_BITS);
        store.reclaim();
        check_v4(&half, table, &addresses(&tables), false);
        prop_assert_eq!(half.slots.u32s().iter().filter(|slot| slot.load(Relaxed) != 0).count() as u64, half.state.slots_used());
    }
}

/// A source that is listed by itself, then through its network as well, then through that alone. A
/// program on its way since the first table has passed the network's place: it must find the
/// source's own slot until it has ended.
#[test]
fn invariant_2_who_comes_late_finds_what_stood_when_it_began() {
    let steps = |source: &str, network: &str| {
        let source = (source.parse().unwrap(), Reason::Manual);
        let network = (network.parse().unwrap(), Reason::Feed);
        let tables = [vec![source], vec![source, network], vec![network]].map(|block| Table {
            block: block.into_iter().collect(),
            ..Table::default()
        });
        <[Diff; 3]>::try_from(steps(&tables)).unwrap()
    };

    let [first, second, third] = steps("198.51.100.7", "198.51.100.0/24");
    let mut half = Half4::new(layout4::MIN_BITS, 64);
    half.apply(changes(&first).0);
    let before = half.slots();
    half.write(changes(&second).0);
    half.write(changes(&third).0);
    for slot in &before {
        assert!(half.slots().contains(slot), "{slot:x?} is gone too soon");
    }
    half.store().0.reclaim();
    for slot in &before {
        assert!(!half.slots().contains(slot), "{slot:x?} stays");
    }

    let [first, second, third] = steps("2001:db8:7::/64", "2001:db8:7::/48");
    let mut half = Half6::new(layout6::MIN_BUCKETS);
    half.apply(&changes(&first).1);
    let before = half.slots();
    half.write(&changes(&second).1);
    half.write(&changes(&third).1);
    for slot in &before {
        assert!(half.slots().contains(slot), "{slot:x?} is gone too soon");
    }
    half.store().0.reclaim();
    for slot in &before {
        assert!(!half.slots().contains(slot), "{slot:x?} stays");
    }
}

/// From few buckets to many and back: nothing is lost, and what is not read is empty.
#[test]
fn the_index_grows_with_the_table_and_shrinks_with_it() {
    let listed = |count: u32| Table {
        block: (0..count)
            .map(|number| {
                let address = std::net::Ipv4Addr::from_bits(number.wrapping_mul(0x9e37_79b1));
                (Network::host(address.into()), Reason::Feed)
            })
            .collect(),
        ..Table::default()
    };
    let mut half = Half4::new(12, 64);
    let mut before = Table::default();
    for count in [100, 3_000, 30_000, 32_000, 10, 0] {
        let table = listed(count);
        half.apply(changes(&Diff::between(&before, &table)).0);
        let (mut store, model) = half.store();
        if store.is_oversized() {
            let bits = store.bits_for(count.into());
            store.rebuild(model, bits);
            store.reclaim();
        }
        assert_eq!(half.state.slots_used(), u64::from(count));
        let bits = Head(half.head.u32s()[0].load(Relaxed)).bits();
        assert!(16u64 << bits >= u64::from(count), "{bits} for {count}");
        let some: Vec<IpAddr> = borders(&listed(32_000)).into_iter().step_by(997).collect();
        check_v4(&half, &table, &some, false);
        before = table;
    }
    assert!(half.slots.u32s().iter().all(|slot| slot.load(Relaxed) == 0));
}

/// 300 /24s that need a leaf each, and 64 leaves: the /20s that get none are left to the tries, none
/// is decided wrongly, and what becomes free is used.
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
    let mut half = Half4::new(layout4::MIN_BITS, 64);
    for (table, is_full) in [(&full, true), (&less, false)] {
        half.apply(changes(&Diff::between(&half_table(&half, &full), table)).0);
        let again: Vec<u32> = half.state.fallbacks().iter().copied().collect();
        let (mut store, model) = half.store();
        for place in again {
            model.places((place >> 4) as u16, &v4::all_of(place), |place| {
                store.put(place);
            });
        }
        store.reclaim();
        assert_eq!(!half.state.fallbacks().is_empty(), is_full);
        let some: Vec<IpAddr> = borders(table).into_iter().step_by(997).collect();
        check_v4(&half, table, &some, is_full);
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
