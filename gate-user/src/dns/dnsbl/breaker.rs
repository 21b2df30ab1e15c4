//! A zone that suddenly lists nearly everybody is taken out (invariant 7: no single DNSBL can list
//! the world). In: what it said of each source, and whether another zone says the same. Out:
//! whether it trips.
//!
//! The rule: of the latest `breaker_sources` distinct sources, the zone lists `breaker_share` or
//! more, or has come half way from its usual share to all; and of those that it lists, the other
//! zones list less than three quarters. In a flood most sources are listed, but then by several
//! zones. Where there is one zone only nobody can speak for it, and it trips.

use std::{
    collections::{HashSet, VecDeque},
    time::Instant,
};

use crate::network::Network;

/// The share of what a zone lists that other zones must list too, so that it does not trip: three
/// of four.
const BACKED: (u64, u64) = (3, 4);

/// The usual share is known once so many windows have gone by, and follows over twice as many.
const KNOWN: u32 = 5;

/// The settings: `dnsbl.breaker_share` and `dnsbl.breaker_sources`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) share: f64,
    pub(super) sources: u32,
}

/// One source, as a zone and the others have it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Word {
    /// The zone does not list it.
    Unlisted,
    /// The zone lists it, and no other does.
    Alone,
    /// The zone lists it, and another one too.
    Backed,
}

/// What a zone said of the latest sources, and so why it tripped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Trip {
    /// How many sources it lists,
    pub listed: u64,
    /// of how many,
    pub of: u64,
    /// and how many of those it lists another zone lists too.
    pub backed: u64,
    /// When the first of these sources was weighed: whatever it went by, it said since then.
    pub since: Instant,
}

/// A source in the window.
#[derive(Clone, Copy, Debug)]
struct Weighed {
    source: Network,
    word: Word,
    at: Instant,
}

/// What one zone said of the latest sources.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    latest: VecDeque<Weighed>,
    known: HashSet<Network>,
    listed: u64,
    backed: u64,
    /// Sources that have left the window, and the share of them that was listed.
    learned: u32,
    usual: f64,
}

impl Breaker {
    /// Takes what the zone says of `source` at `now`; of the same one again among the latest nothing
    /// is counted.
    pub(super) fn take(
        &mut self,
        source: Network,
        word: Word,
        now: Instant,
        limits: Limits,
    ) -> Option<Trip> {
        if !self.known.insert(source) {
            return None;
        }
        let at = now;
        self.latest.push_back(Weighed { source, word, at });
        self.count(word, 1);
        while self.latest.len() > limits.sources as usize {
            self.forget(limits);
        }
        let (listed, of) = self.latest();
        let trip = Trip {
            listed,
            of,
            backed: self.backed,
            since: self.latest.front().map_or(now, |first| first.at),
        };
        let full = self.latest.len() == limits.sources as usize;
        (full && self.too_many(trip, limits)).then_some(trip)
    }

    /// How many of the latest sources it lists, of how many.
    pub(super) fn latest(&self) -> (u64, u64) {
        (self.listed, self.latest.len() as u64)
    }

    /// Begins anew; what is usual stays known.
    pub(super) fn clear(&mut self) {
        let (learned, usual) = (self.learned, self.usual);
        *self = Self {
            learned,
            usual,
            ..Self::default()
        };
    }

    fn too_many(&self, trip: Trip, limits: Limits) -> bool {
        let (of, to) = BACKED;
        let limit = match self.usual_share(limits) {
            Some(usual) => limits.share.min(f64::midpoint(usual, 1.0)),
            None => limits.share,
        };
        number(trip.listed) >= limit * number(trip.of) && trip.backed * to < trip.listed * of
    }

    /// The share that is usual for the zone, once it is known.
    fn usual_share(&self, limits: Limits) -> Option<f64> {
        (self.learned >= limits.sources.saturating_mul(KNOWN)).then_some(self.usual)
    }

    /// Lets the oldest source go, and learns from it. So what comes now is compared with what was.
    fn forget(&mut self, limits: Limits) {
        let Some(Weighed { source, word, .. }) = self.latest.pop_front() else {
            return;
        };
        self.known.remove(&source);
        self.count(word, -1);
        let memory = limits.sources.saturating_mul(2 * KNOWN);
        self.learned = self.learned.saturating_add(1).min(memory);
        let listed = if word == Word::Unlisted { 0.0 } else { 1.0 };
        self.usual += (listed - self.usual) / f64::from(self.learned);
    }

    fn count(&mut self, word: Word, by: i64) {
        let (listed, backed) = match word {
            Word::Unlisted => (0, 0),
            Word::Alone => (by, 0),
            Word::Backed => (by, by),
        };
        self.listed = self.listed.saturating_add_signed(listed);
        self.backed = self.backed.saturating_add_signed(backed);
    }
}

#[expect(clippy::cast_precision_loss, reason = "no window has 2^52 sources")]
const fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::Word::{Alone, Backed, Unlisted};
    use super::*;

    use std::time::Duration;

    const LIMITS: Limits = Limits {
        share: 0.9,
        sources: 20,
    };

    /// Sources, each a new one.
    fn sources() -> impl Iterator<Item = Network> {
        (0u32..).map(|n| Network::host(std::net::Ipv4Addr::from(0x0a00_0000 + n).into()))
    }

    /// After how many sources it trips, of a repeated pattern.
    fn trips(breaker: &mut Breaker, pattern: &[Word], count: usize) -> Option<usize> {
        let base = breaker.learned as usize * 1000;
        let now = Instant::now();
        let words = pattern.iter().copied().cycle().take(count);
        sources()
            .skip(base)
            .zip(words)
            .position(|(source, word)| breaker.take(source, word, now, LIMITS).is_some())
            .map(|position| position + 1)
    }

    #[test]
    fn invariant_7_what_trips() {
        for (pattern, expected) in [
            (&[Alone][..], Some(20)),
            (&[Unlisted], None),
            // 19 of 20 at first: 18 are the limit.
            (
                &[
                    Alone, Alone, Alone, Alone, Alone, Alone, Alone, Alone, Alone, Unlisted,
                ],
                Some(20),
            ),
            (&[Alone, Alone, Alone, Alone, Unlisted], None),
            // A flood: the others see it too.
            (&[Backed], None),
            (&[Backed, Backed, Backed, Alone], None),
            // Another zone lists two of three in any case: no word for this one.
            (&[Backed, Backed, Alone], Some(20)),
        ] {
            let tripped = trips(&mut Breaker::default(), pattern, 2000);
            assert_eq!(tripped, expected, "{pattern:?}");
        }
    }

    #[test]
    fn half_way_from_the_usual_to_all_is_too_many() {
        let mut breaker = Breaker::default();
        assert_eq!(
            trips(&mut breaker, &[Alone, Unlisted, Unlisted, Unlisted], 400),
            None
        );
        // A quarter is usual: 13 of 20 are more than half way to all.
        let tripped = trips(&mut breaker, &[Alone, Alone, Alone, Unlisted], 400);
        assert!(tripped.is_some_and(|after| after <= 20), "{tripped:?}");
        // What is usual stays known, and with an empty window nothing trips.
        breaker.clear();
        assert!(breaker.usual < 0.5 && breaker.latest.is_empty());
    }

    #[test]
    fn the_same_source_counts_once() {
        let mut breaker = Breaker::default();
        let source = sources().next().unwrap();
        for _ in 0..1000 {
            let trip = breaker.take(source, Alone, Instant::now(), LIMITS);
            assert_eq!(trip, None);
        }
        assert_eq!(breaker.latest.len(), 1);
    }

    #[test]
    fn a_smaller_window_takes_effect_at_once() {
        let mut breaker = Breaker::default();
        let wide = Limits {
            sources: 1000,
            ..LIMITS
        };
        let begun = Instant::now();
        let minutes = |n| begun + Duration::from_mins(n);
        for (n, source) in (0..).zip(sources().take(500)) {
            assert_eq!(breaker.take(source, Alone, minutes(n), wide), None);
        }
        let last = sources().nth(600).unwrap();
        let trip = breaker.take(last, Alone, minutes(500), LIMITS);
        assert_eq!(
            trip,
            Some(Trip {
                listed: 20,
                of: 20,
                backed: 0,
                since: minutes(481),
            })
        );
    }

    #[test]
    fn a_trip_tells_since_when_its_window_reaches_back() {
        let mut breaker = Breaker::default();
        let begun = Instant::now();
        let hours = |n| begun + Duration::from_hours(n);
        let mut trips = (0..).zip(sources()).filter_map(|(n, source)| {
            // The first two leave the window again.
            let word = if n < 4 { Unlisted } else { Alone };
            breaker.take(source, word, hours(n), LIMITS)
        });
        let trip = trips.next().unwrap();
        assert_eq!((trip.listed, trip.of, trip.since), (18, 20, hours(2)));
    }
}
