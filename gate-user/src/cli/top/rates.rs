//! Rates over time: counters in, events a second out, for each line that there is to show.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use gate_common::Reason;

use super::super::{stats::rate, tone::Tone};
use crate::control::api::Stats;

/// How many rates of a line are kept: more than a terminal is wide.
const KEPT: usize = 512;

/// What is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Line {
    Seen,
    Passed,
    Allowed,
    Dropped(Reason),
    WouldDrop(Reason),
    Limited,
    WouldLimit,
    Courtesy,
    Malformed,
}

impl Line {
    /// Every line, in the order in which they are shown.
    fn all() -> impl Iterator<Item = Self> {
        [Self::Seen, Self::Passed, Self::Allowed]
            .into_iter()
            .chain(Reason::ALL.map(Self::Dropped))
            .chain(Reason::ALL.map(Self::WouldDrop))
            .chain([
                Self::Limited,
                Self::WouldLimit,
                Self::Courtesy,
                Self::Malformed,
            ])
    }

    fn count(self, stats: &Stats) -> u64 {
        match self {
            Self::Seen => stats.seen,
            Self::Passed => stats.passed,
            Self::Allowed => stats.allowed,
            Self::Dropped(reason) => stats.dropped.of(reason),
            Self::WouldDrop(reason) => stats.would_drop.of(reason),
            Self::Limited => stats.limited.sum(),
            Self::WouldLimit => stats.would_limit.sum(),
            Self::Courtesy => stats.courtesy,
            Self::Malformed => stats.malformed,
        }
    }

    /// How it is called: a reason alone is what is dropped for it.
    pub(super) fn name(self) -> String {
        match self {
            Self::Seen => "seen".to_owned(),
            Self::Passed => "passed".to_owned(),
            Self::Allowed => "allowed".to_owned(),
            Self::Dropped(reason) => reason.code().to_owned(),
            Self::WouldDrop(reason) => format!("would {}", reason.code()),
            Self::Limited => "limited".to_owned(),
            Self::WouldLimit => "would limit".to_owned(),
            Self::Courtesy => "courtesy".to_owned(),
            Self::Malformed => "malformed".to_owned(),
        }
    }

    /// What it tells at a glance.
    pub(super) fn tone(self) -> Option<Tone> {
        match self {
            Self::Seen => None,
            Self::Passed | Self::Allowed | Self::Courtesy => Some(Tone::Good),
            Self::Dropped(_) | Self::Limited => Some(Tone::Bad),
            Self::WouldDrop(_) | Self::WouldLimit | Self::Malformed => Some(Tone::Care),
        }
    }

    /// Whether it is shown though nothing is counted.
    fn always(self) -> bool {
        matches!(self, Self::Seen | Self::Passed)
    }
}

/// A line with its numbers.
#[derive(Debug)]
pub(super) struct Rated<'a> {
    pub(super) line: Line,
    /// Since the maps were made.
    pub(super) total: u64,
    /// Events a second, the latest last; none after the first sample.
    pub(super) history: &'a VecDeque<f64>,
}

impl Rated<'_> {
    /// The latest rate.
    pub(super) fn now(&self) -> Option<f64> {
        self.history.back().copied()
    }
}

/// The rates of all lines.
#[derive(Debug, Default)]
pub(super) struct Rates {
    latest: Option<(Stats, Instant)>,
    /// By line.
    history: Vec<VecDeque<f64>>,
}

impl Rates {
    /// Adds what was counted until `at`.
    pub(super) fn take(&mut self, stats: &Stats, at: Instant) {
        self.history.resize_with(Line::all().count(), VecDeque::new);
        if let Some((before, since)) = &self.latest {
            let time: Duration = at - *since;
            for (line, history) in Line::all().zip(&mut self.history) {
                if history.len() == KEPT {
                    history.pop_front();
                }
                history.push_back(rate(line.count(before), line.count(stats), time));
            }
        }
        self.latest = Some((stats.clone(), at));
    }

    /// The lines that there is something to show of.
    pub(super) fn lines(&self) -> Vec<Rated<'_>> {
        let Some((stats, _)) = &self.latest else {
            return Vec::new();
        };
        let rated = Line::all().zip(&self.history).map(|(line, history)| Rated {
            line,
            total: line.count(stats),
            history,
        });
        rated
            .filter(|it| it.line.always() || it.total > 0)
            .collect()
    }

    /// The shares of what was seen lately that passed and that was dropped, 0 to 1; those since
    /// the maps were made, where nothing was seen lately.
    pub(super) fn shares(&self) -> Option<(f64, f64)> {
        let lines = self.lines();
        let sum = |number: &dyn Fn(&Rated) -> f64, is: fn(Line) -> bool| -> f64 {
            let lines = lines.iter().filter(|it| is(it.line));
            lines.map(number).sum()
        };
        let shares = |number: &dyn Fn(&Rated) -> f64| {
            let seen = sum(number, |line| line == Line::Seen);
            let dropped = sum(number, |line| {
                matches!(line, Line::Dropped(_) | Line::Limited)
            });
            (seen > 0.0).then(|| ((1.0 - dropped / seen).max(0.0), (dropped / seen).min(1.0)))
        };
        #[expect(clippy::cast_precision_loss, reason = "a share to look at")]
        let total = |it: &Rated| it.total as f64;
        shares(&|it| it.now().unwrap_or(0.0)).or_else(|| shares(&total))
    }
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::control::{
        api::{PerReason, route},
        examples::answer,
    };

    fn line<'a>(lines: &'a [Rated<'_>], wanted: Line) -> &'a Rated<'a> {
        lines.iter().find(|it| it.line == wanted).unwrap()
    }

    #[test]
    fn two_samples_make_a_rate() {
        let mut stats: Stats = answer(&Method::GET, route::STATS);
        let start = Instant::now();
        let mut rates = Rates::default();
        assert!(rates.lines().is_empty());
        rates.take(&stats, start);
        assert_eq!(line(&rates.lines(), Line::Seen).now(), None);
        stats.seen += 100;
        stats.dropped = PerReason::from_fn(|reason| match reason {
            Reason::Feed => 98_060,
            _ => stats.dropped.of(reason),
        });
        rates.take(&stats, start + Duration::from_secs(2));
        let lines = rates.lines();
        for (wanted, total, now) in [
            (Line::Seen, 120_100, 50.0),
            (Line::Passed, 20_000, 0.0),
            (Line::Dropped(Reason::Feed), 98_060, 30.0),
            (Line::Dropped(Reason::Manual), 1958, 0.0),
            (Line::Limited, 127, 0.0),
        ] {
            let found = line(&lines, wanted);
            assert_eq!((found.total, found.now()), (total, Some(now)), "{wanted:?}");
        }
        let unseen = |it: &Rated| it.line == Line::Dropped(Reason::Dnsbl);
        assert!(!lines.iter().any(unseen), "what never was is not shown");
        let (passed, dropped) = rates.shares().unwrap();
        assert!((passed - 0.4).abs() < 1e-9 && (dropped - 0.6).abs() < 1e-9);
    }

    #[test]
    fn shares_are_of_all_where_nothing_was_seen_lately() {
        let mut stats: Stats = answer(&Method::GET, route::STATS);
        let mut rates = Rates::default();
        assert_eq!(rates.shares(), None);
        let start = Instant::now();
        rates.take(&stats, start);
        rates.take(&stats, start + Duration::from_secs(1));
        let (_, dropped) = rates.shares().unwrap();
        assert!((dropped - (99_958.0 + 127.0) / 120_000.0).abs() < 1e-9);
        stats.seen = 0;
        rates.take(&stats, start + Duration::from_secs(2));
        assert_eq!(rates.shares(), None, "a share of nothing");
    }

    #[test]
    fn history_is_bounded() {
        let stats: Stats = answer(&Method::GET, route::STATS);
        let start = Instant::now();
        let mut rates = Rates::default();
        for second in 0..1000 {
            rates.take(&stats, start + Duration::from_secs(second));
        }
        assert_eq!(line(&rates.lines(), Line::Seen).history.len(), KEPT);
    }
}
