//! Complaints and verdicts that are handed in, and what came of them.

use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Listing;
use crate::network::Network;

/// The query of `POST /v1/complaints`, whose body is the mail.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintQuery {
    /// What the mail must be; anything that is understood if absent.
    #[serde(default)]
    pub format: ComplaintFormat,
    /// Whether it came from a spam trap; `false` if absent.
    #[serde(default)]
    pub trap: bool,
}

/// What a mail that complains must be.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ComplaintFormat {
    /// Anything that is understood.
    #[default]
    Auto,
    /// An ARF report (RFC 5965).
    Arf,
}

/// Answer of `POST /v1/complaints`. A mail that is refused as a whole is an error instead.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Complained {
    /// The mails that it complains of, in their order.
    pub complaints: Vec<Complaint>,
    /// Forwarders that mails which it complains of came through, complaints of which are dropped.
    pub dropped: Vec<Network>,
    /// The domains that a report says it is about; they decide nothing.
    pub domains: Vec<String>,
    /// Why other mails that it complains of do not count.
    pub refused: Vec<String>,
    /// The listings that are new or last longer now.
    pub listed: Vec<Listing>,
}

/// One mail that somebody complained of.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Complaint {
    /// Who is blamed.
    pub address: IpAddr,
    /// When the mail arrived.
    pub at: Timestamp,
    /// Who complains.
    pub by: String,
    /// For how many messages it stands.
    pub incidents: u32,
    /// Whether it is a trap hit.
    pub trap: bool,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a record of evidence.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It is stored, and counts.
    Taken,
    /// The same was stored before; it counts once.
    Repeated,
    /// Its address is never listed, or it is older than the memory.
    Unfit,
}

/// Answer of `POST /v1/verdicts`, whose body is lines of JSON. If no line is good it is an error
/// instead.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Judged {
    /// Lines that are stored, and count.
    pub taken: u64,
    /// Lines that were stored before.
    pub repeated: u64,
    /// Lines that are no evidence and no error: on mail of own relays, of forwarders, of users
    /// who had logged in, and on mail that is to come again.
    pub skipped: u64,
    /// Lines that are refused.
    pub refused: u64,
    /// The first 100 of them.
    pub bad: Vec<BadVerdict>,
    /// The listings that are new or last longer now.
    pub listed: Vec<Listing>,
}

/// A line that is refused.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct BadVerdict {
    /// Which, from 1.
    pub line: usize,
    /// Why.
    pub error: String,
}
