//! `series`: what the kernel counted over the last hour.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PerReason, Stats, span};

/// Answer of `GET /v1/series`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Series {
    /// How long the time is that each point counts.
    #[serde(with = "span::whole")]
    #[schemars(with = "String")]
    pub every: Duration,
    /// The last hour since the daemon started, the latest last.
    pub points: Vec<Point>,
}

/// The SYNs of a short time.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Point {
    /// When that time was over.
    pub at: Timestamp,
    /// Those that passed, whether or not something lists their source.
    pub passed: u64,
    /// Those of listed sources that were dropped, by reason.
    pub dropped: PerReason,
    /// Those that mode `monitor` let pass.
    pub would_drop: u64,
    /// Those of sources that nothing lists, dropped because the source is at a limit.
    pub limited: u64,
}

impl Point {
    /// What was counted between `before` and `now`; nothing where a count began anew.
    pub(crate) fn between(before: &Stats, now: &Stats, at: Timestamp) -> Self {
        let limited = |stats: &Stats| {
            let limited = stats.limited;
            limited.connections_hard + limited.rate + limited.syn_rate
        };
        let passed = |stats: &Stats| stats.passed + stats.allowed + stats.courtesy;
        let grown = |count: fn(&Stats) -> u64| count(now).saturating_sub(count(before));
        Self {
            at,
            passed: passed(now).saturating_sub(passed(before)),
            dropped: now.dropped.since(&before.dropped),
            would_drop: grown(|stats| stats.would_drop.sum()),
            limited: limited(now).saturating_sub(limited(before)),
        }
    }
}
