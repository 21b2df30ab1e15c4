//! The index: arrays in front of the tries that decide about most packets.
//!
//! In: the differences that [`tables`](super::tables) gives the tries. Out: arrays that say what
//! the tries would, or to ask them. [`gate_common::index`] says what lies where, the stores say why
//! no program ever reads a wrong decision while they are written.

#![allow(
    clippy::cast_possible_truncation,
    clippy::precedence,
    reason = "addresses, hashes and places are cut to size here, as shifts and masks say"
)]

mod arrays;
mod layers;
mod merge;
#[cfg(test)]
mod reference;
mod region;
#[cfg(test)]
mod tests;
mod v4;
mod v6;

use std::{fmt, net::IpAddr, sync::atomic::Ordering};

use aya::Ebpf;
use gate_common::{
    Reason,
    index::{Decision, v6::WIDE},
};

use arrays::{Maps, Regions, bytes};
use layers::{Layer, Layers};
use merge::merge;

use super::{KernelError, grace, sys::RawMap};
use crate::{
    network::Network,
    plan::{Diff, Table},
};

/// How many /20s or cells that were left to the tries are tried again after each change.
const RETRIES: usize = 4096;

/// How full the index is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Fill {
    /// Slots for IPv4 in use.
    pub slots_v4: u64,
    /// Slots for IPv4 there are.
    pub capacity_v4: u64,
    /// Leaves in use.
    pub leaves: u64,
    /// Leaves there are.
    pub capacity_leaves: u64,
    /// Slots for IPv6 in use.
    pub slots_v6: u64,
    /// Slots for IPv6 there are.
    pub capacity_v6: u64,
    /// IPv4 /20s that had no room and are left to the tries: right, but slower.
    pub fallbacks_v4: u64,
    /// Hashes of IPv6 /32s that had no room and are left to the tries.
    pub fallbacks_v6: u64,
}

/// The index, as its one writer holds it.
pub(super) struct Index {
    maps: Maps,
    model_v4: v4::Model,
    model_v6: v6::Model,
    state_v4: v4::State,
    state_v6: v6::State,
    /// Whether the models hold what the arrays do: not before an adopted index has been adopted.
    is_known: bool,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("fill", &self.fill())
            .finish_non_exhaustive()
    }
}

impl Index {
    /// The arrays of the loaded object. If they are new, they say from now on that all is clean.
    pub(super) fn new(ebpf: &Ebpf, is_new: bool) -> Result<Self, KernelError> {
        let maps = Maps::new(ebpf)?;
        let mut index = Self {
            model_v4: v4::Model::default(),
            model_v6: v6::Model::default(),
            state_v4: v4::State::new(maps.leaves_v4.info.max_entries),
            state_v6: v6::State::default(),
            is_known: is_new,
            maps,
        };
        if is_new {
            // What nobody has written sends every packet to the tries.
            let regions = index.maps.map()?;
            let clean = u64::from_ne_bytes([Decision::CLEAN.bits(); 8]);
            for word in regions.index_v6.u64s() {
                word.store(clean, Ordering::Relaxed);
            }
            index.rebuild_v4(&regions, 0);
        }
        Ok(index)
    }

    /// Whether [`Index::apply`] may be called; if not, [`Index::adopt`] must be first.
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    /// How full it is.
    pub(super) fn fill(&self) -> Fill {
        let words = |map: &RawMap, word| (bytes(map) / word) as u64;
        Fill {
            slots_v4: self.state_v4.slots_used(),
            // One of two halves.
            capacity_v4: words(&self.maps.slots_v4, 4) / 2,
            leaves: self.state_v4.leaves_used(),
            capacity_leaves: u64::from(self.maps.leaves_v4.info.max_entries),
            slots_v6: self.state_v6.slots_used(),
            capacity_v6: words(&self.maps.slots_v6, 8),
            fallbacks_v4: self.state_v4.fallbacks().len() as u64,
            fallbacks_v6: self.state_v6.fallbacks().len() as u64,
        }
    }

    /// Carries out `diff`. When this returns, every program that starts decides by the new table.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`]: the arrays cannot be mapped, and nothing has changed.
    /// [`KernelError::Wait`]: what changed is right, and what is free no more is lost for now.
    pub(super) fn apply(&mut self, diff: &Diff) -> Result<(), KernelError> {
        let regions = self.maps.map()?;
        self.settle(&regions)?;
        let (changes_v4, changes_v6) = changes(diff);
        let slots = self.state_v4.slots_used() + v4::slots_for(&changes_v4);
        let dirty = self.model_v4.apply(changes_v4);
        let (mut store, model) = self.v4(&regions);
        if store.outgrows(slots) {
            self.rebuild_v4(&regions, slots);
        } else {
            for (network, networks) in &dirty {
                model.places(*network, networks, |place| store.put(place));
            }
        }
        if !changes_v6.is_empty() {
            let dirty = self.model_v6.apply(&changes_v6);
            self.write_v6(&regions, &dirty)?;
        }
        self.settle(&regions)?;
        if self.v4(&regions).0.is_oversized() {
            let slots = self.state_v4.slots_used();
            self.rebuild_v4(&regions, slots);
            self.settle(&regions)?;
        }
        Ok(())
    }

    /// Writes the IPv4 arrays anew, with room for so many slots.
    fn rebuild_v4(&mut self, regions: &Regions, slots: u64) {
        let (mut store, model) = self.v4(regions);
        let bits = store.bits_for(slots);
        store.rebuild(model, bits);
    }

    /// Takes over arrays that an earlier daemon wrote, and makes them say what `table` does. What
    /// they say already stays as it is: nothing that is listed in both opens (invariant 5).
    ///
    /// # Errors
    ///
    /// As [`Index::apply`].
    pub(super) fn adopt(&mut self, table: &Table) -> Result<(), KernelError> {
        let regions = self.maps.map()?;
        self.model_v4 = v4::Model::default();
        self.model_v6 = v6::Model::default();
        let (changes_v4, changes_v6) = changes(&Diff::between(&Table::default(), table));
        let slots = v4::slots_for(&changes_v4);
        self.model_v4.apply(changes_v4);
        self.model_v6.apply(&changes_v6);

        // What an earlier daemon began to write somewhere, nobody reads by now.
        grace::wait()?;
        self.v4(&regions).0.adopt();
        self.rebuild_v4(&regions, slots);
        let mut found = self.v6(&regions).0.adopt();
        self.grace(&regions)?;

        let (store, model) = self.v6(&regions);
        for cell in model.occupied().chain(store.asking()) {
            found.entry(cell).or_default();
        }
        let wide = (0..1 << WIDE)
            .filter(|&wide| store.wide(wide) != model.wide(wide))
            .collect();
        self.write_v6(&regions, &v6::Dirty { cells: found, wide })?;
        self.is_known = true;
        self.settle(&regions)
    }

    /// Writes what is dirty as the model has it.
    fn write_v6(&mut self, regions: &Regions, dirty: &v6::Dirty) -> Result<(), KernelError> {
        if !dirty.wide.is_empty() {
            let (mut store, _) = self.v6(regions);
            for (&cell, former) in &dirty.cells {
                store.ask(cell, former);
            }
            for &wide in &dirty.wide {
                store.put_wide(wide, Decision::ASK);
            }
            self.grace(regions)?;
        }
        let (mut store, model) = self.v6(regions);
        for (&cell, former) in &dirty.cells {
            store.put(cell, former, &model.content(cell));
        }
        for &wide in &dirty.wide {
            store.put_wide(wide, model.wide(wide));
        }
        Ok(())
    }

    /// Frees what is stale, and gives what it frees to what had no room.
    fn settle(&mut self, regions: &Regions) -> Result<(), KernelError> {
        if !self.state_v4.has_stale() && !self.state_v6.has_stale() {
            return Ok(());
        }
        self.grace(regions)?;
        let again: Vec<u32> = self
            .state_v4
            .fallbacks()
            .iter()
            .copied()
            .take(RETRIES)
            .collect();
        let (mut store, model) = self.v4(regions);
        for place in again {
            model.places((place >> 4) as u16, &v4::all_of(place), |place| {
                store.put(place);
            });
        }
        let again: Vec<u32> = self
            .state_v6
            .fallbacks()
            .iter()
            .copied()
            .take(RETRIES)
            .collect();
        let (mut store, model) = self.v6(regions);
        for cell in again {
            store.put(cell, &Vec::new(), &model.content(cell));
        }
        Ok(())
    }

    /// Lets a grace period pass, and frees what is stale then.
    fn grace(&mut self, regions: &Regions) -> Result<(), KernelError> {
        grace::wait()?;
        self.v4(regions).0.reclaim();
        self.v6(regions).0.reclaim();
        Ok(())
    }

    fn v4<'a>(&'a mut self, regions: &'a Regions) -> (v4::Store<'a>, &'a v4::Model) {
        let store = v4::Store::new(
            &regions.head_v4.u32s()[0],
            regions.roots_v4.bytes(),
            regions.slots_v4.u32s(),
            regions.leaves_v4.bytes(),
            &mut self.state_v4,
        );
        (store, &self.model_v4)
    }

    fn v6<'a>(&'a mut self, regions: &'a Regions) -> (v6::Store<'a>, &'a v6::Model) {
        let store = v6::Store::new(
            regions.index_v6.bytes(),
            regions.filter_v6.bytes(),
            regions.cells_v6.u16s(),
            regions.slots_v6.u64s(),
            &mut self.state_v6,
        );
        (store, &self.model_v6)
    }
}

/// The difference, by family, each of its four lists in order.
fn changes(diff: &Diff) -> (Vec<v4::Change>, Vec<v6::Change>) {
    let block = diff
        .block
        .iter()
        .map(|&(network, reason)| (network, Layer::Block(reason), true));
    // Which reason a network is blocked for no more does not matter.
    let unblock = diff
        .unblock
        .iter()
        .map(|&network| (network, Layer::Block(Reason::Manual), false));
    let allow = diff
        .allow
        .iter()
        .map(|&network| (network, Layer::Allow, true));
    let disallow = diff
        .disallow
        .iter()
        .map(|&network| (network, Layer::Allow, false));
    let mut v4 = Vec::with_capacity(diff.len());
    let mut v6 = Vec::new();
    for (network, layer, present) in allow.chain(block).chain(unblock).chain(disallow) {
        push(&mut v4, &mut v6, network, layer, present);
    }
    (v4, v6)
}

fn push(
    v4: &mut Vec<v4::Change>,
    v6: &mut Vec<v6::Change>,
    network: Network,
    layer: Layer,
    present: bool,
) {
    let len = network.prefix_len();
    match network.address() {
        IpAddr::V4(address) => v4.push(v4::Change {
            address: address.to_bits(),
            len,
            layer,
            present,
        }),
        IpAddr::V6(address) => v6.push(v6::Change {
            address: address.to_bits(),
            len,
            layer,
            present,
        }),
    }
}
