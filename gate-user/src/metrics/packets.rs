//! What the program in the kernel counted. Its maps outlive the daemon, and so do the counts.

use gate_common::{Limit, Reason};

use super::{
    Reading,
    metric::{Metric, Sample, counter, sample},
};
use crate::kernel::Counters;

pub(super) const METRICS: &[Metric] = &[
    counter(
        "gate_syns_seen",
        &["family"],
        "SYNs to guarded ports",
        |reading| by_family(reading, |counters| counters.seen),
    ),
    counter(
        "gate_syns_passed",
        &["family"],
        "SYNs from sources that nothing lists",
        |reading| by_family(reading, |counters| counters.passed),
    ),
    counter(
        "gate_syns_allowed",
        &["family"],
        "SYNs that an allow entry let through although a listing covers the source",
        |reading| by_family(reading, |counters| counters.allowed),
    ),
    counter(
        "gate_syns_courtesy",
        &["family"],
        "SYNs of listed sources that passed out of courtesy",
        |reading| by_family(reading, |counters| counters.courtesy),
    ),
    counter(
        "gate_syns_dropped",
        &["family", "reason"],
        "Dropped SYNs of listed sources",
        |reading| by_reason(reading, |counters, reason| counters.dropped[reason.slot()]),
    ),
    counter(
        "gate_syns_would_drop",
        &["family", "reason"],
        "SYNs that mode `monitor` let pass and `enforce` would have dropped",
        |reading| {
            by_reason(reading, |counters, reason| {
                counters.would_drop[reason.slot()]
            })
        },
    ),
    counter(
        "gate_syns_limited",
        &["family", "limit"],
        "SYNs of sources that nothing lists, dropped because the source is at a limit",
        |reading| by_limit(reading, |counters, limit| counters.limited[limit.slot()]),
    ),
    counter(
        "gate_syns_would_limit",
        &["family", "limit"],
        "SYNs that mode `monitor` let pass although their source is at a limit",
        |reading| {
            by_limit(reading, |counters, limit| {
                counters.would_limit[limit.slot()]
            })
        },
    ),
    counter(
        "gate_packets_malformed",
        &["family"],
        "Packets that could not be parsed, and passed",
        |reading| by_family(reading, |counters| counters.malformed),
    ),
];

fn by_family(reading: &Reading, count: impl Fn(&Counters) -> u64) -> Vec<Sample> {
    let families = reading.packets.iter();
    families
        .map(|(family, counters)| sample([*family], count(counters)))
        .collect()
}

fn by_reason(reading: &Reading, count: impl Fn(&Counters, Reason) -> u64) -> Vec<Sample> {
    let of_family = |(family, counters): (&&str, &Counters)| {
        Reason::ALL.map(|reason| sample([*family, reason.code()], count(counters, reason)))
    };
    reading.packets.iter().flat_map(of_family).collect()
}

fn by_limit(reading: &Reading, count: impl Fn(&Counters, Limit) -> u64) -> Vec<Sample> {
    let of_family = |(family, counters): (&&str, &Counters)| {
        Limit::ALL.map(|limit| sample([*family, limit.as_str()], count(counters, limit)))
    };
    reading.packets.iter().flat_map(of_family).collect()
}
