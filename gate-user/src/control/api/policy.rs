//! `verdict`: what a mail server is told about a client; `policy`: what was told since the start.

use std::{collections::BTreeMap, net::IpAddr};

use gate_common::Reason;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{network::Network, policy::Check};

/// The query of `GET /v1/verdict`, and one of those in a [`VerdictsQuery`]. The names are those of
/// Postfix's policy delegation.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictQuery {
    /// The client's address.
    pub client_address: IpAddr,
    /// The client's port: with the address, what tells its connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_port: Option<u16>,
    /// How far the client has come: `CONNECT`, `EHLO`, `MAIL`, `RCPT`, `DATA`, `END-OF-MESSAGE`.
    /// Default: `RCPT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol_state: Option<String>,
    /// The envelope sender; empty for the null sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The envelope recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// How many recipients were taken for the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_count: Option<u32>,
    /// What requests about the same message have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The client's PTR name, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverse_client_name: Option<String>,
    /// Whom the client has logged in as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sasl_username: Option<String>,
    /// Whether this is asked for a client that is there: then it counts towards its limits, and is
    /// logged. Over TCP that takes a token with `rights = "write"`. Default: `false`.
    #[serde(default)]
    pub count: bool,
}

/// The body of `POST /v1/verdict`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictsQuery {
    /// What is asked, [`MAX_VERDICTS`] at most.
    pub requests: Vec<VerdictQuery>,
}

/// Verdicts that may be asked for at once.
pub const MAX_VERDICTS: usize = 1000;

/// Answer of `GET /v1/verdict`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Verdict {
    /// The client; IPv4-mapped IPv6 as IPv4.
    pub client_address: IpAddr,
    /// What the mail server is to do.
    pub action: PolicyAction,
    /// The reply, in one line; `null` for `dunno`.
    pub reply: Option<String>,
    /// The check that refuses; `null` for `dunno`.
    pub check: Option<Check>,
    /// Why the client is not judged at all; `null` where it is.
    pub exempt: Option<Exempt>,
    /// The network through which it is allowed; `null` where it is not.
    pub allowed: Option<Network>,
    /// The checks that it went through, in their order.
    pub checks: Vec<CheckMade>,
}

/// What the mail server is to do.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyAction {
    /// Go on as if nobody had been asked.
    Dunno,
    /// Refuse.
    Refuse,
}

/// Why a client is not judged.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Exempt {
    /// It passes whatever is known of it.
    Allowed,
    /// It has logged in.
    Authenticated,
    /// The gate is off.
    Off,
}

/// One check.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct CheckMade {
    /// The check.
    pub check: Check,
    /// What came of it.
    pub outcome: CheckOutcome,
    /// What it has found, for people; `null` where nothing.
    pub found: Option<String>,
    /// The reason that this is of; `null` where it is of none.
    pub reason: Option<Reason>,
    /// The reply that this has; `null` where nothing was found.
    pub reply: Option<String>,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// The configuration has it off.
    Off,
    /// It is not made in this state, or what it needs is not known.
    NotMade,
    /// No objection.
    Clear,
    /// What it needs is not known yet, and that passes.
    UnderWay,
    /// It would refuse, and only observes.
    Observed,
    /// It refuses.
    Refused,
}

/// Answer of `POST /v1/verdict`: one for each that was asked for, in the same order.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Verdicts {
    /// The verdicts.
    pub verdicts: Vec<Verdict>,
}

/// The body of `POST /v1/policy/replay`: what came in the past, to be held against the limits.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayQuery {
    /// The steps of clients, [`MAX_STEPS`] at most; those of one source in the order of their times.
    pub steps: Vec<ReplayStep>,
}

/// Steps that may be replayed at once.
pub const MAX_STEPS: usize = 200_000;

/// One step of a client.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayStep {
    /// When, in milliseconds since any one moment.
    pub at: u64,
    /// The client's address.
    pub client_address: IpAddr,
    /// Which connection it is: a number that no other has.
    pub connection: u64,
    /// What was done.
    #[serde(rename = "do")]
    pub deed: ReplayDeed,
}

/// What was done in a connection.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ReplayDeed {
    /// It was opened.
    Connect,
    /// A message was handed in.
    Message {
        /// The envelope sender; empty for the null sender.
        sender: String,
        /// How many recipients it has.
        recipients: u32,
    },
    /// It was closed.
    Disconnect,
}

/// Answer of `POST /v1/policy/replay`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Replayed {
    /// The steps that would have been refused, in their order.
    pub refused: Vec<ReplayRefusal>,
}

/// A step that would have been refused.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ReplayRefusal {
    /// Which step, counted from 0.
    pub step: usize,
    /// The check that objects.
    pub check: Check,
    /// Recipients that are refused; 0 where the connection itself is.
    pub recipients: u32,
    /// The reply, in one line.
    pub reply: String,
}

/// Answer of `GET /v1/policy`: what mail servers were told since the daemon started.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PolicyState {
    /// Requests that were answered.
    pub requests: u64,
    /// Those of them that each check refused.
    pub refused: BTreeMap<Check, u64>,
    /// Those of them that each check would have refused, were it not only observing.
    pub observed: BTreeMap<Check, u64>,
    /// Connections that were closed without an answer: not understood, or too slow.
    pub broken: u64,
    /// Connections that were closed because there were too many.
    pub turned_away: u64,
}
