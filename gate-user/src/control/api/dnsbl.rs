//! `dnsbl`: how the DNS block lists stand, and what they say of an address.

use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    config::Family,
    dns::dnsbl::{ListHealth, ListStatus, Tested, TestedList},
};

/// Answer of `GET /v1/dnsbl`, in the order of the configuration.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct DnsblLists {
    /// The lists.
    pub lists: Vec<DnsblList>,
}

/// Whether a list is asked about sources.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsblHealth {
    /// Not yet: no test has told anything.
    Untested,
    /// It is.
    InService,
    /// It is not.
    OnHold,
}

/// How one list stands.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct DnsblList {
    /// Its public name.
    pub name: String,
    /// Which codes count; `null` for all.
    pub filter: Option<String>,
    /// What being on it weighs; below 0 where it lists good sources.
    pub weight: i16,
    /// Whether it may list without a second list's word.
    pub trusted: bool,
    /// What it is asked about.
    pub families: Vec<Family>,
    /// Whether it is asked about sources.
    pub health: DnsblHealth,
    /// Since when it stands so; `null` if it is untested.
    pub since: Option<Timestamp>,
    /// Why it is on hold; `null` if it is not.
    pub why: Option<String>,
    /// When it was tested last; `null` if not yet.
    pub tested: Option<Timestamp>,
    /// What was wrong then; `null` if nothing.
    pub failed_test: Option<String>,
    /// When it is tested next.
    pub next_test: Timestamp,
    /// Look-ups of sources in the last minute.
    pub per_minute: u64,
    /// Look-ups of sources since the start that were answered.
    pub answered: u64,
    /// Of these, how many are on this list.
    pub listed: u64,
    /// Look-ups that nobody could answer.
    pub failed: u64,
    /// Look-ups that the budget did not allow.
    pub not_asked: u64,
    /// Of the latest distinct sources, how many its zone lists.
    pub latest_listed: u64,
    /// How many those are.
    pub latest_sources: u64,
    /// Questions put to its zone since the start, tests included.
    pub questions: u64,
    /// Of these, how many the cache answered.
    pub cached: u64,
    /// How long an answer takes in the mean, in microseconds; `null` without an answer.
    pub latency_us: Option<u64>,
}

impl From<ListStatus> for DnsblList {
    fn from(status: ListStatus) -> Self {
        let (health, since, why) = match status.health {
            ListHealth::Untested => (DnsblHealth::Untested, None, None),
            ListHealth::InService(since) => (DnsblHealth::InService, Some(since), None),
            ListHealth::Held { why, since, .. } => (DnsblHealth::OnHold, Some(since), Some(why)),
        };
        let (latest_listed, latest_sources) = status.latest;
        let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).ok();
        Self {
            name: status.name.to_string(),
            filter: status.filter,
            weight: status.weight,
            trusted: status.trusted,
            families: status.families,
            health,
            since,
            why,
            tested: status.tested,
            failed_test: status.failed_test,
            next_test: status.next_test,
            per_minute: status.per_minute,
            answered: status.answered,
            listed: status.listed,
            failed: status.failed,
            not_asked: status.not_asked,
            latest_listed,
            latest_sources,
            questions: status.questions,
            cached: status.cached,
            latency_us: status.latency.and_then(micros),
        }
    }
}

/// Answer of `GET /v1/dnsbl/test`: what each list says of an address.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct DnsblTest {
    /// The address.
    pub address: IpAddr,
    /// Whether that lists it.
    pub listed: bool,
    /// The sum of the weights of the lists that count.
    pub sum: i32,
    /// The threshold that it is held against.
    pub threshold: i32,
    /// What each list says, in the order of the configuration.
    pub lists: Vec<DnsblAnswer>,
}

/// What one list says of an address.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct DnsblAnswer {
    /// Its public name.
    pub name: String,
    /// Whether it lists the address and counts.
    pub counts: bool,
    /// The codes that its zone answers.
    pub codes: Vec<Ipv4Addr>,
    /// What being on it weighs.
    pub weight: i16,
    /// Why it says nothing, or does not count; `null` if it answers and is in service.
    pub problem: Option<String>,
    /// Its reason; `null` if it has none to give.
    pub text: Option<String>,
}

impl From<Tested> for DnsblTest {
    fn from(tested: Tested) -> Self {
        Self {
            address: tested.address,
            listed: tested.listed,
            sum: tested.sum,
            threshold: tested.threshold,
            lists: tested.lists.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<TestedList> for DnsblAnswer {
    fn from(list: TestedList) -> Self {
        Self {
            name: list.name.to_string(),
            counts: list.counts,
            codes: list.codes,
            weight: list.weight,
            problem: list.problem,
            text: list.text,
        }
    }
}
