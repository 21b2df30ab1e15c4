//! `connections`: who has how many.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::network::Network;

/// Where counts of connections come from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CountedBy {
    /// The kernel's program counts each one as it opens and closes.
    Kernel,
    /// The kernel's table of sockets is read from time to time: what opens and closes in between
    /// is not seen.
    Sockets,
}

/// Connections to guarded ports, in `status`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ConnectionCounts {
    /// Where the counts come from.
    pub counted_by: CountedBy,
    /// Why the kernel does not count them; `null` if it does.
    pub problem: Option<String>,
    /// Open now.
    pub open: u64,
    /// Sources that have one open.
    pub sources: u64,
    /// Opened since the maps were made.
    pub opened: u64,
    /// Not counted for their source, for want of room.
    pub uncounted: u64,
    /// Reports of the kernel that found no room on the ring buffer, or on the way to whoever they
    /// are for.
    pub lost_reports: u64,
}

/// The query of `GET /v1/connections`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionsQuery {
    /// Sources in this network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Network>,
    /// At most so many sources; 20 if absent, 0: all.
    pub limit: usize,
}

impl Default for ConnectionsQuery {
    fn default() -> Self {
        Self {
            within: None,
            limit: 20,
        }
    }
}

/// Answer of `GET /v1/connections`: sources with connections, the most open ones first.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Connections {
    /// Where the counts come from.
    pub counted_by: CountedBy,
    /// How many there are without the limit.
    pub total: usize,
    /// The sources.
    pub sources: Vec<SourceConnections>,
}

/// A source in [`Connections`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct SourceConnections {
    /// Who: an IPv4 address, or an IPv6 /64.
    pub source: Network,
    /// Connections open now.
    pub open: u32,
    /// Connections opened in the current window.
    pub opened: u32,
}
