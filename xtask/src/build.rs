//! `cargo xtask build`: gated and gatectl, with the kernel program in them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::{
    run::{HOST_PACKAGES, cargo, root_dir, run, say},
    setup,
};

/// What to build.
#[derive(Args)]
pub(crate) struct Options {
    /// With optimizations, as for production
    #[arg(long)]
    release: bool,
}

/// Builds gated and gatectl, after installing what the build lacks.
pub(crate) fn build(options: &Options) -> Result<()> {
    let directory = programs(&["gated", "gatectl"], options.release)?;
    println!("built {}", directory.join("{gated,gatectl}").display());
    Ok(())
}

/// Builds the programs of these names, after installing what that lacks; the directory they are in.
pub(crate) fn programs(names: &[&str], release: bool) -> Result<PathBuf> {
    setup::toolchain()?;
    say(&format!("building {}", names.join(", ")));
    let mut build = cargo();
    build.args(["build", "--locked"]).args(HOST_PACKAGES);
    for name in names {
        build.args(["--bin", name]);
    }
    if release {
        build.arg("--release");
    }
    run(&mut build)?;
    Ok(target_dir().join(if release { "release" } else { "debug" }))
}

/// Has gate-reference, one of `programs`, write manual pages, completions and the list of keys into
/// `out`, and nothing else stay there.
pub(crate) fn reference(programs: &Path, out: &Path) -> Result<()> {
    if out.exists() {
        fs::remove_dir_all(out).with_context(|| format!("removing {}", out.display()))?;
    }
    run(Command::new(programs.join("gate-reference")).arg(out))
}

/// Where cargo puts what it builds.
fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root_dir().join("target"), |dir| root_dir().join(dir))
}
