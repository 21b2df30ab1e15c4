//! Whether a zone may be asked about sources: what its tests and answers showed in, "in service" or
//! "on hold" out. Pure; the time comes from outside.
//!
//! A zone begins untested, and is asked about nobody until it has passed a test. What only a zone
//! does that is dead, sold or that lists everybody puts it on hold at once; a test point that is
//! missing, or silence, does so the second time in a row. On hold it is tested again, at intervals
//! that double, and returns after two passes in a row.

use std::{
    fmt,
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{breaker::Trip, says::Astray};
use crate::dns::resolver::Failure;

/// Failures in a row that put a zone on hold, where one does not prove it.
const FAILURES: u32 = 2;
/// Passes in a row that bring it back.
const PASSES: u32 = 2;
/// Look-ups in a row without an answer, after which the zone is tested.
const UNANSWERED: u32 = 10;
/// The first wait before a test is repeated: this part of the interval, at most [`FIRST_RETRY`].
const RETRIES: u32 = 12;
const FIRST_RETRY: Duration = Duration::from_mins(5);
/// Where a zone that is untested does not answer, the first wait is this part of that.
const SOONER: u32 = 10;
/// The longest: so many intervals.
const LONGEST: u32 = 4;
/// What a zone that tripped said is doubted from so long before its window on, so that nothing is
/// missed at the edge.
const MARGIN: Duration = Duration::from_mins(1);

/// The settings: `dnsbl.health_interval` and `dnsbl.breaker_pause`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub(super) interval: Duration,
    pub(super) pause: Duration,
}

impl Timing {
    /// How long to wait after so many failures on hold.
    fn retry(self, failed: u32) -> Duration {
        let first = (self.interval / RETRIES).min(FIRST_RETRY);
        let doubled = first.saturating_mul(1 << failed.min(16));
        doubled.min(self.interval.saturating_mul(LONGEST))
    }
}

/// Why a zone is on hold, or why a test failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Why {
    /// It lists what no list lists.
    ListsTestPoint(IpAddr),
    /// It has a name that nobody gave it.
    ListsProbe,
    /// It does not answer us.
    Astray(Astray),
    /// It has a name that nobody gave it, if without an address.
    HasProbe,
    /// It does not list what every list lists.
    MissesTestPoint(IpAddr),
    /// Nobody could say.
    Silent(Failure),
    /// It lists too many.
    Tripped(Trip),
}

impl Why {
    /// Whether one time proves it.
    pub(super) const fn proves(self) -> bool {
        match self {
            Self::ListsTestPoint(_) | Self::ListsProbe | Self::Astray(_) | Self::Tripped(_) => true,
            Self::HasProbe | Self::MissesTestPoint(_) | Self::Silent(_) => false,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ListsTestPoint(address) => {
                write!(
                    f,
                    "lists {address}, which no list lists: it may list everybody"
                )
            }
            Self::ListsProbe => f.write_str("lists a name that was made up: it may list everybody"),
            Self::Astray(astray) => astray.fmt(f),
            Self::HasProbe => f.write_str("has a name that was made up: it is no list, or broken"),
            Self::MissesTestPoint(address) => write!(
                f,
                "does not list {address}, which every list lists: it may be empty"
            ),
            Self::Silent(failure) => write!(f, "does not answer: {failure}"),
            Self::Tripped(Trip {
                listed, of, backed, ..
            }) => write!(
                f,
                "lists {listed} of the latest {of} sources, of which other zones list {backed}"
            ),
        }
    }
}

/// How a zone stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// No test has told anything yet.
    Untested,
    /// It is asked.
    InService { since: Instant },
    /// It is not asked about sources.
    Held {
        why: Why,
        since: Instant,
        /// From when on what it said is not to be believed, if it lists everybody.
        doubted: Option<Instant>,
    },
}

/// What the test points came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Test {
    /// All as they should be.
    Passed,
    /// Something is not.
    Failed(Why),
    /// They were not asked: the budget did not allow it.
    NotAsked,
}

/// What has changed, for the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    /// It is on hold from now on.
    Held(Why),
    /// It is in service from now on.
    Returned,
}

/// How one zone stands, and when it is tested next.
#[derive(Debug)]
pub(super) struct Health {
    state: State,
    due: Instant,
    failures: u32,
    passes: u32,
    unanswered: u32,
    controlled: Option<Instant>,
    /// When what it must not list was unlisted last.
    in_order: Option<Instant>,
    last: Option<(Instant, Test)>,
}

impl Health {
    /// A zone that is to be tested at once.
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            state: State::Untested,
            due: now,
            failures: 0,
            passes: 0,
            unanswered: 0,
            controlled: None,
            in_order: None,
            last: None,
        }
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    pub(super) const fn in_service(&self) -> bool {
        matches!(self.state, State::InService { .. })
    }

    /// When it is to be tested next.
    pub(super) const fn due(&self) -> Instant {
        self.due
    }

    /// When it was tested last, and what came of it.
    pub(super) const fn last(&self) -> Option<(Instant, Test)> {
        self.last
    }

    /// Whether what it must not list was unlisted `within` this time.
    pub(super) fn controlled(&self, now: Instant, within: Duration) -> bool {
        self.controlled
            .is_some_and(|at| now.saturating_duration_since(at) < within)
    }

    /// Takes what the test points came to.
    pub(super) fn test(&mut self, test: Test, now: Instant, timing: Timing) -> Option<Change> {
        self.last = Some((now, test));
        self.unanswered = 0;
        match test {
            Test::NotAsked => {
                let sooner = if self.in_service() { 1 } else { SOONER };
                self.due = now + timing.retry(0) / sooner;
                None
            }
            Test::Passed => {
                self.was_in_order(now);
                self.failures = 0;
                self.passes += 1;
                self.passed(now, timing)
            }
            Test::Failed(why) => {
                self.passes = 0;
                self.failures = self.failures.saturating_add(1);
                self.failed(why, now, timing)
            }
        }
    }

    fn passed(&mut self, now: Instant, timing: Timing) -> Option<Change> {
        match self.state {
            State::Held { .. } if self.passes < PASSES => {
                self.due = now + timing.retry(0);
                None
            }
            State::Untested | State::Held { .. } => {
                self.state = State::InService { since: now };
                self.due = now + timing.interval;
                Some(Change::Returned)
            }
            State::InService { .. } => {
                self.due = now + timing.interval;
                None
            }
        }
    }

    fn failed(&mut self, why: Why, now: Instant, timing: Timing) -> Option<Change> {
        if self.state == State::Untested && matches!(why, Why::Silent(_)) {
            // At a start the network may not be there yet: soon again.
            let first = timing.retry(0) / SOONER;
            let doubled = first.saturating_mul(1 << (self.failures - 1).min(16));
            self.due = now + doubled.min(timing.retry(u32::MAX));
            return None;
        }
        if let State::Held {
            since,
            doubted: from,
            ..
        } = self.state
        {
            // Whatever a test shows now, what was doubted stays so.
            let doubted = [from, self.doubted(why, since, timing)];
            self.state = State::Held {
                why,
                since,
                doubted: doubted.into_iter().flatten().min(),
            };
            self.due = now + timing.retry(self.failures);
            None
        } else if why.proves() || self.failures >= FAILURES {
            self.failures = 0;
            Some(self.hold(why, now, timing))
        } else {
            self.due = now + timing.retry(0);
            None
        }
    }

    fn hold(&mut self, why: Why, now: Instant, timing: Timing) -> Change {
        let pause = match why {
            Why::Tripped(_) => timing.pause,
            _ => timing.retry(0),
        };
        self.state = State::Held {
            why,
            since: now,
            doubted: self.doubted(why, now, timing),
        };
        self.passes = 0;
        self.controlled = None;
        self.due = now + pause;
        Change::Held(why)
    }

    /// From when on what a zone said that is on hold since `since` is not to be believed: if it
    /// tripped, since the first source that the breaker went by; if it lists what nobody lists,
    /// since it was last known not to, but for an interval at least.
    fn doubted(&self, why: Why, since: Instant, timing: Timing) -> Option<Instant> {
        let (from, margin) = match why {
            Why::Tripped(trip) => (trip.since, MARGIN),
            Why::ListsTestPoint(_) | Why::ListsProbe => {
                let interval = since.checked_sub(timing.interval).unwrap_or(since);
                let in_order = self.in_order.unwrap_or(interval);
                (in_order.min(interval), Duration::ZERO)
            }
            Why::Astray(_) | Why::HasProbe | Why::MissesTestPoint(_) | Why::Silent(_) => {
                return None;
            }
        };
        Some(from.checked_sub(margin).unwrap_or(from))
    }

    fn was_in_order(&mut self, now: Instant) {
        self.controlled = Some(now);
        self.in_order = Some(now);
    }

    /// Takes the control of a listing: like a test of what it must not list alone.
    pub(super) fn control(&mut self, test: Test, now: Instant, timing: Timing) -> Option<Change> {
        match test {
            Test::Passed => {
                self.was_in_order(now);
                None
            }
            Test::Failed(why) if why.proves() => self.saw(why, now, timing),
            Test::Failed(_) => {
                self.due = self.due.min(now);
                None
            }
            Test::NotAsked => None,
        }
    }

    /// Takes what an answer about a source proved.
    pub(super) fn saw(&mut self, why: Why, now: Instant, timing: Timing) -> Option<Change> {
        if !self.in_service() {
            return None;
        }
        self.failures = 0;
        Some(self.hold(why, now, timing))
    }

    /// After a reload: what may have been mended by it is tested at once.
    pub(super) fn hurry(&mut self, now: Instant) {
        let tripped = matches!(
            self.state,
            State::Held {
                why: Why::Tripped(_),
                ..
            }
        );
        if !self.in_service() && !tripped {
            self.due = self.due.min(now);
        }
    }

    /// Takes whether a look-up had an answer; returns whether the zone is to be tested at once.
    pub(super) fn looked_up(&mut self, answered: bool, now: Instant) -> bool {
        if answered {
            self.unanswered = 0;
            return false;
        }
        self.unanswered += 1;
        let silent = self.unanswered == UNANSWERED && self.in_service();
        if silent {
            self.due = self.due.min(now);
        }
        silent
    }
}

#[cfg(test)]
mod tests;
