//! `gated`: the daemon.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use gate_user::{
    config::Config,
    daemon::{self, DaemonError, Loader, Options, Passed},
};

/// Decides who is listed, and keeps the kernel's gate so.
///
/// Exits with 0 when told to stop, with 2 when the configuration is wrong, and with 1 on
/// any other error. The gate stays on the wire in each case; `gatectl detach` takes it off.
#[derive(Parser)]
#[command(name = "gated", version)]
struct Cli {
    /// The configuration file. Without it, every key has its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the configuration, say what is wrong with it or where its control socket is, and exit.
    #[arg(long)]
    check_config: bool,
    /// Take off the wire what a gated that has ended left there, enforcing, and exit. One that runs
    /// is told by `gatectl detach`.
    #[arg(long, conflicts_with = "check_config")]
    detach: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = if cli.check_config {
        check(cli.config.as_deref())
    } else if cli.detach {
        daemon::detach(cli.config.as_deref())
    } else {
        serve(cli.config)
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gated: {error}");
            ExitCode::from(match error {
                DaemonError::Config(_) => 2,
                _ => 1,
            })
        }
    }
}

fn check(path: Option<&std::path::Path>) -> Result<(), DaemonError> {
    let path = path.unwrap_or(gate_user::config::DEFAULT_PATH.as_ref());
    let config = Config::load(path)?;
    println!("{}: no error found", path.display());
    println!(
        "control socket: {}",
        config.paths.control_socket().display()
    );
    Ok(())
}

fn serve(config: Option<PathBuf>) -> Result<(), DaemonError> {
    let options = Options {
        config,
        passed: Passed::receive()?,
        loader: Loader::start()?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|source| DaemonError::File {
            path: PathBuf::from("/"),
            what: "starting the runtime",
            source,
        })?;
    runtime.block_on(daemon::run(options))
}
