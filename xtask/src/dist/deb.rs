//! The Debian package, by cargo-deb. What is in it: `[package.metadata.deb]` in gate-user/Cargo.toml.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::reference;
use crate::{
    build,
    run::{cargo, output, run, say},
    setup,
};

/// Which package.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Version {
    /// The workspace's.
    This,
    /// One before the first: what the tests upgrade from.
    Former,
}

/// Which programs are in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Programs {
    /// Optimized ones, which are handed out.
    Optimized,
    /// Those that the other tests run, which are there already: the same package otherwise.
    Debug,
}

/// Makes the packages of `versions` in `directory`, which is made if it is missing; what was made.
pub(super) fn make(
    versions: &[Version],
    programs: Programs,
    directory: &Path,
) -> Result<Vec<PathBuf>> {
    setup::packager()?;
    build::programs(&["gated", "gatectl"], programs == Programs::Optimized)?;
    reference()?;
    fs::create_dir_all(directory).with_context(|| format!("making {}", directory.display()))?;
    let package = |version: &Version| package(*version, programs, directory);
    versions.iter().map(package).collect()
}

fn package(version: Version, programs: Programs, directory: &Path) -> Result<PathBuf> {
    let architecture = output(Command::new("dpkg").arg("--print-architecture"))
        .context("dpkg tells no architecture")?;
    let revision = match version {
        Version::This => concat!(env!("CARGO_PKG_VERSION"), "-1"),
        Version::Former => "0.0.1-1",
    };
    let path = directory.join(format!("gate_{revision}_{architecture}.deb"));
    say("cargo deb");
    let mut deb = cargo();
    // It warns of every file that is generated elsewhere than by cargo.
    deb.args(["deb", "--quiet", "--locked", "--no-build", "--strip"]);
    deb.args(["--package", "gate-user", "--deb-version", revision]);
    if programs == Programs::Debug {
        deb.args(["--profile", "dev", "--fast"]);
    }
    run(deb.arg("--output").arg(&path))?;
    Ok(path)
}
