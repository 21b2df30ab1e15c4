//! `check`: everything that is known of one address, and who wins.

use std::net::IpAddr;

use gate_common::Reason;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Override;
use crate::{
    book::Origin,
    network::Network,
    plan::{Enforcement, Verdict},
};

/// The query of `GET /v1/check`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CheckQuery {
    /// The address asked for.
    pub address: IpAddr,
}

/// Answer of `GET /v1/check`. Scripts rely on these names in this order.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Check {
    /// The address asked for; IPv4-mapped IPv6 as IPv4.
    pub address: IpAddr,
    /// Whether any listing covers it, allowed or not.
    pub listed: bool,
    /// What the plan says of a SYN in mode `enforce`.
    pub verdict: Verdict,
    /// The network of the listing that wins among the listings (even if an allow entry wins over
    /// it); `null`, as the next five, if none covers the address.
    pub network: Option<Network>,
    /// Its reason.
    pub reason: Option<Reason>,
    /// Its origin.
    pub origin: Option<Origin>,
    /// When it began.
    pub since: Option<Timestamp>,
    /// When it ends by itself; `null` also for never.
    pub expires: Option<Timestamp>,
    /// The operator's words, or the feed's.
    pub comment: Option<String>,
    /// Whether an allow entry, or the rule that the machine's own addresses are never blocked,
    /// lets it pass whatever lists it.
    pub allowed: bool,
    /// What the kernel holds; `null` if the gate is not on the wire.
    pub kernel: Option<KernelAnswer>,
    /// All that covers the address: the winner first.
    pub matches: Vec<Match>,
    /// The overrides of DNSBLs that cover the address, the longest prefix first.
    pub overrides: Vec<Override>,
}

/// What the kernel's table says of the address in mode `enforce`, looked up in the maps.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct KernelAnswer {
    /// What it does to a SYN.
    pub verdict: KernelVerdict,
    /// The entry that decides; `null` if there is none.
    pub network: Option<Network>,
    /// The reason that the entry counts for; `null` for an allow entry and for none.
    pub reason: Option<Reason>,
}

/// What the kernel can do to a SYN.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KernelVerdict {
    /// It passes.
    Pass,
    /// It is dropped.
    Drop,
}

/// What a [`Match`] is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchKind {
    /// A listing.
    Listing,
    /// An allow entry.
    Allow,
    /// An address of the machine itself, or one that is never blocked: loopback, link-local,
    /// multicast.
    Own,
}

/// One listing, allow entry or rule that covers the address.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Match {
    /// What it is.
    pub kind: MatchKind,
    /// Its network.
    pub network: Network,
    /// Why it is listed; `null` unless a listing.
    pub reason: Option<Reason>,
    /// What the configuration does for this reason; `null` unless a listing.
    pub enforcement: Option<Enforcement>,
    /// By whom; `null` if `own`.
    pub origin: Option<Origin>,
    /// When it began; `null` if `own`.
    pub since: Option<Timestamp>,
    /// When it ends by itself; `null` for never.
    pub expires: Option<Timestamp>,
    /// The operator's words, or the feed's.
    pub comment: Option<String>,
    /// What it rests on, in one line.
    pub evidence: Option<String>,
}
