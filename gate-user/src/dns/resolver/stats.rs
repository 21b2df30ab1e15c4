//! What the resolver has done, counted by lane.

use std::{
    ops::AddAssign,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::Shed;
use crate::latency::{Latency, LatencyCounter};

/// What a resolver has done since it was made, and does now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResolverStats {
    /// All lanes together.
    pub total: Counts,
    /// Each lane, by name.
    pub lanes: Vec<LaneStats>,
    /// Queries that wait for their turn in the line of all lanes.
    pub waiting: usize,
    /// Queries under way.
    pub under_way: u32,
    /// Answers that are kept.
    pub kept: usize,
    /// Whether questions in the background go unasked.
    pub shedding: bool,
}

/// What was done in a lane.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LaneStats {
    /// Its name.
    pub name: String,
    /// Its share: queries in a second.
    pub per_second: u32,
    /// Queries that wait for their turn in its line.
    pub waiting: usize,
    /// What was done.
    pub counts: Counts,
}

/// What was done.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Questions that were put to the resolver.
    pub questions: u64,
    /// Of these, answered from what was kept.
    pub cached: u64,
    /// Of these, answered together with one that was under way already.
    pub joined: u64,
    /// Of these, not asked because of the limit over all lanes: queries in a second.
    pub shed_per_second: u64,
    /// Of these, not asked because of the lane's own limit.
    pub shed_per_zone: u64,
    /// Of these, not asked because too many queries were under way.
    pub shed_concurrency: u64,
    /// Of these, not asked because of a flood.
    pub shed_flood: u64,
    /// Queries that were sent, repeated ones included.
    pub queries: u64,
    /// Of these, repeated after a failure.
    pub retries: u64,
    /// Of these, over TCP.
    pub tcp: u64,
    /// Of these, without a reply in time.
    pub timeouts: u64,
    /// Questions asked that came to records.
    pub found: u64,
    /// Questions asked that came to nothing.
    pub nothing: u64,
    /// Questions asked that nobody could answer.
    pub failed: u64,
    /// How long replies took.
    pub latency: Latency,
}

impl AddAssign<&Self> for Counts {
    fn add_assign(&mut self, other: &Self) {
        self.questions += other.questions;
        self.cached += other.cached;
        self.joined += other.joined;
        self.shed_per_second += other.shed_per_second;
        self.shed_per_zone += other.shed_per_zone;
        self.shed_concurrency += other.shed_concurrency;
        self.shed_flood += other.shed_flood;
        self.queries += other.queries;
        self.retries += other.retries;
        self.tcp += other.tcp;
        self.timeouts += other.timeouts;
        self.found += other.found;
        self.nothing += other.nothing;
        self.failed += other.failed;
        self.latency += &other.latency;
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a lane counts.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) questions: Counter,
    pub(super) cached: Counter,
    pub(super) joined: Counter,
    per_second: Counter,
    per_zone: Counter,
    concurrency: Counter,
    flood: Counter,
    pub(super) queries: Counter,
    pub(super) retries: Counter,
    pub(super) tcp: Counter,
    pub(super) timeouts: Counter,
    pub(super) found: Counter,
    pub(super) nothing: Counter,
    pub(super) failed: Counter,
    latency: LatencyCounter,
}

impl Counters {
    pub(super) fn shed(&self, shed: Shed) {
        match shed {
            Shed::PerSecond => &self.per_second,
            Shed::PerZone => &self.per_zone,
            Shed::Concurrency => &self.concurrency,
            Shed::Flood => &self.flood,
        }
        .count();
    }

    pub(super) fn took(&self, time: Duration) {
        self.latency.took(time);
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            questions: self.questions.get(),
            cached: self.cached.get(),
            joined: self.joined.get(),
            shed_per_second: self.per_second.get(),
            shed_per_zone: self.per_zone.get(),
            shed_concurrency: self.concurrency.get(),
            shed_flood: self.flood.get(),
            queries: self.queries.get(),
            retries: self.retries.get(),
            tcp: self.tcp.get(),
            timeouts: self.timeouts.get(),
            found: self.found.get(),
            nothing: self.nothing.get(),
            failed: self.failed.get(),
            latency: self.latency.counted(),
        }
    }
}
