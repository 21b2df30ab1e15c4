//! What DNS says of an address, on the wire.

use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Listing;
use crate::{
    dns::class::{Confidence, NameClass},
    evidence::{Finding, Standing},
};

/// Body of `POST /v1/lookup`: ask DNS about an address now.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The address.
    pub address: IpAddr,
}

/// Answer of `POST /v1/lookup`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct LookedUp {
    /// What is known now: what could not be told is what was known before.
    pub dns: DnsFinding,
    /// The listings of exactly its source that rest on it.
    pub listings: Vec<Listing>,
}

/// How much DNS was asked since the daemon started.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct LookupCounts {
    /// Sources and networks that wait for their turn.
    pub waiting: u64,
    /// Those that were asked about.
    pub asked: u64,
    /// Those that were passed over, because too many waited.
    pub skipped: u64,
    /// Those of which nothing could be told.
    pub unanswered: u64,
    /// Queries that were sent.
    pub queries: u64,
}

/// What DNS said of an address when it was last asked.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct DnsFinding {
    /// The address that was asked about; of an IPv6 source the last.
    pub address: IpAddr,
    /// When.
    pub at: Timestamp,
    /// Its reverse name; `null` if it could not be told.
    pub ptr: Option<PtrFinding>,
    /// The answers of DNSBLs, those that do not list it among them.
    pub dnsbl: Vec<DnsblFinding>,
}

/// How an address stands with its name.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PtrState {
    /// There is no PTR.
    Missing,
    /// The PTR's name does not resolve back.
    Forged,
    /// It does.
    Confirmed,
}

/// A reverse name.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PtrFinding {
    /// How the address stands with it.
    pub state: PtrState,
    /// The name; `null` if there is none.
    pub name: Option<String>,
    /// What it tells; `null` unless it is confirmed.
    pub class: Option<NameClass>,
    /// How sure that is: a hint (`low`) lists nobody; `null` unless it is confirmed.
    pub confidence: Option<Confidence>,
    /// By what; `null` unless it is confirmed.
    pub evidence: Option<String>,
    /// When it was told.
    pub at: Timestamp,
}

/// What a DNSBL answered.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct DnsblFinding {
    /// Its public name.
    pub list: String,
    /// Whether it lists the address.
    pub listed: bool,
    /// The addresses that it answered; none where it does not list the address.
    pub codes: Vec<Ipv4Addr>,
    /// What its answer weighs towards the threshold.
    pub weight: i16,
    /// Why it lists the address, in its own words; `null` unless the lists together list it.
    pub text: Option<String>,
    /// Whether an operator has overridden it here: then it counts nothing.
    pub overridden: bool,
    /// When it was told.
    pub at: Timestamp,
}

impl From<Finding> for DnsFinding {
    fn from(finding: Finding) -> Self {
        let ptr = finding.reverse.map(|reverse| {
            let (state, name, told) = match reverse.standing {
                Standing::Missing => (PtrState::Missing, None, None),
                Standing::Forged { name } => (PtrState::Forged, Some(name), None),
                Standing::Confirmed {
                    name,
                    class,
                    confidence,
                    evidence,
                    ..
                } => {
                    let told = (class, confidence, evidence);
                    (PtrState::Confirmed, Some(name), Some(told))
                }
            };
            PtrFinding {
                state,
                name: name.map(|name| name.to_string()),
                class: told.as_ref().map(|told| told.0),
                confidence: told.as_ref().map(|told| told.1),
                evidence: told.map(|told| told.2.to_string()),
                at: reverse.at,
            }
        });
        let answers = finding.answers.into_iter();
        Self {
            address: finding.address,
            at: finding.at,
            ptr,
            dnsbl: answers
                .map(|one| DnsblFinding {
                    list: one.list.to_string(),
                    listed: !one.codes.is_empty(),
                    codes: one.codes,
                    weight: one.weight,
                    text: one.text.map(|text| text.to_string()),
                    overridden: one.overridden,
                    at: one.at,
                })
                .collect(),
        }
    }
}
