//! `gated`: the daemon.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser as _;
use gate_user::{
    config::Config,
    daemon::{self, Arguments, DaemonError, Loader, Options, Passed},
};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = arguments.config.as_deref();
    let result = if arguments.check_config {
        check(config)
    } else if arguments.detach {
        runtime().and_then(|runtime| runtime.block_on(daemon::detach(config)))
    } else {
        serve(arguments.config)
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
    runtime()?.block_on(daemon::run(options))
}

fn runtime() -> Result<Runtime, DaemonError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|source| DaemonError::File {
            path: PathBuf::from("/"),
            what: "starting the runtime",
            source,
        })
}
