//! Sources that were asked about lately, in bounded memory.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use crate::network::Network;

/// Sources that are remembered at most: some 64 MiB.
const MOST: usize = 1_000_000;

/// Two generations of sources. One is told from a new one for `fresh` at least, and for twice that
/// at most; for less where more come than fit.
#[derive(Debug)]
pub(super) struct Recent {
    young: HashSet<Network>,
    old: HashSet<Network>,
    /// When the young ones began to be gathered.
    since: Instant,
    most: usize,
}

impl Recent {
    /// None.
    pub(super) fn new(now: Instant) -> Self {
        Self::with_most(now, MOST)
    }

    fn with_most(now: Instant, most: usize) -> Self {
        Self {
            young: HashSet::new(),
            old: HashSet::new(),
            since: now,
            most,
        }
    }

    /// Notes that `source` is asked about now; false if it was a short while ago.
    pub(super) fn note(&mut self, source: Network, now: Instant, fresh: Duration) -> bool {
        let age = now.saturating_duration_since(self.since);
        if age >= fresh || self.young.len() >= self.most / 2 {
            self.old = std::mem::take(&mut self.young);
            self.since = now;
            if age >= fresh * 2 {
                self.old.clear();
            }
        }
        !self.old.contains(&source) && self.young.insert(source)
    }

    /// Forgets `source`: it could not be asked about after all.
    pub(super) fn forget(&mut self, source: Network) {
        self.young.remove(&source);
        self.old.remove(&source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bits: u32) -> Network {
        Network::source(std::net::Ipv4Addr::from_bits(bits).into())
    }

    #[test]
    fn a_source_is_new_again_when_it_is_stale() {
        const FRESH: Duration = Duration::from_mins(1);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut recent = Recent::new(start);
        for (second, number, is_new) in [
            (0, 1, true),
            (1, 1, false),
            (59, 1, false),
            (59, 2, true),
            // The generation turns: both are old ones.
            (61, 2, false),
            (61, 3, true),
            (62, 1, false),
            // And turns again: what is left of the first is gone.
            (122, 1, true),
            (122, 3, false),
            // Nobody came for long.
            (300, 3, true),
            (300, 1, true),
        ] {
            assert_eq!(
                recent.note(source(number), at(second), FRESH),
                is_new,
                "{number} at {second}"
            );
        }
        recent.forget(source(1));
        assert!(recent.note(source(1), at(301), FRESH));
    }

    #[test]
    fn a_flood_of_sources_takes_bounded_memory() {
        let now = Instant::now();
        let mut recent = Recent::with_most(now, 100);
        for number in 0..10_000 {
            assert!(recent.note(source(number), now, Duration::from_hours(1)));
            assert!(recent.young.len() + recent.old.len() <= 100);
        }
    }
}
