//! What mail servers were told.

use super::metric::{Metric, counter, histogram, sample};
use crate::policy::Check;

pub(super) const METRICS: &[Metric] = &[
    counter(
        "gate_policy_replies",
        &["code", "check"],
        "Answers to mail servers: `dunno`, or the code of a refusal and the check that refuses",
        |reading| {
            let policy = &reading.policy;
            let refused: u64 = policy.refused.values().sum();
            let dunno = sample(["dunno", ""], policy.requests.saturating_sub(refused));
            let refused = policy.refused.iter();
            let refused = refused
                .map(|((check, code), count)| sample([&code.to_string(), check.name()], *count));
            std::iter::once(dunno).chain(refused).collect()
        },
    ),
    counter(
        "gate_policy_observed",
        &["check"],
        "Answers that a check would have made a refusal, were it not only observing",
        |reading| {
            let counts = Check::ALL.into_iter().zip(reading.policy.observed);
            counts
                .map(|(check, count)| sample([check.name()], count))
                .collect()
        },
    ),
    counter(
        "gate_policy_connections_closed",
        &["why"],
        "Connections that were closed: without an answer, or because there were too many",
        |reading| {
            vec![
                sample(["broken"], reading.policy.broken),
                sample(["turned_away"], reading.policy.turned_away),
            ]
        },
    ),
    histogram(
        "gate_policy_latency_seconds",
        "How long answers took, what was waited for DNS among it",
        |reading| &reading.policy.latency,
    ),
];
