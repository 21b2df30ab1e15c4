//! The command line of `gated`.

use std::path::PathBuf;

use clap::Parser;

/// Decides who is listed, and keeps the kernel's gate so.
///
/// Exits with 0 when told to stop, with 2 when the configuration is wrong, and with 1 on
/// any other error. The gate stays on the wire in each case; `gatectl detach` takes it off.
#[derive(Debug, Parser)]
#[command(name = "gated", version)]
pub struct Arguments {
    /// The configuration file. Without it, every key has its default.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Check the configuration, say what is wrong with it or where its control socket is, and exit.
    #[arg(long)]
    pub check_config: bool,
    /// Take off the wire what a gated that has ended left there, enforcing, and exit. One that runs
    /// is told by `gatectl detach`.
    #[arg(long, conflicts_with = "check_config")]
    pub detach: bool,
}
