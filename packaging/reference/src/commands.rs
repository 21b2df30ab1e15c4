//! Manual pages and shell completions, from the command lines that the programs parse.

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use gate_user::{cli, daemon};

fn programs() -> [Command; 2] {
    [cli::command(), daemon::Arguments::command()]
}

/// A page for each program and each command of it.
pub(crate) fn write_manual(directory: &Path) -> Result<()> {
    for program in programs() {
        let name = program.get_name().to_owned();
        let program = program.disable_help_subcommand(true);
        clap_mangen::generate_to(program, directory)
            .with_context(|| format!("writing the manual pages of {name}"))?;
    }
    Ok(())
}

/// What the shells of Debian complete a command line by.
pub(crate) fn write_completions(directory: &Path) -> Result<()> {
    for mut program in programs() {
        let name = program.get_name().to_owned();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            clap_complete::generate_to(shell, &mut program, &name, directory)
                .with_context(|| format!("writing the completions of {name} for {shell}"))?;
        }
    }
    Ok(())
}
