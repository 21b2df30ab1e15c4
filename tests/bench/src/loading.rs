//! How long a table takes to load, and a part of it to change; and the memory it takes.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use aya::programs::{TestRun as _, TestRunOptions, Xdp};
use gate_user::{network::Network, plan::Diff};

use crate::{
    bed::Bed,
    frames,
    lane::Lane,
    lists::{self, List},
    peers::Peer,
    rows::{Goal, Row},
};

const XDP_DROP: u32 = 1;

/// What was measured.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Loading {
    /// Networks.
    pub(crate) size: usize,
    /// Seconds from the text of the list until the last network is enforced.
    pub(crate) enforced: f64,
    /// Seconds until the tries hold it, too.
    pub(crate) complete: f64,
    /// Seconds to change 10,000 networks of it.
    pub(crate) change: f64,
    /// Bytes of kernel memory with it.
    pub(crate) memory: u64,
    /// Seconds that ipset takes.
    pub(crate) ipset: Option<f64>,
    /// Seconds that nft takes.
    pub(crate) nft: Option<f64>,
}

/// Loads `size` networks, changes some, and takes them away.
pub(crate) fn measure(bed: &mut Bed, size: usize, peers: &[Peer]) -> Result<Loading> {
    let whole = List::addresses(size);
    let text = whole.text();
    let last = *whole.networks.last().context("an empty list")?;

    let begun = Instant::now();
    let (enforced, complete) = watched(bed, last, begun, |bed| {
        let mut networks = text
            .lines()
            .map(str::parse)
            .collect::<Result<Vec<Network>, _>>()?;
        networks.sort_unstable();
        networks.dedup();
        bed.gate.apply(&List { networks }.diff())?;
        Ok(())
    })?;
    let memory = bed.gate.maps().memory();

    let diff = lists::exchange(&whole, 10_000);
    let begun = Instant::now();
    bed.gate.apply(&diff)?;
    let change = begun.elapsed();

    let mut table = lists::table(&whole);
    diff.apply(&mut table);
    bed.gate
        .apply(&Diff::between(&table, &gate_user::plan::Table::default()))?;

    let loaded = |peer: Peer| -> Result<Option<f64>> {
        if !peers.contains(&peer) {
            return Ok(None);
        }
        let lane = Lane::enter()?;
        let time = peer.start(&whole)?;
        peer.stop()?;
        drop(lane);
        Ok(Some(time.as_secs_f64()))
    };
    Ok(Loading {
        size,
        enforced: enforced.as_secs_f64(),
        complete: complete.as_secs_f64(),
        change: change.as_secs_f64(),
        memory,
        ipset: loaded(Peer::Ipset)?,
        nft: loaded(Peer::Nft)?,
    })
}

/// Does `load`; the times from `begun` until a program dropped the first SYN from `last`, and
/// until `load` was done.
fn watched(
    bed: &mut Bed,
    last: Network,
    begun: Instant,
    load: impl FnOnce(&mut Bed) -> Result<()>,
) -> Result<(Duration, Duration)> {
    let mut frame = frames::v4(([0; 6], [0; 6]), [192, 0, 2, 1], 25);
    if let std::net::IpAddr::V4(address) = last.address() {
        frame[26..30].copy_from_slice(&address.octets());
    }
    let programs = bed.programs_again()?;
    let program: &Xdp = programs
        .program("gate")
        .context("no such program")?
        .try_into()?;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| -> Result<Option<Duration>> {
            loop {
                let ended = done.load(Ordering::Acquire);
                let result = program.test_run(TestRunOptions {
                    data_in: Some(&frame),
                    ..TestRunOptions::default()
                })?;
                if result.return_value == XDP_DROP {
                    return Ok(Some(begun.elapsed()));
                }
                if ended {
                    return Ok(None);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let loaded = load(bed);
        let complete = begun.elapsed();
        done.store(true, Ordering::Release);
        loaded?;
        let enforced = watcher
            .join()
            .map_err(|_| anyhow::anyhow!("the watcher ended"))??;
        Ok((
            enforced.context("the last network is not enforced")?,
            complete,
        ))
    })
}

impl Loading {
    /// Its rows.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let size = self.size;
        let mut rows = Vec::new();
        if let Some(ipset) = self.ipset {
            rows.push(Row::new(
                format!("load {size} networks until enforced: times faster"),
                (1.0 / self.enforced, "loads/s"),
                ("ipset restore", 1.0 / ipset),
                Goal::AtLeast(10.0),
            ));
            rows.push(Row::new(
                format!("load {size} networks in all: times faster"),
                (1.0 / self.complete, "loads/s"),
                ("ipset restore", 1.0 / ipset),
                Goal::AtLeast(2.0),
            ));
        }
        rows.push(Row::new(
            format!("change 10000 of {size} networks"),
            (self.change * 1000.0, "ms"),
            ("full load", self.complete * 1000.0),
            Goal::AtMost(0.05),
        ));
        rows.push(memory(size, self.memory, 256.0));
        rows
    }
}

/// The row about kernel memory, with its limit in MiB.
pub(crate) fn memory(size: usize, bytes: u64, limit: f64) -> Row {
    Row::new(
        format!("kernel memory, {size} networks"),
        (bytes as f64 / f64::from(1 << 20), "MiB"),
        ("limit", limit),
        Goal::AtMost(1.0),
    )
}
