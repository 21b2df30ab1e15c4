//! The program's counters, summed over the CPUs.

use std::ops::AddAssign;

use aya::util::nr_cpus;
use gate_common::{Family, Limit, Reason, Stats, names};

use super::{KernelError, sys::RawMap};

/// The counters of one address family, or of both, summed over the CPUs. Packets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// SYNs to guarded ports.
    pub seen: u64,
    /// SYNs from sources that nothing lists.
    pub passed: u64,
    /// SYNs that an allow entry let through although a listing covers the source.
    pub allowed: u64,
    /// Packets that could not be parsed, and passed.
    pub malformed: u64,
    /// Dropped SYNs by [`Reason::slot`].
    pub dropped: [u64; Reason::SLOTS],
    /// SYNs that would have been dropped, by [`Reason::slot`].
    pub would_drop: [u64; Reason::SLOTS],
    /// SYNs dropped because their source is at a limit, by [`Limit::slot`].
    pub limited: [u64; Limit::SLOTS],
    /// SYNs that would have been, by [`Limit::slot`].
    pub would_limit: [u64; Limit::SLOTS],
    /// SYNs of listed sources that passed out of courtesy.
    pub courtesy: u64,
    /// Reports about SYNs that found no room on the ring buffer.
    pub lost: u64,
}

impl Counters {
    /// Dropped SYNs for all reasons.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// SYNs that would have been dropped, for all reasons.
    pub fn would_drop_total(&self) -> u64 {
        self.would_drop.iter().sum()
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.seen += other.seen;
        self.passed += other.passed;
        self.allowed += other.allowed;
        self.malformed += other.malformed;
        self.courtesy += other.courtesy;
        self.lost += other.lost;
        for (sum, more) in self.limited.iter_mut().zip(other.limited) {
            *sum += more;
        }
        for (sum, more) in self.would_limit.iter_mut().zip(other.would_limit) {
            *sum += more;
        }
        for (sum, more) in self.dropped.iter_mut().zip(other.dropped) {
            *sum += more;
        }
        for (sum, more) in self.would_drop.iter_mut().zip(other.would_drop) {
            *sum += more;
        }
    }
}

impl From<Stats> for Counters {
    fn from(stats: Stats) -> Self {
        Self {
            seen: stats.seen,
            passed: stats.passed,
            allowed: stats.allowed,
            malformed: stats.malformed,
            dropped: stats.dropped,
            would_drop: stats.would_drop,
            limited: stats.limited,
            would_limit: stats.would_limit,
            courtesy: stats.courtesy,
            lost: stats.lost,
        }
    }
}

/// Reads the counters of `family` from the `STATS` map.
pub(super) fn read(map: &RawMap, family: Family) -> Result<Counters, KernelError> {
    let failed = |source| KernelError::Map {
        map: names::STATS,
        what: "reading",
        source,
    };
    let cpus = nr_cpus().map_err(|(_, error)| failed(error))?;
    let stride = size_of::<Stats>().next_multiple_of(8);
    let mut values = vec![0; stride * cpus];
    map.lookup(&(family as u32), &mut values, cpus)
        .map_err(failed)?;
    let mut sum = Counters::default();
    for value in values.chunks_exact(stride) {
        let stats: Stats = bytemuck::pod_read_unaligned(&value[..size_of::<Stats>()]);
        sum += stats.into();
    }
    Ok(sum)
}
