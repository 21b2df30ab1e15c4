//! gate's benchmark: everything is measured side by side in one run, and told as ratios.
//!
//! Out: a table on the terminal; with `--out`, `bench.json` and the plots in that directory.
//! Whatever sends a packet does so in a namespace that the benchmark has made.

#![forbid(unsafe_code)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "sizes and times of a benchmark are small numbers"
)]

mod bed;
mod connections;
mod evidence;
mod floods;
mod frames;
mod lane;
mod lists;
mod loading;
mod lookups;
mod names;
mod peers;
mod plot;
mod policy;
mod rows;

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;

use crate::{bed::Bed, floods::Flood, lists::List, lookups::Costs, peers::Peer, plot::Line};

/// Measures the gate on this machine's kernel, beside its peers.
#[derive(Parser)]
struct Arguments {
    /// Fewer rounds and smaller tables: three minutes
    #[arg(long)]
    quick: bool,
    /// Measure the policy service and the counting of connections alone
    #[arg(long, conflicts_with = "out")]
    door: bool,
    /// Write the numbers and the plots into this directory
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
}

/// How much is measured.
struct Extent {
    large: usize,
    v6: usize,
    sources: u32,
    rounds: usize,
    packets: u32,
    flood_rounds: usize,
    curve: &'static [usize],
    connections: u32,
}

/// Everything that was measured.
#[derive(serde::Serialize)]
struct Numbers {
    rows: Vec<rows::Row>,
    floods: Vec<Flood>,
    loading: loading::Loading,
    curve: Vec<(usize, Costs, Costs)>,
    kernel: String,
    processor: String,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    ensure!(
        rustix::process::geteuid().is_root(),
        "the benchmark needs root"
    );
    let extent = if arguments.quick {
        Extent {
            large: 1_000_000,
            v6: 200_000,
            sources: 100_000,
            rounds: 9,
            packets: 300_000,
            flood_rounds: 15,
            curve: &[1, 1_000, 1_000_000],
            connections: 100_000,
        }
    } else {
        Extent {
            large: 1_000_000,
            v6: 200_000,
            sources: 1_000_000,
            rounds: 15,
            packets: 500_000,
            flood_rounds: 25,
            curve: &[1, 10, 100, 1_000, 10_000, 100_000, 1_000_000],
            connections: 1_000_000,
        }
    };
    if arguments.door {
        println!("{}", rows::table(&door(&extent)?));
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let _guard = runtime.enter();
    let numbers = measure(&extent)?;
    println!("\n{}", rows::table(&numbers.rows));
    if let Some(directory) = arguments.out {
        write(&directory, &numbers)
            .with_context(|| format!("writing to {}", directory.display()))?;
    }
    Ok(())
}

fn measure(extent: &Extent) -> Result<Numbers> {
    let peers = Peer::installed();
    let mut bed = Bed::new(1 << 20)?;
    let mut rows = Vec::new();

    println!("a small gate …");
    let small = List::mixed(1_000);
    bed.gate.apply(&small.diff())?;
    rows.push(loading::memory(1_000, bed.gate.maps().memory(), 40.0));
    bed.gate.apply(&small.undo())?;

    rows.push(evidence::small_gate(&small)?);

    println!("reverse names …");
    rows.extend(names::rows()?);

    println!("loading …");
    let loading = loading::measure(&mut bed, extent.large, &peers)?;
    rows.extend(loading.rows());

    println!("lookups, IPv4 …");
    rows.extend(lookups::v4(&mut bed, extent.large, extent.rounds)?);
    println!("lookups, IPv6 …");
    rows.extend(lookups::v6(&mut bed, extent.v6, extent.rounds)?);

    let mut curve = Vec::new();
    for &size in extent.curve {
        println!("lookups, {size} addresses …");
        let (listed, clean) = lookups::both(&mut bed, &List::addresses(size), extent.rounds)?;
        curve.push((size, listed, clean));
    }

    let mut floods = Vec::new();
    for (name, list, of_bare) in [
        ("65536 listed /24s", List::slash_24s(65_536), 0.9),
        ("1000000 listed /32s", List::addresses(extent.large), 0.8),
    ] {
        println!("flood from {name} …");
        let flood = floods::measure(
            &mut bed,
            (name, &list),
            &peers,
            extent.packets,
            extent.flood_rounds,
        )?;
        rows.extend(flood.rows(of_bare));
        floods.push(flood);
    }
    rows.extend(door(extent)?);
    println!("evidence of {} sources …", extent.sources);
    rows.extend(evidence::rows(extent.sources)?);
    Ok(Numbers {
        rows,
        floods,
        loading,
        curve,
        kernel: first_line("/proc/sys/kernel/osrelease"),
        processor: processor(),
    })
}

/// What happens at the mail server's door.
fn door(extent: &Extent) -> Result<Vec<rows::Row>> {
    println!("policy decisions …");
    let mut rows = policy::rows(extent.rounds)?;
    println!("policy service, a crowd …");
    rows.push(policy::crowd()?);
    println!("{} connections …", extent.connections);
    rows.push(connections::row(extent.connections)?);
    Ok(rows)
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("model name")?.split(": ").nth(1))
        .collect();
    format!("{} × {}", names.len(), names.first().unwrap_or(&"unknown"))
}

fn write(directory: &std::path::Path, numbers: &Numbers) -> Result<()> {
    fs::create_dir_all(directory)?;
    fs::write(
        directory.join("bench.json"),
        serde_json::to_string_pretty(numbers)? + "\n",
    )?;
    let line = |name, cost: fn(&(usize, Costs, Costs)) -> f64| Line {
        name,
        points: numbers
            .curve
            .iter()
            .map(|of| (of.0 as f64, cost(of)))
            .collect(),
    };
    let lookups = plot::lines(
        "a SYN from a listed source",
        ("listed addresses", "ns a packet (test-run)"),
        &[
            line("gate", |(_, listed, _)| listed.gate),
            line("plain LPM trie", |(_, listed, _)| listed.trie),
            line("parse only", |(_, listed, _)| listed.parse),
        ],
    );
    fs::write(directory.join("lookups.svg"), lookups)?;
    let groups: Vec<_> = numbers
        .floods
        .iter()
        .map(|flood| {
            let rates = flood
                .rates
                .iter()
                .map(|&(name, rate)| (name, rate / 1e6))
                .collect();
            (format!("flood from {}", flood.list), rates)
        })
        .collect();
    let floods = plot::bars("packets dropped a second, one core", "M/s", &groups);
    fs::write(directory.join("floods.svg"), floods)?;
    Ok(())
}
