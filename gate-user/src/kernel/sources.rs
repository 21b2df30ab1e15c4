//! What the kernel counts of connections: `SOURCES`.
//!
//! In: the map. Out: who has how many connections. Reading takes no lock: a count is a word.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use bytemuck::Zeroable as _;
use gate_common::{Bucket, Count, Source, names};
use rustix::time::{ClockId, clock_gettime};

use super::{KernelError, sys::RawMap};

/// How many buckets are read in one system call: 240 KiB.
const CHUNK: usize = 1024;

/// The connections of one source.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Connections {
    /// Open now.
    pub open: u32,
    /// Opened in the current window.
    pub opened: u32,
}

/// What is counted of one source, as it stands in the kernel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SourceCount {
    /// Who: an IPv4 address, or the first address of an IPv6 /64.
    pub source: IpAddr,
    /// Its connections.
    pub connections: Connections,
}

/// What is needed of a count to correct it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Standing {
    /// Connections open.
    pub(super) open: u32,
    /// See [`Count::changes`].
    pub(super) changes: u32,
}

/// What is counted of all connections to guarded ports.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ConnectionCounters {
    /// Open now.
    pub open: u64,
    /// Sources that have one open.
    pub sources: u64,
    /// Opened since the maps were made.
    pub opened: u64,
    /// Closed of those.
    pub closed: u64,
    /// Not counted for their source, for want of room.
    pub uncounted: u64,
    /// Reports that found no room on the ring buffer.
    pub lost: u64,
}

/// The table of sources.
#[derive(Debug)]
pub(super) struct Sources {
    table: RawMap,
}

impl Sources {
    pub(super) fn new(table: RawMap) -> Self {
        Self { table }
    }

    pub(super) fn map(&self) -> &RawMap {
        &self.table
    }

    fn buckets(&self) -> Result<Vec<Bucket>, KernelError> {
        let buckets = self.table.entries::<u32, Bucket>(CHUNK);
        let buckets = buckets.map_err(reading)?;
        Ok(buckets.into_iter().map(|(_, bucket)| bucket).collect())
    }

    /// Every source that has a place in the table.
    pub(super) fn standings(&self) -> Result<HashMap<Source, Standing>, KernelError> {
        let buckets = self.buckets()?;
        let all = buckets.iter().flat_map(|bucket| {
            let ways = bucket.sources.iter().zip(&bucket.counts);
            ways.filter(|&(&source, _)| source != Source::NOBODY)
        });
        Ok(all
            .map(|(&source, count)| {
                let (open, changes) = (count.open, count.changes);
                (source, Standing { open, changes })
            })
            .collect())
    }

    /// The connections of `address`, of an IPv6 address those of its /64.
    pub(super) fn of(&self, address: IpAddr) -> Result<Connections, KernelError> {
        let source = word(address);
        let mut bucket = Bucket::zeroed();
        let index = source.bucket(self.table.info.max_entries);
        self.table
            .lookup(&index, bytemuck::bytes_of_mut(&mut bucket), 1)
            .map_err(reading)?;
        let now = monotonic();
        let place = bucket.sources.iter().position(|&is| is == source);
        Ok(place.map_or_else(Connections::default, |way| {
            connections(&bucket.counts[way], now)
        }))
    }

    /// Every source that has a connection open, or opened one in its window; in no order.
    pub(super) fn all(&self) -> Result<Vec<SourceCount>, KernelError> {
        let buckets = self.buckets()?;
        let now = monotonic();
        let ways = buckets.iter().flat_map(|bucket| {
            let ways = bucket.sources.iter().zip(&bucket.counts);
            ways.filter(|&(&source, _)| source != Source::NOBODY)
        });
        Ok(ways
            .map(|(&source, count)| SourceCount {
                source: address(source),
                connections: connections(count, now),
            })
            .filter(|is| is.connections != Connections::default())
            .collect())
    }

    /// What was counted of all connections.
    pub(super) fn counters(&self) -> Result<ConnectionCounters, KernelError> {
        let mut sum = ConnectionCounters::default();
        for bucket in self.buckets()? {
            sum.opened += bucket.opened;
            sum.closed += bucket.closed;
            sum.uncounted += bucket.uncounted;
            sum.lost += u64::from(bucket.lost);
            let counts = bucket.sources.iter().zip(&bucket.counts);
            for (_, count) in counts.filter(|&(&source, _)| source != Source::NOBODY) {
                sum.open += u64::from(count.open);
                sum.sources += u64::from(count.open != 0);
            }
        }
        Ok(sum)
    }
}

fn reading(source: io::Error) -> KernelError {
    KernelError::Map {
        map: names::SOURCES,
        what: "reading",
        source,
    }
}

fn connections(count: &Count, now: u64) -> Connections {
    Connections {
        open: count.open,
        opened: if now < count.until { count.opened } else { 0 },
    }
}

/// The clock that the programs read (`bpf_ktime_get_ns`), in nanoseconds.
fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let now = Duration::try_from(now).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// The source of `address` in a word.
pub(super) fn word(address: IpAddr) -> Source {
    match address.to_canonical() {
        IpAddr::V4(address) => Source::v4(address.to_bits()),
        IpAddr::V6(address) => Source::v6((address.to_bits() >> 64) as u64),
    }
}

/// The address of a source; of an IPv6 /64 the first.
pub(super) fn address(source: Source) -> IpAddr {
    source.as_v4().map_or_else(
        || Ipv6Addr::from_bits(u128::from(source.word()) << 64).into(),
        |address| std::net::Ipv4Addr::from_bits(address).into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_ipv4_address_or_a_64() {
        for (address_in, address_out) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("0.0.0.0", "0.0.0.0"),
        ] {
            let source: IpAddr = address_in.parse().unwrap();
            let expected: IpAddr = address_out.parse().unwrap();
            assert_eq!(address(word(source)), expected, "{address_in}");
        }
        assert_eq!(word(Ipv6Addr::LOCALHOST.into()), Source::NOBODY);
    }

    #[test]
    fn sources_spread_over_the_buckets() {
        let mut full = vec![0u32; 1 << 14];
        // The worst there is: addresses in a row, and networks in a row.
        for i in 0..(1 << 14) {
            full[Source::v4(0xc000_0200 + i).bucket(1 << 14) as usize] += 1;
            let network = 0x2001_0db8_0000_0000 + u64::from(i);
            full[Source::v6(network).bucket(1 << 14) as usize] += 1;
        }
        // Poisson with a mean of 2: 16,384 times 0.0011 buckets hold more than 7 (WAYS).
        let crowded = full.iter().filter(|&&sources| sources > 7).count();
        assert!((1..60).contains(&crowded), "{crowded}");
    }

    #[test]
    fn a_window_that_has_ended_counts_no_more() {
        let count = Count {
            open: 2,
            until: 100,
            opened: 5,
            ..Count::default()
        };
        for (now, opened) in [(99, 5), (100, 0)] {
            let is = connections(&count, now);
            assert_eq!((is.open, is.opened), (2, opened), "at {now}");
        }
    }
}
