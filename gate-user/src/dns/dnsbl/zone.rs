//! One zone at work: it is asked, tested and controlled, and what that shows is kept in its record.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::{sync::Notify, time::timeout_at};

use super::{
    breaker::{self, Breaker, Limits},
    health::{Change, Health, State, Test, Timing, Why},
    question,
    rate::Rate,
    says::Says,
    verdict::{NoAnswer, Word, ZoneLists},
};
use crate::{
    config::{DnsblConfig, Family, ListName},
    dns::{
        name::Name,
        resolver::{Answer, Failure, Lane, Nothing, Resolver, Urgency},
    },
    network::Network,
};

/// A zone, its share of the budget, and its record.
#[derive(Clone, Debug)]
pub(super) struct ZoneAtWork {
    pub(super) lists: ZoneLists,
    /// What it is called in the log: the name of its first list.
    pub(super) name: ListName,
    pub(super) lane: Lane,
    pub(super) record: Arc<Record>,
    /// Wakes whoever tests it: its next test is due sooner than before.
    pub(super) wake: Arc<Notify>,
}

/// What is known of a zone; it outlives a reload.
#[derive(Debug)]
pub(super) struct Record {
    kept: Mutex<Kept>,
    /// Held by whoever controls the zone, so that nobody else does at the same time: when that came
    /// to nothing last.
    controlling: tokio::sync::Mutex<Option<Instant>>,
}

/// What is kept of a zone.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) health: Health,
    pub(super) breaker: Breaker,
    pub(super) counts: Counts,
    pub(super) rate: Rate,
}

/// What became of the look-ups of sources.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Answered, one way or the other.
    pub(super) answered: u64,
    /// Nobody could say.
    pub(super) failed: u64,
    /// The budget did not allow it.
    pub(super) not_asked: u64,
    /// Listed, by list.
    pub(super) listed: BTreeMap<ListName, u64>,
}

impl Record {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            kept: Mutex::new(Kept {
                health: Health::new(now),
                breaker: Breaker::default(),
                counts: Counts::default(),
                rate: Rate::new(now),
            }),
            controlling: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ZoneAtWork {
    /// Why it is not to be asked about sources, if it is not.
    pub(super) fn out_of_service(&self) -> Option<NoAnswer> {
        match self.record.kept().health.state() {
            State::InService { .. } => None,
            State::Untested => Some(NoAnswer::Untested),
            State::Held { why, .. } => Some(NoAnswer::Held(why)),
        }
    }

    /// Asks it about `address`, if it is in service; what it lists only counts if it does not list
    /// what nobody lists. What has not come at `until` is no answer in time.
    pub(super) async fn word(
        &self,
        address: IpAddr,
        urgency: Urgency,
        until: Instant,
        resolver: &Resolver,
        config: &DnsblConfig,
    ) -> Word {
        if let Some(no_answer) = self.out_of_service() {
            return Err(no_answer);
        }
        let says = self.look_up(address, urgency, resolver);
        let says = timeout_at(until.into(), says).await;
        let says = says.unwrap_or(Says::Failed(Failure::Timeout));
        self.count(&says, config);
        match says {
            Says::Astray(astray) => {
                let why = Why::Astray(astray);
                self.change(|health, now| health.saw(why, now, timing(config)));
                Err(NoAnswer::Held(why))
            }
            Says::Listed(_) => {
                let controlled = timeout_at(until.into(), self.controlled(resolver, config)).await;
                match controlled.unwrap_or(Some(NoAnswer::Uncontrolled)) {
                    None => Ok(says),
                    Some(no_answer) => Err(no_answer),
                }
            }
            Says::Unlisted | Says::Failed(_) | Says::NotAsked(_) => Ok(says),
        }
    }

    /// What it says of `address`, as it stands.
    pub(super) async fn look_up(
        &self,
        address: IpAddr,
        urgency: Urgency,
        resolver: &Resolver,
    ) -> Says {
        let name = question::name(address, &self.lists.zone);
        Says::of(&self.query(&name, urgency, resolver).await)
    }

    async fn query(
        &self,
        name: &str,
        urgency: Urgency,
        resolver: &Resolver,
    ) -> Answer<std::net::Ipv4Addr> {
        resolver.a(&named(name), &self.lane.at(urgency)).await
    }

    fn count(&self, says: &Says, config: &DnsblConfig) {
        let now = Instant::now();
        let mut kept = self.record.kept();
        kept.rate.count(now);
        match says {
            Says::NotAsked(_) => kept.counts.not_asked += 1,
            Says::Failed(_) => {
                kept.counts.failed += 1;
                if kept.health.looked_up(false, now) {
                    self.wake.notify_one();
                }
            }
            Says::Listed(_) | Says::Unlisted | Says::Astray(_) => {
                kept.counts.answered += 1;
                kept.health.looked_up(true, now);
            }
        }
        if let Says::Listed(codes) = says {
            for list in self.lists.met(codes, config) {
                let name = config.lists[list].public_name();
                *kept.counts.listed.entry(name).or_default() += 1;
            }
        }
    }

    /// Takes what it said of `source` into the breaker; returns why it says nothing after all: if
    /// that was one too many, or it was put on hold meanwhile.
    pub(super) fn weigh(
        &self,
        source: Network,
        word: breaker::Word,
        config: &DnsblConfig,
    ) -> Option<NoAnswer> {
        let limits = Limits {
            share: config.breaker_share,
            sources: config.breaker_sources,
        };
        let trip = {
            let mut kept = self.record.kept();
            let in_service = kept.health.in_service();
            in_service.then(|| kept.breaker.take(source, word, Instant::now(), limits))
        };
        if let Some(Some(trip)) = trip {
            let why = Why::Tripped(trip);
            self.change(|health, now| health.saw(why, now, timing(config)));
        }
        self.out_of_service()
    }

    /// Asks for what it must not list, unless that was done a moment ago; returns why what it says
    /// does not count, if it does not.
    async fn controlled(&self, resolver: &Resolver, config: &DnsblConfig) -> Option<NoAnswer> {
        if self.is_controlled(config.control_interval) {
            return None;
        }
        let mut failed = self.record.controlling.lock().await;
        if let Some(no_answer) = self.out_of_service() {
            return Some(no_answer);
        }
        if self.is_controlled(config.control_interval) {
            return None;
        }
        let since = failed.map(|at| at.elapsed());
        if since.is_some_and(|since| since < config.control_interval) {
            // Whoever waits for the same must not wait for it once more.
            return Some(NoAnswer::Uncontrolled);
        }
        let test = self.must_not_list(resolver).await;
        self.change(|health, now| health.control(test, now, timing(config)));
        match test {
            Test::Passed => None,
            Test::Failed(_) | Test::NotAsked => {
                *failed = Some(Instant::now());
                Some(self.out_of_service().unwrap_or(NoAnswer::Uncontrolled))
            }
        }
    }

    fn is_controlled(&self, within: Duration) -> bool {
        let kept = self.record.kept();
        kept.health.controlled(Instant::now(), within)
    }

    /// Asks its test points (RFC 5782 section 5) and takes what that shows.
    pub(super) async fn test(&self, resolver: &Resolver, config: &DnsblConfig) {
        let must_list = async {
            if !self.lists.test_points {
                return Test::Passed;
            }
            let families = self.lists.families.iter();
            let points = families.map(|&family| self.listed_point(family, resolver));
            worst(join_all(points).await)
        };
        let (must, must_not) = tokio::join!(must_list, self.must_not_list(resolver));
        let test = worst([must_not, must]);
        if let (Test::Failed(why), Some(NoAnswer::Untested)) = (test, self.out_of_service()) {
            tracing::warn!(list = %self.name, %why, "refused DNSBL at its first test");
        }
        self.change(|health, now| health.test(test, now, timing(config)));
    }

    async fn must_not_list(&self, resolver: &Resolver) -> Test {
        let families = self.lists.families.iter();
        let points = families.map(|&family| self.unlisted_point(family, resolver));
        let (points, probe) = tokio::join!(join_all(points), self.probe(resolver));
        worst(points.into_iter().chain([probe]))
    }

    async fn listed_point(&self, family: Family, resolver: &Resolver) -> Test {
        let point = question::listed_point(family);
        match self.look_up(point, Urgency::Door, resolver).await {
            Says::Listed(_) => Test::Passed,
            Says::Unlisted => Test::Failed(Why::MissesTestPoint(point)),
            other => no_word(&other),
        }
    }

    async fn unlisted_point(&self, family: Family, resolver: &Resolver) -> Test {
        let point = question::unlisted_point(family);
        match self.look_up(point, Urgency::Door, resolver).await {
            Says::Listed(_) => Test::Failed(Why::ListsTestPoint(point)),
            Says::Unlisted => Test::Passed,
            other => no_word(&other),
        }
    }

    async fn probe(&self, resolver: &Resolver) -> Test {
        let name = question::probe(&self.lists.zone);
        let answer = self.query(&name, Urgency::Door, resolver).await;
        let exists = Nothing::NoData;
        match (Says::of(&answer), answer) {
            (Says::Listed(_), _) => Test::Failed(Why::ListsProbe),
            (_, Answer::Nothing { what, .. }) if what == exists => Test::Failed(Why::HasProbe),
            (Says::Unlisted, _) => Test::Passed,
            (other, _) => no_word(&other),
        }
    }

    /// Changes its health, and tells what that changes.
    fn change(&self, change: impl FnOnce(&mut Health, Instant) -> Option<Change>) {
        let changed = {
            let mut kept = self.record.kept();
            let due = kept.health.due();
            let changed = change(&mut kept.health, Instant::now());
            if kept.health.due() < due {
                self.wake.notify_one();
            }
            if changed.is_some() {
                // What it said before speaks neither for nor against it any more.
                kept.breaker.clear();
            }
            changed
        };
        let name = &self.name;
        match changed {
            Some(Change::Held(why)) => tracing::warn!(list = %name, %why, "held DNSBL"),
            Some(Change::Returned) => tracing::info!(list = %name, "returned DNSBL to service"),
            None => {}
        }
    }
}

/// The name to ask for: a zone's length is such that one fits before it.
pub(super) fn named(name: &str) -> Name {
    name.parse()
        .expect("a zone is a name, with room for an address before it")
}

fn timing(config: &DnsblConfig) -> Timing {
    Timing {
        interval: config.health_interval,
        pause: config.breaker_pause,
    }
}

/// What is no word on whether a point is listed.
fn no_word(says: &Says) -> Test {
    match says {
        Says::Astray(astray) => Test::Failed(Why::Astray(*astray)),
        Says::Failed(failure) => Test::Failed(Why::Silent(*failure)),
        Says::NotAsked(_) | Says::Listed(_) | Says::Unlisted => Test::NotAsked,
    }
}

/// The worst of several: what proves that the zone is no good, what speaks against it, what was not
/// asked.
fn worst(tests: impl IntoIterator<Item = Test>) -> Test {
    let severity = |test: &Test| match test {
        Test::Passed => 0,
        Test::NotAsked => 1,
        Test::Failed(why) if !why.proves() => 2,
        Test::Failed(_) => 3,
    };
    let mut worst = Test::Passed;
    for test in tests {
        if severity(&test) > severity(&worst) {
            worst = test;
        }
    }
    worst
}
