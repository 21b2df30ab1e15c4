//! What the kernel counted.

use std::{collections::BTreeMap, net::IpAddr};

use gate_common::{Limit, Mode, Reason};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number for every reason: `{"directspam":0,…,"manual":7}`, zeros too.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(from = "BTreeMap<Reason, u64>", into = "BTreeMap<Reason, u64>")]
pub struct PerReason([u64; Reason::ALL.len()]);

impl PerReason {
    /// The number that `count` has for each reason.
    pub fn from_fn(mut count: impl FnMut(Reason) -> u64) -> Self {
        Self(Reason::ALL.map(&mut count))
    }

    /// Each reason with its number, in the order of reasons.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.into_iter().zip(self.0)
    }

    /// How much more it is than `before`; nothing where a count began anew.
    pub(super) fn since(&self, before: &Self) -> Self {
        Self(std::array::from_fn(|i| {
            self.0[i].saturating_sub(before.0[i])
        }))
    }

    /// The number of `reason`.
    pub fn of(&self, reason: Reason) -> u64 {
        let mut found = self.iter().filter(|&(other, _)| other == reason);
        found.next().map_or(0, |(_, count)| count)
    }

    /// All of them together.
    pub fn sum(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl From<BTreeMap<Reason, u64>> for PerReason {
    fn from(counts: BTreeMap<Reason, u64>) -> Self {
        Self::from_fn(|reason| counts.get(&reason).copied().unwrap_or(0))
    }
}

impl From<PerReason> for BTreeMap<Reason, u64> {
    fn from(counts: PerReason) -> Self {
        counts.iter().collect()
    }
}

/// A number for every limit of the kernel.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PerLimit {
    /// Connections open at once.
    pub connections_hard: u64,
    /// Connections opened in the window.
    pub rate: u64,
    /// SYNs.
    pub syn_rate: u64,
}

impl PerLimit {
    /// The numbers of `counts`, which are by [`Limit::slot`].
    pub fn from_slots(counts: &[u64; Limit::SLOTS]) -> Self {
        Self {
            connections_hard: counts[Limit::Connections.slot()],
            rate: counts[Limit::Rate.slot()],
            syn_rate: counts[Limit::SynRate.slot()],
        }
    }

    /// The number of `limit`.
    pub fn of(&self, limit: Limit) -> u64 {
        match limit {
            Limit::Connections => self.connections_hard,
            Limit::Rate => self.rate,
            Limit::SynRate => self.syn_rate,
        }
    }

    /// Each limit with its number.
    pub fn iter(&self) -> impl Iterator<Item = (Limit, u64)> {
        [
            (Limit::Connections, self.connections_hard),
            (Limit::Rate, self.rate),
            (Limit::SynRate, self.syn_rate),
        ]
        .into_iter()
    }

    /// All of them together.
    pub fn sum(&self) -> u64 {
        self.iter().map(|(_, count)| count).sum()
    }
}

/// Answer of `GET /v1/stats`: packets since the maps were made, both families. Scripts rely on
/// these names in this order.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Stats {
    /// The mode now.
    pub mode: Mode,
    /// SYNs to guarded ports.
    pub seen: u64,
    /// SYNs from sources that nothing lists.
    pub passed: u64,
    /// Dropped SYNs by reason.
    pub dropped: PerReason,
    /// SYNs that mode `monitor` let pass and `enforce` would have dropped, by reason.
    pub would_drop: PerReason,
    /// SYNs that an allow entry let through although a listing covers the source.
    pub allowed: u64,
    /// Packets that could not be parsed, and passed.
    pub malformed: u64,
    /// SYNs of sources that nothing lists, dropped because the source is at a limit, by limit.
    pub limited: PerLimit,
    /// The same, which mode `monitor` let pass.
    pub would_limit: PerLimit,
    /// SYNs of listed sources that passed out of courtesy.
    pub courtesy: u64,
}

/// The query of `GET /v1/top`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TopQuery {
    /// At most so many sources; 20 if absent.
    pub limit: usize,
}

impl Default for TopQuery {
    fn default() -> Self {
        Self { limit: 20 }
    }
}

/// Answer of `GET /v1/top`: the sources seen most often in sampled drops.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Top {
    /// One drop of this many is sampled; 0: sampling is off.
    pub sample: u32,
    /// The begin of what was counted.
    pub since: Timestamp,
    /// The sources, most drops first.
    pub sources: Vec<TopSource>,
}

/// A source in [`Top`].
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct TopSource {
    /// Its address.
    pub address: IpAddr,
    /// About how many of its SYNs were dropped (in mode `monitor`: would have been): sampled
    /// drops times the sampling rate.
    pub drops: u64,
    /// The reason of the latest one.
    pub reason: Reason,
    /// When the latest one was.
    pub last: Timestamp,
}
