//! What an operator changes, and what came of it.

use std::time::Duration;

use gate_common::{Mode, Reason};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AllowEntry, Listing, span};
use crate::{network::Network, plan::Enforcement};

/// Body of `POST /v1/block`: list a network, origin `operator`. The same network and reason in
/// force is renewed.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The network.
    pub network: Network,
    /// Why; `manual` if absent.
    #[serde(default = "manual")]
    pub reason: Reason,
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

/// The reason of an operator who gives none.
pub(super) fn manual() -> Reason {
    Reason::Manual
}

/// Answer of `POST /v1/block`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Blocked {
    /// The listing as it stands now.
    pub listing: Listing,
    /// Whether it was in force before and was renewed.
    pub renewed: bool,
    /// What the configuration does for its reason.
    pub enforcement: Enforcement,
    /// Parts of the network, or networks around it, that pass all the same; the first 20.
    pub exceptions: Vec<Exception>,
}

/// A network that passes whatever lists it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Exception {
    /// Why it passes.
    pub kind: ExceptionKind,
    /// What passes: in the listed network, or around it.
    pub network: Network,
}

/// Why something passes whatever lists it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExceptionKind {
    /// An allow entry.
    Allow,
    /// The machine's own, loopback, link-local or multicast.
    Own,
}

/// Body of `POST /v1/unblock`: end the listings of exactly this network. Those of a feed are
/// ended by the feed alone.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Unblock {
    /// The network.
    pub network: Network,
}

/// Answer of `POST /v1/unblock`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Unblocked {
    /// The listings that were ended; none if the network is listed by a feed or through a wider
    /// network alone.
    pub ended: Vec<Listing>,
    /// The listings that still cover the network: a feed's, or wider ones.
    pub remaining: Vec<Listing>,
}

/// Body of `POST /v1/allow`: let a network pass, origin `operator`. The same network in force is
/// renewed.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// The network.
    pub network: Network,
    /// How long; for good if absent.
    #[serde(rename = "for", default, with = "span")]
    #[schemars(with = "Option<String>")]
    pub duration: Option<Duration>,
    /// The operator's words.
    #[serde(default)]
    pub comment: Option<String>,
    /// Also if it is the whole of IPv4 or IPv6.
    #[serde(default)]
    pub force: bool,
}

/// Answer of `POST /v1/allow`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Allowed {
    /// The entry as it stands now.
    pub entry: AllowEntry,
    /// Whether it was in force before and was renewed.
    pub renewed: bool,
    /// Listings that it wins over: of this network, around it or in it; the first 20.
    pub overrides: Vec<Listing>,
}

/// Body of `POST /v1/disallow`: end the operator's allow entry of exactly this network.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Disallow {
    /// The network.
    pub network: Network,
}

/// Answer of `POST /v1/disallow`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Disallowed {
    /// The entries that were ended; none if the configuration alone, or a wider entry, allows it.
    pub ended: Vec<AllowEntry>,
    /// The allow entries that still cover the network.
    pub remaining: Vec<AllowEntry>,
}

/// Body of `POST /v1/import`: list many networks in one transaction, origin `operator`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// Why; `manual` if absent.
    #[serde(default = "manual")]
    pub reason: Reason,
    /// How long; for good if absent.
    #[serde(rename = "for", default, with = "span")]
    #[schemars(with = "Option<String>")]
    pub duration: Option<Duration>,
    /// The operator's words, for each listing.
    #[serde(default)]
    pub comment: Option<String>,
    /// Also networks wider than /8 (IPv6: /16).
    #[serde(default)]
    pub force: bool,
    /// The networks.
    pub networks: Vec<ImportEntry>,
}

/// One network of an [`Import`].
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ImportEntry {
    /// The network.
    pub network: Network,
    /// What the file says of it, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// Answer of `POST /v1/import`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Imported {
    /// Listings that are new.
    pub added: u64,
    /// Listings that were in force before and were renewed.
    pub renewed: u64,
    /// Networks among them that an allow entry, or the rule that own addresses are never blocked,
    /// keeps out of the kernel whole.
    pub not_planned: u64,
}

/// Body of `PUT /v1/mode`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SetMode {
    /// The mode to come.
    pub mode: Mode,
}

/// Answer of `GET /v1/mode` and `PUT /v1/mode`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ModeState {
    /// The mode in force.
    pub mode: Mode,
    /// The mode that the configuration names.
    pub configured: Mode,
}

/// Answer of `POST /v1/reload`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Reloaded {
    /// The configuration file; `null` if the defaults are in force.
    pub config: Option<String>,
    /// What changed, one sentence each; none if nothing did.
    pub changes: Vec<String>,
    /// Changed keys that take effect at the next start alone.
    pub needs_restart: Vec<String>,
}

/// Answer of `POST /v1/detach`: the gate is off the wire and unpinned.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Detached {
    /// The interfaces that it was taken off.
    pub interfaces: Vec<String>,
    /// Whether the daemon ends now; if not, it goes on without a gate until the next start.
    pub stopping: bool,
}

/// Answer of `POST /v1/flush`: every listing was ended; allow entries stay.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Flushed {
    /// How many listings were ended.
    pub ended: u64,
}
