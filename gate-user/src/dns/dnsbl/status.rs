//! How each list stands, for the operator. No zone shows, only public names.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    health::{State, Test},
    zone::ZoneAtWork,
};
use crate::{
    clock::second_down,
    config::{DnsblConfig, Family, ListName},
};

/// How a list stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListStatus {
    /// Its public name.
    pub name: ListName,
    /// Which codes count; `None` for all.
    pub filter: Option<String>,
    /// What being on it weighs.
    pub weight: i16,
    /// Whether it may list without a second list's word.
    pub trusted: bool,
    /// What it is asked about.
    pub families: Vec<Family>,
    /// Whether it is asked.
    pub health: ListHealth,
    /// When it was tested last; `None` if not yet.
    pub tested: Option<Timestamp>,
    /// What was wrong then; `None` if nothing.
    pub failed_test: Option<String>,
    /// When it is tested next.
    pub next_test: Timestamp,
    /// Look-ups of sources in the last minute, answered from the cache or not.
    pub per_minute: u64,
    /// Look-ups of sources since the start: answered, ...
    pub answered: u64,
    /// ... failed, ...
    pub failed: u64,
    /// ... and not asked, because the budget did not allow it.
    pub not_asked: u64,
    /// How many of those answered are on this list.
    pub listed: u64,
    /// Of the latest distinct sources, how many its zone lists, of how many.
    pub latest: (u64, u64),
    /// Questions put to its zone since the start, tests included, and how many of them were answered
    /// from the cache.
    pub questions: u64,
    /// See `questions`.
    pub cached: u64,
    /// How long its zone takes to answer, in the mean; `None` without an answer.
    pub latency: Option<Duration>,
}

/// Whether a list is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ListHealth {
    /// Not yet: no test has told anything.
    Untested,
    /// It is, since then.
    InService(Timestamp),
    /// It is not.
    Held {
        /// Why: a phrase that begins with a verb.
        why: String,
        /// Since when.
        since: Timestamp,
        /// From when on what it said is not to be believed, if it lists everybody: a minute before
        /// the first of the sources for which the breaker tripped, or since its test points were
        /// last in order, but for a health interval at least. It stays so while the list is on hold.
        doubted: Option<Timestamp>,
    },
}

/// What a list says of an address that an operator asks about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tested {
    /// The address.
    pub address: IpAddr,
    /// Each list, in the order of the configuration.
    pub lists: Vec<TestedList>,
    /// The sum of the weights of those that count.
    pub sum: i32,
    /// The threshold that it is held against.
    pub threshold: i32,
    /// Whether that lists it.
    pub listed: bool,
}

/// What one list says of an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TestedList {
    /// Its public name.
    pub name: ListName,
    /// The codes that its zone answers, those that its filter leaves out too.
    pub codes: Vec<std::net::Ipv4Addr>,
    /// Whether it lists the address, and is in service.
    pub counts: bool,
    /// What that weighs, or would.
    pub weight: i16,
    /// Why it says nothing, or why what it says does not count; `None` if it is in service and
    /// answers.
    pub problem: Option<String>,
    /// Its reason, as its TXT record has it.
    pub text: Option<String>,
}

/// How the lists of a zone stand.
pub(super) fn of_zone(
    zone: &ZoneAtWork,
    config: &DnsblConfig,
) -> impl Iterator<Item = (usize, ListStatus)> {
    let now = Instant::now();
    let clock = Timestamp::now();
    let time = |at: Instant| wall(at, now, clock);
    let mut kept = zone.record.kept();
    let counts = kept.counts.clone();
    let health = match kept.health.state() {
        State::Untested => ListHealth::Untested,
        State::InService { since } => ListHealth::InService(time(since)),
        State::Held {
            why,
            since,
            doubted,
        } => ListHealth::Held {
            why: why.to_string(),
            since: time(since),
            doubted: doubted.map(time),
        },
    };
    let last = kept.health.last();
    let failed_test = last.and_then(|(_, test)| match test {
        Test::Passed => None,
        Test::Failed(why) => Some(why.to_string()),
        Test::NotAsked => Some("was not tested: the budget did not allow it".to_owned()),
    });
    let latest = kept.breaker.latest();
    let next_test = time(kept.health.due());
    let per_minute = kept.rate.per_minute(now);
    drop(kept);
    let lane = zone.lane.stats().counts;
    let status = move |&list: &usize| {
        let configured = &config.lists[list];
        let name = configured.public_name();
        let status = ListStatus {
            filter: configured.site.filter.as_ref().map(ToString::to_string),
            weight: configured.site.weight,
            trusted: configured.trusted,
            families: configured.families.clone(),
            health: health.clone(),
            tested: last.map(|(at, _)| wall(at, now, clock)),
            failed_test: failed_test.clone(),
            next_test,
            per_minute,
            answered: counts.answered,
            failed: counts.failed,
            not_asked: counts.not_asked,
            listed: counts.listed.get(&name).copied().unwrap_or(0),
            latest,
            questions: lane.questions,
            cached: lane.cached,
            latency: lane.latency.mean(),
            name,
        };
        (list, status)
    };
    zone.lists.lists.iter().map(status)
}

/// The time of day, to the second, at `at`, where it is `clock` at `now`.
fn wall(at: Instant, now: Instant, clock: Timestamp) -> Timestamp {
    let time = match at.checked_duration_since(now) {
        Some(ahead) => clock.checked_add(ahead),
        None => clock.checked_sub(now.saturating_duration_since(at)),
    };
    second_down(time.unwrap_or(clock))
}
