//! The sources with the most sampled drops, in bounded memory.
//!
//! Space-Saving (Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k
//! Elements in Data Streams, 2005): where the table is full, a new source takes the place of the
//! least counted one and its count, so a flood of forged sources cannot push out a heavy one.

use std::{collections::HashMap, net::IpAddr};

use gate_common::Reason;
use jiff::Timestamp;

/// How many sources are kept.
const CAPACITY: usize = 1024;

/// What is known of one source.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Seen {
    /// Sampled drops: at most this many.
    pub(super) samples: u64,
    /// The reason of the latest one.
    pub(super) reason: Reason,
    /// When the latest one was.
    pub(super) last: Timestamp,
}

/// Sources by sampled drops.
#[derive(Debug)]
pub(super) struct TopSources {
    since: Timestamp,
    sources: HashMap<IpAddr, Seen>,
}

impl TopSources {
    /// An empty table that begins at `now`.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            since: now,
            sources: HashMap::with_capacity(CAPACITY),
        }
    }

    /// When the count began.
    pub(super) fn since(&self) -> Timestamp {
        self.since
    }

    /// Counts a sampled drop.
    pub(super) fn count(&mut self, source: IpAddr, reason: Reason, now: Timestamp) {
        let inherited = if self.sources.contains_key(&source) || self.sources.len() < CAPACITY {
            0
        } else {
            self.evict()
        };
        let seen = self.sources.entry(source).or_insert(Seen {
            samples: inherited,
            reason,
            last: now,
        });
        seen.samples += 1;
        seen.reason = reason;
        seen.last = now;
    }

    /// Takes the least counted source out and returns its count.
    fn evict(&mut self) -> u64 {
        let least = self
            .sources
            .iter()
            .min_by_key(|(_, seen)| seen.samples)
            .map(|(source, seen)| (*source, seen.samples));
        least.map_or(0, |(source, samples)| {
            self.sources.remove(&source);
            samples
        })
    }

    /// The `limit` sources with the most sampled drops, most first; of equals the lower address.
    pub(super) fn most(&self, limit: usize) -> Vec<(IpAddr, Seen)> {
        let mut all: Vec<_> = self
            .sources
            .iter()
            .map(|(source, seen)| (*source, *seen))
            .collect();
        all.sort_unstable_by_key(|&(source, seen)| (std::cmp::Reverse(seen.samples), source));
        all.truncate(limit);
        all
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_flood_of_single_sources_does_not_push_out_a_heavy_one() {
        let now = Timestamp::UNIX_EPOCH;
        let mut top = TopSources::new(now);
        let heavy = IpAddr::from([192, 0, 2, 1]);
        for _ in 0..100 {
            top.count(heavy, Reason::Feed, now);
        }
        for forged in 0..50_000u32 {
            top.count(
                Ipv4Addr::from(0x0a00_0000 + forged).into(),
                Reason::Manual,
                now,
            );
        }
        let most = top.most(3);
        assert_eq!(most[0].0, heavy);
        assert_eq!(most[0].1.samples, 100);
        assert_eq!(most.len(), 3);
        assert_eq!(top.sources.len(), CAPACITY);
    }
}
