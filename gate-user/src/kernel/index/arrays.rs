//! The index's maps, and the memory that they are mapped into while they are written.

use aya::Ebpf;
use gate_common::names;

use super::region::Region;
use crate::kernel::{KernelError, maps::data, sys::RawMap};

/// The arrays.
#[derive(Debug)]
pub(super) struct Maps {
    pub(super) head_v4: RawMap,
    pub(super) roots_v4: RawMap,
    pub(super) slots_v4: RawMap,
    pub(super) leaves_v4: RawMap,
    pub(super) index_v6: RawMap,
    pub(super) filter_v6: RawMap,
    pub(super) cells_v6: RawMap,
    pub(super) slots_v6: RawMap,
}

/// The arrays in memory.
pub(super) struct Regions {
    pub(super) head_v4: Region,
    pub(super) roots_v4: Region,
    pub(super) slots_v4: Region,
    pub(super) leaves_v4: Region,
    pub(super) index_v6: Region,
    pub(super) filter_v6: Region,
    pub(super) cells_v6: Region,
    pub(super) slots_v6: Region,
}

impl Maps {
    /// Those of the loaded object.
    pub(super) fn new(ebpf: &Ebpf) -> Result<Self, KernelError> {
        let map = |name| RawMap::of(name, data(ebpf, name)?);
        Ok(Self {
            head_v4: map(names::HEAD_V4)?,
            roots_v4: map(names::ROOTS_V4)?,
            slots_v4: map(names::SLOTS_V4)?,
            leaves_v4: map(names::LEAVES_V4)?,
            index_v6: map(names::INDEX_V6)?,
            filter_v6: map(names::FILTER_V6)?,
            cells_v6: map(names::CELLS_V6)?,
            slots_v6: map(names::SLOTS_V6)?,
        })
    }

    /// Maps all of them into memory.
    pub(super) fn map(&self) -> Result<Regions, KernelError> {
        let map = |name, map: &RawMap| {
            Region::map(map.fd(), bytes(map)).map_err(|source| KernelError::Map {
                map: name,
                what: "mapping",
                source,
            })
        };
        Ok(Regions {
            head_v4: map(names::HEAD_V4, &self.head_v4)?,
            roots_v4: map(names::ROOTS_V4, &self.roots_v4)?,
            slots_v4: map(names::SLOTS_V4, &self.slots_v4)?,
            leaves_v4: map(names::LEAVES_V4, &self.leaves_v4)?,
            index_v6: map(names::INDEX_V6, &self.index_v6)?,
            filter_v6: map(names::FILTER_V6, &self.filter_v6)?,
            cells_v6: map(names::CELLS_V6, &self.cells_v6)?,
            slots_v6: map(names::SLOTS_V6, &self.slots_v6)?,
        })
    }
}

/// How long a map's array is, in bytes.
pub(super) fn bytes(map: &RawMap) -> usize {
    map.info.value_size as usize * map.info.max_entries as usize
}
