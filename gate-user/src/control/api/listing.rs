//! Listings and allow entries, how they are asked for, and what became of them.

use gate_common::Reason;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Term;
use crate::{book::Origin, network::Network};

/// A listing in force.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Listing {
    /// Its number in the store.
    pub id: i64,
    /// What is listed.
    pub network: Network,
    /// Why.
    pub reason: Reason,
    /// By whom.
    pub origin: Origin,
    /// When it began.
    pub since: Timestamp,
    /// When it ends by itself; `null` for never.
    pub expires: Option<Timestamp>,
    /// The operator's words, or the feed's.
    pub comment: Option<String>,
    /// What it rests on, in one line.
    pub evidence: Option<String>,
}

/// An allow entry in force.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct AllowEntry {
    /// What always passes.
    pub network: Network,
    /// By whom: `operator` or `config`.
    pub origin: Origin,
    /// When it began.
    pub since: Timestamp,
    /// When it ends by itself; `null` for never.
    pub expires: Option<Timestamp>,
    /// The operator's words.
    pub comment: Option<String>,
}

/// Which listings or allow entries are asked for: those that meet every condition given.
/// The query of `GET /v1/listings` and `GET /v1/allowed`.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Of this reason (listings alone).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Of this origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Whose network covers all of this one (or holds this address).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<Network>,
    /// Whose network lies in this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Network>,
    /// Which began at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// At most so many, the first in the order of networks; 0 or absent for all.
    #[serde(default)]
    pub limit: usize,
}

/// Answer of `GET /v1/listings`, in the order of networks.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Listings {
    /// How many meet the filter; more than are shown if there was a limit.
    pub total: usize,
    /// They.
    pub listings: Vec<Listing>,
}

/// Answer of `GET /v1/allowed`, in the order of networks.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct AllowEntries {
    /// How many meet the filter; more than are shown if there was a limit.
    pub total: usize,
    /// They.
    pub allowed: Vec<AllowEntry>,
}

/// The query of `GET /v1/history`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    /// The network asked for.
    pub network: Network,
    /// At most so many entries, the latest; 0 or absent for all.
    #[serde(default)]
    pub limit: usize,
}

/// Answer of `GET /v1/history`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct History {
    /// The network asked for.
    pub network: Network,
    /// Every listing and allow entry, past and present, of this network, of those that cover it
    /// and of those in it; the latest first.
    pub entries: Vec<HistoryEntry>,
}

/// The query of `GET /v1/history/latest`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatestQuery {
    /// At most so many entries; 20 if absent, 1000 are the most.
    pub limit: u32,
}

impl Default for LatestQuery {
    fn default() -> Self {
        Self { limit: 20 }
    }
}

/// Answer of `GET /v1/history/latest`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Latest {
    /// The listings and allow entries that began last, whatever became of them; the latest first.
    pub entries: Vec<HistoryEntry>,
}

/// A listing or an allow entry, past or present.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct HistoryEntry {
    /// The network.
    pub network: Network,
    /// Whether this was an allow entry.
    pub allow: bool,
    /// Why it was listed; `null` for an allow entry.
    pub reason: Option<Reason>,
    /// By whom.
    pub origin: Origin,
    /// How it began, was renewed and ended.
    #[serde(flatten)]
    pub term: Term,
    /// The operator's words, or the feed's.
    pub comment: Option<String>,
    /// What it rested on, in one line.
    pub evidence: Option<String>,
}
