//! The reading side of the gate's maps, shared by everybody who asks.

use std::{
    collections::HashSet,
    fs, io,
    net::IpAddr,
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
};

use aya::{
    Ebpf,
    maps::{Map, MapData},
};
use gate_common::{Config, Correction, Family, Limits, Mode, names};

use super::{
    KernelError,
    compare::{self, Corrected},
    limits::Exceptions,
    load::Capacity,
    sources::{ConnectionCounters, Connections, SourceCount, Sources},
    stats::{self, Counters},
    sys::{self, RawMap},
    tables::{Lookup, Tables},
    trie::Trie,
};
use crate::{network::Network, plan::Table};

/// The gate's maps. Reading needs no lock: each operation is one the kernel makes atomic.
#[derive(Debug)]
pub struct Maps {
    pub(super) tables: Tables,
    pub(super) config: RawMap,
    stats: RawMap,
    pub(super) sources: Sources,
    pub(super) exceptions: Exceptions,
    /// The program `correct`.
    corrector: OwnedFd,
    /// The buckets of SYNs and of courtesy, for their accounting.
    rates: Vec<RawMap>,
    /// The index: written by its own writer, here for its accounting.
    index: Vec<RawMap>,
}

impl Maps {
    pub(super) fn new(ebpf: &Ebpf, corrector: OwnedFd) -> Result<Self, KernelError> {
        Ok(Self {
            tables: Tables {
                allow_v4: Trie::new(names::ALLOW_V4, data(ebpf, names::ALLOW_V4)?)?,
                allow_v6: Trie::new(names::ALLOW_V6, data(ebpf, names::ALLOW_V6)?)?,
                block_v4: Trie::new(names::BLOCK_V4, data(ebpf, names::BLOCK_V4)?)?,
                block_v6: Trie::new(names::BLOCK_V6, data(ebpf, names::BLOCK_V6)?)?,
            },
            config: RawMap::of(names::CONFIG, data(ebpf, names::CONFIG)?)?,
            stats: RawMap::of(names::STATS, data(ebpf, names::STATS)?)?,
            exceptions: Exceptions::new(ebpf)?,
            corrector,
            rates: [names::SYNS, names::COURTESY]
                .into_iter()
                .map(|name| RawMap::of(name, data(ebpf, name)?))
                .collect::<Result<_, _>>()?,
            sources: Sources::new(RawMap::of(names::SOURCES, data(ebpf, names::SOURCES)?)?),
            index: names::INDEX
                .into_iter()
                .map(|name| RawMap::of(name, data(ebpf, name)?))
                .collect::<Result<_, _>>()?,
        })
    }

    /// What the tries say of `address`, and so what the program would decide.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`].
    pub fn lookup(&self, address: IpAddr) -> Result<Lookup, KernelError> {
        self.tables.lookup(address)
    }

    /// The whole gate table as the kernel holds it.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`].
    pub fn read_back(&self) -> Result<Table, KernelError> {
        self.tables.read_back()
    }

    /// The counters of `family` since the maps were made.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`].
    pub fn counters(&self, family: Family) -> Result<Counters, KernelError> {
        stats::read(&self.stats, family)
    }

    /// The counters of both families together.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`].
    pub fn all_counters(&self) -> Result<Counters, KernelError> {
        let mut sum = self.counters(Family::V4)?;
        sum += self.counters(Family::V6)?;
        Ok(sum)
    }

    /// The connections of `address`; of an IPv6 address, those of its /64.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`].
    pub fn connections(&self, address: IpAddr) -> Result<Connections, KernelError> {
        self.sources.of(address)
    }

    /// Every source that has a connection open, or opened one in its window; in no order.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`].
    pub fn all_connections(&self) -> Result<Vec<SourceCount>, KernelError> {
        self.sources.all()
    }

    /// What is counted of all connections.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`].
    pub fn connection_counters(&self) -> Result<ConnectionCounters, KernelError> {
        self.sources.counters()
    }

    /// Compares the counts that the kernel keeps with its table of sockets, and corrects those
    /// that differ. Takes some milliseconds, or, where anything differs, some more than 50.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`], [`KernelError::Sockets`].
    pub fn compare_connections(&self) -> Result<Vec<Corrected>, KernelError> {
        compare::compare(self)
    }

    /// Sets the counts by the table of sockets, where no program counts. `known` holds the sockets
    /// of the last look, and then those of this one.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`], [`KernelError::Sockets`].
    pub fn count_connections(
        &self,
        known: &mut Option<HashSet<u64>>,
    ) -> Result<Vec<Corrected>, KernelError> {
        compare::count(self, known)
    }

    /// Gives one source other limits than everybody, by its score; `None` for everybody's.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`], also where there is no room for more of them.
    pub fn set_limits(&self, source: Network, limits: Option<Limits>) -> Result<(), KernelError> {
        self.exceptions.set_by_score(source, limits)
    }

    /// Forgets what sources were given by their score.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`].
    pub fn clear_limits(&self) -> Result<(), KernelError> {
        self.exceptions.clear_by_score()
    }

    /// Has the program `correct` carry out a correction; what it answers.
    pub(super) fn correct(&self, correction: &Correction) -> io::Result<u32> {
        sys::test_run(self.corrector.as_fd(), bytemuck::bytes_of(correction))
            .map_err(|error| compare::not_run(&error))
    }

    /// The settings that the program reads.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`].
    pub fn config(&self) -> Result<Config, KernelError> {
        let mut value = [0; size_of::<Config>()];
        self.config
            .lookup(&0u32, &mut value, 1)
            .map_err(|source| KernelError::Map {
                map: names::CONFIG,
                what: "reading",
                source,
            })?;
        Ok(bytemuck::pod_read_unaligned(&value))
    }

    /// The mode in force.
    ///
    /// # Errors
    ///
    /// [`KernelError::Map`].
    pub fn mode(&self) -> Result<Mode, KernelError> {
        let number = self.config()?.mode;
        let mode = Mode::ALL.into_iter().find(|mode| *mode as u32 == number);
        Ok(mode.unwrap_or(Mode::Off))
    }

    /// Bytes of kernel memory that the maps take, by the kernel's own accounting (`memlock` in
    /// `/proc/self/fdinfo`, proc(5)); 0 for what it does not tell.
    pub fn memory(&self) -> u64 {
        let tables = &self.tables;
        [
            tables.allow_v4.map(),
            tables.allow_v6.map(),
            tables.block_v4.map(),
            tables.block_v6.map(),
            &self.config,
            &self.stats,
        ]
        .into_iter()
        .chain([self.sources.map()])
        .chain(self.exceptions.maps())
        .chain(&self.rates)
        .chain(&self.index)
        .map(|map| memlock(map).unwrap_or(0))
        .sum()
    }

    /// How many buckets the table of sources has.
    pub(super) fn buckets(&self) -> u32 {
        self.sources.map().info.max_entries
    }

    /// How much the maps have room for.
    pub fn capacity(&self) -> Capacity {
        Capacity {
            block: self.tables.block_v4.map().info.max_entries,
            allow: self.tables.allow_v4.map().info.max_entries,
            buckets: self.buckets(),
        }
    }
}

fn memlock(map: &RawMap) -> Option<u64> {
    let fdinfo = fs::read_to_string(format!("/proc/self/fdinfo/{}", map.fd().as_raw_fd())).ok()?;
    let line = fdinfo
        .lines()
        .find_map(|line| line.strip_prefix("memlock:"))?;
    line.trim().parse().ok()
}

/// The loaded map of that name.
pub(super) fn data<'a>(ebpf: &'a Ebpf, name: &'static str) -> Result<&'a MapData, KernelError> {
    match ebpf.map(name) {
        Some(
            Map::Array(data) | Map::LpmTrie(data) | Map::PerCpuArray(data) | Map::RingBuf(data),
        ) => Ok(data),
        _ => Err(KernelError::Missing(name)),
    }
}
