//! `cargo xtask bench`: builds the benchmark and runs it as root.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::{
    build,
    run::{as_root, run},
};

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Fewer rounds: about three minutes
    #[arg(long)]
    quick: bool,
    /// Measure the policy service and the counting of connections alone
    #[arg(long, conflicts_with = "out")]
    door: bool,
    /// Write the numbers as JSON and the plots into this directory
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
}

/// Measures the gate on this machine's kernel, beside its peers where they are installed.
pub(crate) fn bench(options: &Options) -> Result<()> {
    let programs = build::programs(&["gate-bench", "gated", "gatectl", "gate-lab"], true)?;
    let mut bench = as_root(programs.join("gate-bench"), "cargo xtask bench")?;
    if options.quick {
        bench.arg("--quick");
    }
    if options.door {
        bench.arg("--door");
    }
    if let Some(directory) = &options.out {
        bench.arg("--out").arg(directory);
    }
    run(&mut bench)
}
