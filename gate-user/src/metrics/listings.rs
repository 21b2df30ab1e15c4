//! What stands in the book.

use super::metric::{Metric, alone, gauge, sample};

pub(super) const METRICS: &[Metric] = &[
    gauge(
        "gate_listings",
        &["reason", "origin"],
        "Listings in force",
        |reading| {
            let kinds = reading.listings.by_kind.iter();
            kinds
                .map(|((reason, origin), count)| {
                    sample([reason.code(), &origin.to_string()], *count as u64)
                })
                .collect()
        },
    ),
    gauge(
        "gate_allow_entries",
        &[],
        "Allow entries in force",
        |reading| alone(reading.listings.allow_entries as u64),
    ),
];
