//! How the gate stands: what it enforces, and what its maps hold.

use gate_common::Mode;

use super::metric::{Metric, Sample, alone, at_most, gauge, sample};
use crate::control::api::TableSize;

pub(super) const METRICS: &[Metric] = &[
    gauge(
        "gate_build_info",
        &["version", "abi"],
        "1, with the version of gated and that of its border to the kernel",
        |reading| {
            let (version, abi) = (&reading.status.version, reading.status.abi.to_string());
            vec![sample([version.as_str(), abi.as_str()], 1)]
        },
    ),
    gauge(
        "process_start_time_seconds",
        &[],
        "When gated started, in seconds since 1970",
        |reading| at_most(u64::try_from(reading.status.started.as_second()).ok()),
    ),
    gauge(
        "gate_mode",
        &["mode"],
        "1 for the mode in force, 0 for the others",
        |reading| {
            let modes = Mode::ALL.into_iter();
            modes
                .map(|mode| sample([mode.as_str()], (mode == reading.status.mode).into()))
                .collect()
        },
    ),
    gauge(
        "gate_interface_guarded",
        &["interface"],
        "Whether the gate is on an interface that it is to guard",
        |reading| {
            let interfaces = reading.status.interfaces.iter();
            interfaces
                .map(|one| sample([&one.name], one.attach.is_some().into()))
                .collect()
        },
    ),
    gauge("gate_flood", &[], "Whether there is a flood", |reading| {
        alone(reading.status.flood.in_flood.into())
    }),
    gauge(
        "gate_flood_syn_rate",
        &[],
        "SYNs a second that count towards a flood, over 5 s",
        |reading| alone(reading.status.flood.syns),
    ),
    gauge(
        "gate_warnings",
        &[],
        "Things that an operator should look at: `gatectl status` tells them",
        |reading| alone(reading.status.warnings.len() as u64),
    ),
    gauge(
        "gate_map_entries",
        &["map"],
        "Networks, or sources, that a map in the kernel holds, as last written or read back",
        |reading| {
            let status = &reading.status;
            let mut maps: Vec<_> = status.kernel.iter().flat_map(tables).collect();
            let sources = status.connections.as_ref();
            maps.extend(sources.map(|counts| sample(["SOURCES"], counts.sources)));
            maps
        },
    ),
    gauge(
        "gate_map_capacity",
        &["map"],
        "How many a map in the kernel has room for",
        |reading| {
            reading.status.room.map_or_else(Vec::new, |room| {
                let mut maps = tables(&TableSize {
                    allow_v4: room.allow,
                    allow_v6: room.allow,
                    block_v4: room.block,
                    block_v6: room.block,
                });
                maps.push(sample(["SOURCES"], room.sources));
                maps
            })
        },
    ),
    gauge(
        "gate_index_slots",
        &[],
        "Slots and leaves of the index in front of the maps",
        |reading| at_most(reading.status.index.map(|index| index.capacity)),
    ),
    gauge(
        "gate_index_slots_used",
        &[],
        "Slots and leaves of the index that are in use",
        |reading| at_most(reading.status.index.map(|index| index.used)),
    ),
    gauge(
        "gate_index_left_to_tries",
        &[],
        "Places that had no room in the index: decided rightly, but slower",
        |reading| at_most(reading.status.index.map(|index| index.left_to_tries)),
    ),
    gauge(
        "gate_kernel_memory_bytes",
        &[],
        "Memory of the maps in the kernel",
        |reading| at_most(reading.status.kernel_memory),
    ),
    gauge(
        "gate_planned_networks",
        &["map"],
        "Networks that a map in the kernel should hold",
        |reading| tables(&reading.status.plan),
    ),
    gauge(
        "gate_drift_networks",
        &["kind"],
        "Networks by which the kernel differed from the plan when it was last read back",
        |reading| {
            let drift = reading.status.drift;
            vec![
                sample(["missing"], drift.missing),
                sample(["extra"], drift.extra),
            ]
        },
    ),
    gauge(
        "gate_drift_checked_timestamp_seconds",
        &[],
        "When the kernel was last read back, in seconds since 1970",
        |reading| {
            let checked = reading.status.drift.checked;
            at_most(checked.and_then(|at| u64::try_from(at.as_second()).ok()))
        },
    ),
];

fn tables(size: &TableSize) -> Vec<Sample> {
    vec![
        sample(["ALLOW_V4"], size.allow_v4),
        sample(["ALLOW_V6"], size.allow_v6),
        sample(["BLOCK_V4"], size.block_v4),
        sample(["BLOCK_V6"], size.block_v6),
    ]
}
