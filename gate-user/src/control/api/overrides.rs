//! Overrides of DNSBLs: what is asked of them, and what they answer.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Term, span};
use crate::{book::Origin, config::ListName, network::Network};

/// An override that is in force: what a DNSBL says of the network does not count.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Override {
    /// Its number in the store.
    pub id: i64,
    /// The network.
    pub network: Network,
    /// The public name of the list; `null` for every one.
    pub list: Option<ListName>,
    /// By whom.
    pub origin: Origin,
    /// When it began.
    pub since: Timestamp,
    /// When it ends by itself; `null` for never.
    pub expires: Option<Timestamp>,
    /// The operator's words.
    pub comment: Option<String>,
}

/// Body of `POST /v1/dnsbl/overrides`: let what a DNSBL says of a network not count, origin
/// `operator`. The same network and list in force is renewed.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SetOverride {
    /// The network.
    pub network: Network,
    /// The public name of the list; every one if absent.
    #[serde(default)]
    pub list: Option<ListName>,
    /// How long; for good if absent.
    #[serde(rename = "for", default, with = "span")]
    #[schemars(with = "Option<String>")]
    pub duration: Option<Duration>,
    /// The operator's words.
    #[serde(default)]
    pub comment: Option<String>,
    /// Also if the network is wider than /8 (IPv6: /16).
    #[serde(default)]
    pub force: bool,
}

/// Answer of `POST /v1/dnsbl/overrides`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct OverrideSet {
    /// The override as it stands now.
    pub entry: Override,
    /// Whether it was in force before and was renewed.
    pub renewed: bool,
}

/// Body of `POST /v1/dnsbl/overrides/end`: end the overrides of exactly this network.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EndOverride {
    /// The network.
    pub network: Network,
    /// Only that of this list; all of the network if absent.
    #[serde(default)]
    pub list: Option<ListName>,
}

/// Answer of `POST /v1/dnsbl/overrides/end`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct OverridesEnded {
    /// The overrides that were ended.
    pub ended: Vec<Override>,
}

/// Answer of `GET /v1/dnsbl/overrides`, in the order of networks.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Overrides {
    /// Every override in force.
    pub overrides: Vec<Override>,
}

/// The query of `GET /v1/dnsbl/overrides/history`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideHistoryQuery {
    /// Of exactly this network; of all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// At most so many, the latest; 0 or absent for all.
    #[serde(default)]
    pub limit: u32,
}

/// Answer of `GET /v1/dnsbl/overrides/history`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct OverrideHistory {
    /// Every override, past and present; the latest first.
    pub entries: Vec<PastOverride>,
}

/// An override, past or present.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PastOverride {
    /// The network.
    pub network: Network,
    /// The public name of the list; `null` for every one.
    pub list: Option<ListName>,
    /// By whom.
    pub origin: Origin,
    /// How it began, was renewed and ended.
    #[serde(flatten)]
    pub term: Term,
    /// The operator's words.
    pub comment: Option<String>,
}
