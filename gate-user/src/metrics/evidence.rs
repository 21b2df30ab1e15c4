//! What was handed in as evidence.

use super::metric::{Metric, Sample, alone, counter, gauge, sample};
use crate::evidence::intake::Sorted;

pub(super) const METRICS: &[Metric] = &[
    counter(
        "gate_complaints",
        &["result"],
        "Mails complained of, by what became of them",
        |reading| by_result(reading.evidence.complaints),
    ),
    counter(
        "gate_verdicts",
        &["result"],
        "Lines of verdicts of content filters, by what became of them",
        |reading| by_result(reading.evidence.verdicts),
    ),
    gauge(
        "gate_quarantine_files",
        &[],
        "Files in the quarantine of what was refused",
        |reading| alone(reading.evidence.quarantined),
    ),
    gauge(
        "gate_quarantine_bytes",
        &[],
        "Size of the quarantine",
        |reading| alone(reading.evidence.quarantined_bytes),
    ),
];

fn by_result(sorted: Sorted) -> Vec<Sample> {
    vec![
        sample(["taken"], sorted.taken),
        sample(["dropped"], sorted.dropped),
        sample(["refused"], sorted.refused),
    ]
}
