//! Removal requests on the wire.

use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::removal::Decision;

/// The longest contact of a removal request, in bytes: an address of mail (RFC 5321 section
/// 4.5.3.1.3, less its brackets).
pub const MAX_CONTACT: usize = 254;

/// Body of `POST /v1/removals`: ask that an address be no longer listed.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RemovalRequest {
    /// The address.
    pub address: IpAddr,
    /// How whoever asks is reached.
    #[serde(default)]
    pub contact: Option<String>,
    /// What they say.
    #[serde(default)]
    pub note: Option<String>,
}

/// Body of `POST /v1/removals/decide`: the postmaster's word.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DecideRemoval {
    /// The request.
    pub id: i64,
    /// Whether it is granted.
    pub grant: bool,
}

/// The query of `GET /v1/removals`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RemovalsQuery {
    /// This request alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Those of this decision alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// At most so many; 0 or absent for all.
    pub limit: u32,
}

/// Answer of `GET /v1/removals`: the latest first.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Removals {
    /// They.
    pub removals: Vec<Removal>,
}

/// A removal request, and what became of it: an element of [`Removals`], and the answer of
/// `POST /v1/removals` and `POST /v1/removals/decide`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Removal {
    /// Its number.
    pub id: i64,
    /// When it was made.
    pub at: Timestamp,
    /// The address.
    pub address: IpAddr,
    /// How whoever asked is reached.
    pub contact: Option<String>,
    /// What they said.
    pub note: Option<String>,
    /// Who gave it to the daemon.
    pub asked_by: String,
    /// What was decided.
    pub decision: Decision,
    /// For each listing what was decided and why.
    pub explanation: Vec<String>,
    /// The score that decided.
    pub score: u8,
    /// What it was made of, in one line.
    pub evidence: String,
    /// When it was decided; `null` while the postmaster is to decide.
    pub decided: Option<Timestamp>,
    /// By whom.
    pub decided_by: Option<String>,
}
