//! `flood`: calm or flood, and who decides.

use std::time::Duration;

use gate_common::Reason;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::span;
use crate::{config::FloodMode, flood::Cause};

/// Body of `PUT /v1/flood`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SetFlood {
    /// Who decides from now on.
    pub mode: FloodMode,
}

/// Answer of `GET /v1/flood` and `PUT /v1/flood`; in [`Status`](super::Status), too.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Flood {
    /// Who decides whether there is a flood: `auto`, the rates; `on`, `off`, the operator.
    pub mode: FloodMode,
    /// What the configuration names.
    pub configured: FloodMode,
    /// Whether there is a flood.
    pub in_flood: bool,
    /// When that, or the calm, began; the start of the daemon if it has seen no flood since.
    pub since: Timestamp,
    /// What makes it a flood; `null` in a calm.
    pub cause: Option<Cause>,
    /// SYNs to guarded ports a second, over 5 s, but for those that are dropped in a calm, too.
    pub syns: u64,
    /// Connections a second that found a listening queue full, over 5 s; `null` if the kernel does
    /// not tell.
    pub overflows: Option<u64>,
    /// A flood begins at so many SYNs a second,
    pub enter_syns: u32,
    /// or so many overflows (0: never),
    pub enter_overflows: u32,
    /// for so long.
    #[serde(with = "span::whole")]
    #[schemars(with = "String")]
    pub enter_after: Duration,
    /// It ends below so many SYNs a second,
    pub leave_syns: u32,
    /// for so long.
    #[serde(with = "span::whole")]
    #[schemars(with = "String")]
    pub leave_after: Duration,
    /// The reasons whose listings are dropped in a flood, and refused by the mail server in a calm.
    pub dropped: Vec<Reason>,
}
