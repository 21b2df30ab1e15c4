//! `status`: how the gate stands.

use gate_common::{Mode, Reason};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConnectionCounts, Flood, LookupCounts, PerReason};
use crate::plan::Enforcement;

/// How the program sits on an interface.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Attach {
    /// In the driver.
    Native,
    /// In the kernel's generic receive path.
    Generic,
}

/// A guarded interface.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// The mode in force; `null` if the gate is not attached to it.
    pub attach: Option<Attach>,
    /// Why it is not attached, or not as configured.
    pub problem: Option<String>,
}

/// How many networks a gate table holds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct TableSize {
    /// Allowed IPv4 networks.
    pub allow_v4: u64,
    /// Allowed IPv6 networks.
    pub allow_v6: u64,
    /// Blocked IPv4 networks.
    pub block_v4: u64,
    /// Blocked IPv6 networks.
    pub block_v6: u64,
}

/// How much the kernel's maps have room for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Room {
    /// Networks in each map of allow entries.
    pub allow: u64,
    /// Networks in each map of blocked ones.
    pub block: u64,
    /// Sources in the table of connections.
    pub sources: u64,
}

/// How far the gate table is from the plan, as last read back.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Drift {
    /// Networks that are planned, and not in the kernel or there for another reason.
    pub missing: u64,
    /// Networks in the kernel that are not planned.
    pub extra: u64,
    /// When it was read back; `null` if not yet.
    pub checked: Option<Timestamp>,
}

/// Answer of `GET /v1/status`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// Version of the kernel border.
    pub abi: u32,
    /// The daemon's process.
    pub pid: u32,
    /// When the daemon started.
    pub started: Timestamp,
    /// The configuration file; `null` if the defaults are in force.
    pub config: Option<String>,
    /// The mode now.
    pub mode: Mode,
    /// Calm or flood.
    pub flood: Flood,
    /// Guarded ports.
    pub ports: Vec<u16>,
    /// Guarded interfaces.
    pub interfaces: Vec<Interface>,
    /// Listings in force by reason.
    pub listings: PerReason,
    /// Allow entries in force.
    pub allowed: u64,
    /// What the kernel should hold.
    pub plan: TableSize,
    /// What the kernel does hold, as last written or read back; `null` if the gate is not on the
    /// wire.
    pub kernel: Option<TableSize>,
    /// What the kernel has room for; `null` if the gate is not on the wire.
    pub room: Option<Room>,
    /// The difference of `plan` and `kernel`.
    pub drift: Drift,
    /// What was handed in as evidence since the daemon started.
    pub evidence: EvidenceCounts,
    /// How much DNS was asked.
    pub lookups: LookupCounts,
    /// Connections to guarded ports; `null` if the gate is not on the wire.
    pub connections: Option<ConnectionCounts>,
    /// Memory of the kernel's maps in bytes; `null` if the kernel does not tell.
    pub kernel_memory: Option<u64>,
    /// The index in front of the gate table; `null` if the gate is not on the wire.
    pub index: Option<Index>,
    /// The reasons whose listings are not dropped, and what is done instead.
    pub not_dropped: Vec<ReasonEnforcement>,
    /// What an operator should look at; one sentence each.
    pub warnings: Vec<String>,
}

/// What was handed in as evidence since the daemon started, and what is kept of it for a person to
/// look at.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct EvidenceCounts {
    /// Mails complained of, and lines of verdicts, that are evidence; repetitions count.
    pub taken: u64,
    /// Of forwarders, own relays and the like: not evidence, and no error.
    pub dropped: u64,
    /// Refused.
    pub refused: u64,
    /// Files in the quarantine.
    pub quarantined: u64,
    /// Their size.
    pub quarantined_bytes: u64,
}

/// How full the index is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Index {
    /// Slots and leaves in use.
    pub used: u64,
    /// How many there are.
    pub capacity: u64,
    /// Places (IPv4 /20s, hashes of IPv6 /32s) that had no room: decided rightly, but slower.
    pub left_to_tries: u64,
}

/// What is done for one reason.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ReasonEnforcement {
    /// The reason.
    pub reason: Reason,
    /// What is done.
    pub enforcement: Enforcement,
}
