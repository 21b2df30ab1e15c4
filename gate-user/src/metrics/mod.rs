//! Metrics for Prometheus. In: a [`Reading`] of what is counted anyhow, made when somebody asks.
//! Out: the text exposition format (version 0.0.4).
//!
//! Each metric is one entry of a table: its name, what it means, its labels, and how it is read.
//! docs/metrics.md is these tables; a test keeps it so. Labels are words of the program, and names
//! of the configuration; never what a stranger chooses, such as an address.

mod connections;
mod dns;
mod evidence;
mod feeds;
mod listings;
mod metric;
mod packets;
mod policy;
mod state;

use std::{collections::BTreeMap, sync::Arc};

use gate_common::Limit;
use prometheus_client::{encoding::prometheus_text, registry::Registry};

use self::metric::Metric;
use crate::{
    book,
    control::api::Status,
    dns::{dnsbl::ListStatus, resolver},
    evidence::intake,
    feeds::FeedStatus,
    kernel::Counters,
    policy::counters::Counted,
};

/// The type of what [`text`] makes.
pub(crate) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// All tables: what they are about, and their metrics.
const TABLES: [(&str, &[Metric]); 8] = [
    ("The gate", state::METRICS),
    ("SYNs", packets::METRICS),
    ("Connections", connections::METRICS),
    ("The book", listings::METRICS),
    ("Feeds", feeds::METRICS),
    ("DNS", dns::METRICS),
    ("The policy service", policy::METRICS),
    ("Evidence", evidence::METRICS),
];

/// All that is measured, at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// How the gate stands.
    pub(crate) status: Status,
    /// What the kernel counted, by address family; nothing if the gate is not on the wire.
    pub(crate) packets: BTreeMap<&'static str, Counters>,
    /// What is in the book.
    pub(crate) listings: book::Counts,
    /// Reports of sources that reached a limit by completing a handshake, by [`Limit::slot`].
    pub(crate) reached: [u64; Limit::SLOTS],
    /// Reports of SYNs over a limit, by [`Limit::slot`].
    pub(crate) limited: [u64; Limit::SLOTS],
    /// Reports that found no room on the ring buffer.
    pub(crate) lost_in_kernel: u64,
    /// Reports that found no room on the way to whoever they are for.
    pub(crate) lost_in_daemon: u64,
    /// What was handed in.
    pub(crate) evidence: intake::Counts,
    /// The feeds.
    pub(crate) feeds: Arc<Vec<FeedStatus>>,
    /// Others' lists in DNS.
    pub(crate) dnsbl: Vec<ListStatus>,
    /// What DNS was asked.
    pub(crate) dns: resolver::Counts,
    /// What mail servers were told.
    pub(crate) policy: Counted,
}

/// The metrics as Prometheus reads them.
pub(crate) fn text(reading: Reading) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(reading));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry).expect("a string takes what is written to it");
    text
}

#[cfg(test)]
mod tests;
