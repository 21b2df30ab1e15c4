//! `gated`: the daemon.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser as _;
use gate_user::{
    config::Config,
    daemon::{self, Arguments, DaemonError, Options},
};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = if arguments.check_config {
        check(arguments.config.as_deref())
    } else {
        serve(Options {
            config: arguments.config,
        })
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

fn serve(options: Options) -> Result<(), DaemonError> {
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
