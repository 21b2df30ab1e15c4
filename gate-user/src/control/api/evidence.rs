//! Evidence on the wire: what comes in, what is on record, and how a score came about.

use std::net::IpAddr;

use gate_common::Reason;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, HistoryEntry, Listing};
use crate::{evidence::Component, network::Network};

/// Body of `POST /v1/evidence`: what was seen of sources, by a program that knows.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The records. One that is bad loses no other.
    pub records: Vec<EvidenceRecord>,
}

/// One record of evidence.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRecord {
    /// The address that connected.
    pub address: IpAddr,
    /// What was seen.
    pub kind: EvidenceKind,
    /// When; now if absent.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// Of how many messages; 1 if absent.
    #[serde(default = "one")]
    pub count: u32,
    /// Who says so.
    pub from: String,
    /// What the same record has in common with its repetition, which counts nothing; if absent,
    /// two records are two.
    #[serde(default)]
    pub id: Option<String>,
}

fn one() -> u32 {
    1
}

/// What was seen of a source.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceKind {
    /// Somebody complained of its mail.
    Complaint,
    /// Its mail came to a spam trap.
    Trap,
    /// The filter called its mail spam.
    Spam,
    /// The filter called its mail good.
    Ham,
    /// Bounces to its mail could not be delivered.
    Bounce,
}

impl EvidenceKind {
    /// The name used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::Trap => "trap",
            Self::Spam => "spam",
            Self::Ham => "ham",
            Self::Bounce => "bounce",
        }
    }
}

/// Answer of `POST /v1/evidence`: what became of the records. They are stored.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct EvidenceTaken {
    /// Records that are new.
    pub taken: u64,
    /// Records that were there before, and count once.
    pub repeated: u64,
    /// Records that are not taken.
    pub refused: Vec<EvidenceRefused>,
    /// Listings of sources that are new, or last longer now.
    pub listed: Vec<Listing>,
}

/// A record that is not taken.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct EvidenceRefused {
    /// Its place in the request, from 0.
    pub record: usize,
    /// Why.
    pub why: String,
}

/// The query of `GET /v1/complaints`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ComplaintsQuery {
    /// Of this network alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Of mail that came since then alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// At most so many; 0 or absent for all.
    pub limit: u32,
}

/// Answer of `GET /v1/complaints`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Complaints {
    /// Those on record one by one, that is of the last week: the last to come in first.
    pub complaints: Vec<ComplaintOnRecord>,
}

/// A complaint on record.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ComplaintOnRecord {
    /// When the mail arrived.
    pub at: Timestamp,
    /// The address that it came from.
    pub address: IpAddr,
    /// Who complained.
    pub reporter: String,
    /// Of how many messages.
    pub incidents: u32,
    /// Whether a spam trap was hit.
    pub trap: bool,
}

/// Answer of `GET /v1/explain`, whose query is a [`CheckQuery`](super::CheckQuery).
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Explanation {
    /// What `GET /v1/check` answers.
    pub check: Check,
    /// What is scored: the address, or the /64 of an IPv6 address.
    pub source: Network,
    /// The score now, 0 (worst) to 100.
    pub score: u8,
    /// Below this a source is listed.
    pub minimum: u8,
    /// What the source is to be listed for by its score; `null` for nothing.
    pub reason: Option<Reason>,
    /// What the score is made of: 50, and the points of these.
    pub components: Vec<Component>,
    /// What is on record.
    pub evidence: Vec<EvidenceOnRecord>,
    /// What mail servers told of it within a week; no score knows of it.
    pub traffic: Traffic,
    /// Listings and allow entries of exactly the source, past and present, the latest first.
    pub history: Vec<HistoryEntry>,
    /// What DNS said of the source when it was last asked; `null` if that is not on record.
    pub dns: Option<super::DnsFinding>,
    /// The networks around it that are rolled up, or may be.
    pub rollup: Vec<RollupState>,
    /// How each listing that covers the address ends.
    pub way_out: Vec<WayOut>,
}

/// What mail servers told of a source within a week.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Traffic {
    /// Connections of which something was let through.
    pub connections: u64,
    /// Messages that were let through.
    pub messages: u64,
    /// Recipients that were let through.
    pub recipients: u64,
    /// Requests of mail servers that were answered with a refusal.
    pub refused: u64,
}

/// Evidence of one kind and age.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct EvidenceOnRecord {
    /// The kind.
    pub kind: EvidenceKind,
    /// Its age: `day`, `week` or `older`.
    pub age: Age,
    /// Of how many messages.
    pub count: u64,
    /// When the last of it was seen; where only a sum is left, when that began.
    pub last: Timestamp,
}

/// How old evidence is.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Age {
    /// Up to a day.
    Day,
    /// Up to a week.
    Week,
    /// More.
    Older,
}

/// How a network stands that is rolled up, or may be.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct RollupState {
    /// The network.
    pub network: Network,
    /// Its sources that are listed for spam; counted up to `needed`.
    pub listed: usize,
    /// Those of them whose listing began within the window.
    pub recent: usize,
    /// How many it takes; `null` if networks of its width are not rolled up any more.
    pub needed: Option<usize>,
    /// Whether it is rolled up.
    pub rolled_up: bool,
    /// Why it is not rolled up although enough of its sources are listed.
    pub objection: Option<String>,
}

/// How a listing ends.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct WayOut {
    /// What is listed.
    pub network: Network,
    /// Why.
    pub reason: Reason,
    /// What a removal request would be answered now.
    pub decision: crate::removal::Decision,
    /// Why, and what would have to change.
    pub why: String,
}

/// Body of `POST /v1/rollup`: look at every network that may be rolled up.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RollUp {
    /// Only tell.
    pub dry_run: bool,
}

/// Answer of `POST /v1/rollup`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct RolledUp {
    /// Networks that are to be listed: with `dry_run` they are not yet.
    pub entered: Vec<Network>,
    /// Networks whose rollup is to end.
    pub left: Vec<Network>,
    /// How each network stands that is rolled up, or has half of the sources that it takes.
    pub networks: Vec<RollupState>,
}
