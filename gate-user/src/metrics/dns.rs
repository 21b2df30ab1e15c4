//! Others' lists in DNS, and how much is asked. Lists go by their public names: a zone may hold a
//! private key.

use super::{
    Reading,
    metric::{Metric, Sample, alone, counter, gauge, histogram, sample},
};
use crate::dns::dnsbl::{ListHealth, ListStatus};

pub(super) const METRICS: &[Metric] = &[
    gauge(
        "gate_dnsbl_health",
        &["list", "health"],
        "1 for how a list stands, 0 for all else; one that is on hold is not asked",
        |reading| {
            by_list(reading, |list| {
                let is = health(&list.health);
                HEALTH.map(|one| (one, (one == is).into()))
            })
        },
    ),
    counter(
        "gate_dnsbl_lookups",
        &["list", "result"],
        "Look-ups of sources in a list, answered from the cache or not",
        |reading| {
            by_list(reading, |list| {
                [
                    ("listed", list.listed),
                    ("clear", list.answered.saturating_sub(list.listed)),
                    ("failed", list.failed),
                    ("not_asked", list.not_asked),
                ]
            })
        },
    ),
    counter(
        "gate_dnsbl_questions",
        &["list"],
        "Questions put to the zone of a list, tests included",
        |reading| by_name(reading, |list| list.questions),
    ),
    counter(
        "gate_dnsbl_questions_cached",
        &["list"],
        "Questions put to the zone of a list that were answered from the cache",
        |reading| by_name(reading, |list| list.cached),
    ),
    counter(
        "gate_dns_questions",
        &["result"],
        "Questions put to the resolver; those that are `shed` go unasked to keep within the budget",
        |reading| {
            let counts = &reading.dns;
            let shed = counts.shed_per_second
                + counts.shed_per_zone
                + counts.shed_concurrency
                + counts.shed_flood;
            vec![
                sample(["cached"], counts.cached),
                sample(["joined"], counts.joined),
                sample(["found"], counts.found),
                sample(["nothing"], counts.nothing),
                sample(["failed"], counts.failed),
                sample(["shed"], shed),
            ]
        },
    ),
    counter(
        "gate_dns_queries",
        &[],
        "Queries that were sent, repeated ones included",
        |reading| alone(reading.dns.queries),
    ),
    counter(
        "gate_dns_timeouts",
        &[],
        "Queries without a reply in time",
        |reading| alone(reading.dns.timeouts),
    ),
    histogram(
        "gate_dns_latency_seconds",
        "How long replies to queries took",
        |reading| &reading.dns.latency,
    ),
    gauge(
        "gate_inquiry_waiting",
        &[],
        "Sources and networks about which DNS is to be asked when it is their turn",
        |reading| alone(reading.status.lookups.waiting),
    ),
    counter(
        "gate_inquiry_asked",
        &[],
        "Sources and networks about which DNS was asked",
        |reading| alone(reading.status.lookups.asked),
    ),
    counter(
        "gate_inquiry_skipped",
        &[],
        "Sources and networks that were passed over, because too many waited",
        |reading| alone(reading.status.lookups.skipped),
    ),
    counter(
        "gate_inquiry_unanswered",
        &[],
        "Sources and networks of which nothing could be told",
        |reading| alone(reading.status.lookups.unanswered),
    ),
];

const HEALTH: [&str; 3] = ["untested", "in_service", "on_hold"];

const fn health(health: &ListHealth) -> &'static str {
    match health {
        ListHealth::Untested => "untested",
        ListHealth::InService(_) => "in_service",
        ListHealth::Held { .. } => "on_hold",
    }
}

fn by_name(reading: &Reading, value: impl Fn(&ListStatus) -> u64) -> Vec<Sample> {
    let lists = reading.dnsbl.iter();
    lists
        .map(|list| sample([list.name.as_str()], value(list)))
        .collect()
}

fn by_list<const N: usize>(
    reading: &Reading,
    values: impl Fn(&ListStatus) -> [(&'static str, u64); N],
) -> Vec<Sample> {
    let of_list = |list: &ListStatus| {
        values(list).map(|(label, value)| sample([list.name.as_str(), label], value))
    };
    reading.dnsbl.iter().flat_map(of_list).collect()
}
