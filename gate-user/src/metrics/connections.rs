//! Connections to guarded ports, and what the kernel reports.

use gate_common::Limit;

use super::{
    Reading,
    metric::{Metric, Sample, at_most, counter, gauge, sample},
};
use crate::control::api::ConnectionCounts;

pub(super) const METRICS: &[Metric] = &[
    gauge(
        "gate_connections_open",
        &[],
        "Connections to guarded ports that are open",
        |reading| of_all(reading, |counts| counts.open),
    ),
    counter(
        "gate_connections_opened",
        &[],
        "Connections to guarded ports that were opened",
        |reading| of_all(reading, |counts| counts.opened),
    ),
    counter(
        "gate_connections_uncounted",
        &[],
        "Connections that were not counted for their source, for want of room",
        |reading| of_all(reading, |counts| counts.uncounted),
    ),
    counter(
        "gate_connection_limit_reports",
        &["limit"],
        "Reports that a source reached a limit by completing a handshake",
        |reading| by_limit(&reading.reached),
    ),
    counter(
        "gate_syn_limit_reports",
        &["limit"],
        "Reports of SYNs that were dropped at a limit: not each is reported",
        |reading| by_limit(&reading.limited),
    ),
    counter(
        "gate_reports_lost",
        &["at"],
        "Reports that found no room: on the ring buffer, or in the daemon",
        |reading| {
            vec![
                sample(["ring_buffer"], reading.lost_in_kernel),
                sample(["daemon"], reading.lost_in_daemon),
            ]
        },
    ),
];

fn of_all(reading: &Reading, count: impl Fn(&ConnectionCounts) -> u64) -> Vec<Sample> {
    at_most(reading.status.connections.as_ref().map(count))
}

fn by_limit(counts: &[u64; Limit::SLOTS]) -> Vec<Sample> {
    Limit::ALL
        .map(|limit| sample([limit.as_str()], counts[limit.slot()]))
        .into()
}
