//! The test bed: the shipped gate, loaded and filled by the shipped code, and the benchmark's
//! programs on the same maps.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, MapData},
    programs::{TestRun as _, TestRunOptions, Xdp},
};
use gate_common::{COURTESY_UNIT, Limits, Rate, Reason, SYN_UNIT, names};
use gate_tests::xdp::enforcing;
use gate_user::kernel::{Capacity, Gate, Netlink, Pins};

/// The benchmark's programs.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("GATE_BENCH_OBJECT"));

/// How many sources of each family the programs go through.
pub(crate) const SOURCES_V4: usize = 1 << 20;
/// As above.
pub(crate) const SOURCES_V6: usize = 1 << 18;

/// Packets in one test-run: a quarter of the IPv4 sources, and so many that it does not matter that
/// the kernel waits for a grace period around each run (`bpf_prog_change_xdp`).
const RUN: u32 = 1 << 18;

/// A gate and the programs beside it.
pub(crate) struct Bed {
    pub(crate) gate: Gate,
    pub(crate) programs: Ebpf,
    capacity: u32,
    root: PathBuf,
}

/// What is asked of sources besides whether they are listed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Door {
    /// Nothing.
    Open,
    /// Limits hold, and listed sources are let through out of courtesy, for every reason, as configured
    /// by default.
    Kept,
    /// The same, once the gate knows that there is a flood: limits hold, courtesy has stopped.
    Flood,
}

impl Bed {
    /// A gate of its own, attached to nothing, in mode `enforce`, with port 25 guarded.
    pub(crate) fn new(capacity: u32) -> Result<Self> {
        let root = PathBuf::from(format!("/sys/fs/bpf/gate-bench-{}", std::process::id()));
        let capacity = Capacity {
            block: capacity,
            allow: 65_536,
            buckets: 1 << 14,
        };
        let mut gate = Gate::open(&root, capacity, Netlink::open()?)?;
        gate.configure(&enforcing())?;
        let programs = load(&root, capacity.block)?;
        Ok(Self {
            gate,
            programs,
            capacity: capacity.block,
            root,
        })
    }

    /// Holds all sources to limits, or does not.
    pub(crate) fn set_door(&mut self, door: Door) -> Result<()> {
        let mut settings = enforcing();
        settings.flood = door == Door::Flood;
        if door != Door::Open {
            settings.limits = Limits {
                connections: 40,
                rate: 60,
                window: 60_000,
                prefix_len: 0,
            };
            settings.syn_rate = Rate::new(50, (1_000_000_000 / SYN_UNIT) as u32);
            let hour = 3_600 * 1_000_000_000 / COURTESY_UNIT;
            settings.courtesy = [Rate::new(1, hour as u32); Reason::SLOTS];
        }
        Ok(self.gate.configure(&settings)?)
    }

    /// The programs once more, on the same maps, for another thread.
    pub(crate) fn programs_again(&self) -> Result<Ebpf> {
        load(&self.root, self.capacity)
    }

    pub(crate) fn program(&mut self, name: &str) -> Result<&mut Xdp> {
        let program = self.programs.program_mut(name).context("no such program")?;
        Ok(program.try_into()?)
    }

    /// Gives the programs these IPv4 sources, again and again until there are enough.
    pub(crate) fn sources_v4(&mut self, sources: &[u128]) -> Result<()> {
        let mut map: Array<&mut MapData, [u32; 1024]> = self
            .programs
            .map_mut("SOURCES_V4")
            .context("no sources")?
            .try_into()?;
        let mut sources = sources.iter().cycle().map(|&bits| (bits as u32).to_be());
        for page in 0..(SOURCES_V4 / 1024) as u32 {
            let page_of = std::array::from_fn(|_| sources.next().unwrap_or_default());
            map.set(page, page_of, 0)?;
        }
        Ok(())
    }

    /// The same for IPv6; the first halves count.
    pub(crate) fn sources_v6(&mut self, sources: &[u128]) -> Result<()> {
        let mut map: Array<&mut MapData, [u64; 512]> = self
            .programs
            .map_mut("SOURCES_V6")
            .context("no sources")?
            .try_into()?;
        let mut sources = sources
            .iter()
            .cycle()
            .map(|&bits| ((bits >> 64) as u64).to_be());
        for page in 0..(SOURCES_V6 / 512) as u32 {
            let page_of = std::array::from_fn(|_| sources.next().unwrap_or_default());
            map.set(page, page_of, 0)?;
        }
        Ok(())
    }

    /// Runs each program on `frame` in turn, `rounds` times; the median time a packet of each, in
    /// nanoseconds, and what each returned last.
    pub(crate) fn compare(
        &mut self,
        programs: &[&str],
        frame: &[u8],
        rounds: usize,
    ) -> Result<Vec<(f64, u32)>> {
        let mut times = vec![Vec::with_capacity(rounds); programs.len()];
        let mut returned = vec![0; programs.len()];
        for _ in 0..rounds {
            for (index, name) in programs.iter().enumerate() {
                let (time, result) = self.run(name, frame, RUN)?;
                times[index].push(time.as_nanos() as f64);
                returned[index] = result;
            }
        }
        Ok(times
            .into_iter()
            .map(|mut times| median(&mut times))
            .zip(returned)
            .collect())
    }

    /// The time a packet, and the result of the last.
    pub(crate) fn run(
        &mut self,
        name: &str,
        frame: &[u8],
        packets: u32,
    ) -> Result<(Duration, u32)> {
        let result = self.program(name)?.test_run(TestRunOptions {
            data_in: Some(frame),
            repeat: packets,
            ..TestRunOptions::default()
        })?;
        Ok((result.duration, result.return_value))
    }
}

fn load(root: &Path, capacity: u32) -> Result<Ebpf> {
    let pins = Pins::open(root)?;
    let mut loader = EbpfLoader::new();
    for name in names::MAPS {
        loader.map_pin_path(name, pins.map(name, false));
        if [names::BLOCK_V4, names::BLOCK_V6].contains(&name) {
            loader.map_max_entries(name, capacity);
        }
    }
    let mut programs = loader
        .load(OBJECT)
        .context("loading the benchmark's programs")?;
    for (name, program) in programs.programs_mut() {
        let program: &mut Xdp = program.try_into()?;
        program.load().with_context(|| format!("loading {name}"))?;
    }
    Ok(programs)
}

impl Drop for Bed {
    fn drop(&mut self) {
        if let Ok(pins) = Pins::open(&self.root) {
            // Nothing was attached; the pins are only the maps'.
            let _ = pins.remove();
        }
        let _ = fs::remove_dir(&self.root);
    }
}

/// The middle of `values`, which are sorted for it.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
