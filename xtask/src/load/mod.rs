//! `cargo xtask build-and-load`: from source to an enforcing gate on this machine.
//!
//! A gate that stands already is upgraded: its `gated` is stopped, the new one takes over what is
//! in the kernel, which enforces all the while.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::{build, run::say};

mod config;
mod control;
mod daemon;

use config::Paths;
use control::Control;
use daemon::Daemon;

/// What to load, and where.
#[derive(Args)]
pub(crate) struct Options {
    /// Block lists to enforce: a network a line, or Spamhaus DROP's JSON if called `*.json`
    lists: Vec<PathBuf>,
    /// Interface to guard, repeatable. Without it: the default route's
    #[arg(long = "iface", value_name = "IF")]
    interfaces: Vec<String>,
    /// Keep gated in the terminal
    #[arg(long)]
    foreground: bool,
    /// Configuration file for gated. Without it: its defaults, and what is said here
    #[arg(long, value_name = "FILE", conflicts_with_all = ["lists", "interfaces", "Paths"])]
    config: Option<PathBuf>,
    #[command(flatten)]
    paths: Paths,
}

/// Builds, loads, waits until the gate enforces, and says how to go on.
///
/// # Errors
/// Something lacks or fails; if it is `gated`, the error shows the end of its log.
pub(crate) fn build_and_load(options: &Options) -> Result<()> {
    let programs = build::programs(&["gated", "gatectl"], true)?;
    let config = match &options.config {
        Some(file) => Some(file.canonicalize()?),
        None => config::generate(&options.lists, &options.interfaces, &options.paths)?,
    };
    let socket = config::check(&programs.join("gated"), config.as_deref())?;
    let control = Control::new(programs.join("gatectl"), socket);
    if let Some(pid) = control.running() {
        say(&format!(
            "upgrading: gated (process {pid}) ends, the kernel goes on enforcing"
        ));
        daemon::stop(pid)?;
    }
    say("starting gated");
    let mut daemon = Daemon::start(
        &programs.join("gated"),
        config.as_deref(),
        &control,
        options.foreground,
    )?;
    daemon.wait_until_it_stands(&control)?;
    control.print()?;
    println!("{}", daemon.how_to_go_on(&control));
    daemon.stay()
}
