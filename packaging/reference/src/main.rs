//! `gate-reference OUTDIR`: writes what the programs tell of themselves.
//!
//! In: the command lines of `gatectl` and `gated`, `packaging/gate.toml`, and the reader of the
//! configuration. Out: manual pages (`man`), shell completions (`completions`), and
//! `configuration.md`, of which the repository holds a copy in `docs`.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Parser;

mod commands;
mod keys;
mod manual;
mod markdown;
mod prose;
mod reader;

/// Writes gate's manual pages, shell completions and the list of configuration keys.
#[derive(Parser)]
#[command(name = "gate-reference")]
struct Arguments {
    /// The directory to write to; made if it is not there.
    outdir: PathBuf,
}

fn main() -> ExitCode {
    match write(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn write(arguments: &Arguments) -> Result<()> {
    let out = &arguments.outdir;
    let (man, completions) = (out.join("man"), out.join("completions"));
    for directory in [&man, &completions] {
        fs::create_dir_all(directory)
            .with_context(|| format!("making the directory {}", directory.display()))?;
    }
    commands::write_manual(&man)?;
    commands::write_completions(&completions)?;
    let sections = keys::sections()?;
    for (path, text) in [
        (man.join("gate.toml.5"), manual::gate_toml(&sections)),
        (man.join("gate.7"), manual::GATE.to_owned()),
        (out.join("configuration.md"), markdown::page(&sections)),
    ] {
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}
