//! `[flood]`: when it is a flood.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value;

/// `[flood]`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct FloodConfig {
    /// Whether there is a flood: `"auto"`, as the rates tell; `"on"`, always; `"off"`, never.
    /// `gatectl flood` overrides it. Default: `"auto"`.
    pub mode: FloodMode,
    /// A flood begins at so many SYNs a second to guarded ports that the gate does not drop anyway,
    /// 2 to 1,000,000,000. Default: `1000`, which is 86 million a day: busy gateways take some
    /// hundred connections a second in their busiest minutes.
    #[serde(deserialize_with = "value::within::<_, _, 2, 1_000_000_000>")]
    pub enter_syns: u32,
    /// ... or at so many connections a second that found the listening queue full (of any service
    /// in the network namespace: they count only while there are `leave_syns` SYNs, too), 0 to
    /// 1,000,000,000; 0 leaves them out. Default: `10`.
    #[serde(deserialize_with = "value::within::<_, _, 0, 1_000_000_000>")]
    pub enter_overflows: u32,
    /// ... if it lasts so long. Rates are means over 5 s: with 6 s or more, one burst is no flood,
    /// however large. Default: `"10s"`.
    #[serde(with = "value::duration")]
    pub enter_after: Duration,
    /// A flood ends when there are fewer SYNs a second than this, less than `enter_syns`, ...
    /// Default: `250`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1_000_000_000>")]
    pub leave_syns: u32,
    /// ... for so long. Default: `"1m"`.
    #[serde(with = "value::duration")]
    pub leave_after: Duration,
}

impl Default for FloodConfig {
    fn default() -> Self {
        Self {
            mode: FloodMode::Auto,
            enter_syns: 1000,
            enter_overflows: 10,
            enter_after: Duration::from_secs(10),
            leave_syns: 250,
            leave_after: Duration::from_mins(1),
        }
    }
}

/// Who decides whether there is a flood.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FloodMode {
    /// The rates.
    Auto,
    /// The operator: there is one.
    On,
    /// The operator: there is none.
    Off,
}

impl FloodMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::On, Self::Off, Self::Auto];

    /// The name used in configuration, commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        }
    }
}
