//! The Debian package, by cargo-deb. What is in it: `[package.metadata.deb]` in gate-user/Cargo.toml.

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, Result};

use super::{directory, reference};
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

/// Makes the package.
pub(super) fn make(version: Version) -> Result<PathBuf> {
    setup::packager()?;
    build::programs(&["gated", "gatectl"], true)?;
    reference()?;
    let architecture = output(Command::new("dpkg").arg("--print-architecture"))
        .context("dpkg tells no architecture")?;
    let revision = match version {
        Version::This => concat!(env!("CARGO_PKG_VERSION"), "-1"),
        Version::Former => "0.0.1-1",
    };
    let path = directory().join(format!("gate_{revision}_{architecture}.deb"));
    say("cargo deb");
    let mut deb = cargo();
    // It warns of every file that is generated elsewhere than by cargo.
    deb.args(["deb", "--quiet", "--locked", "--no-build", "--strip"]);
    deb.args(["--package", "gate-user", "--deb-version", revision]);
    if version == Version::Former {
        deb.arg("--fast");
    }
    run(deb.arg("--output").arg(&path))?;
    Ok(path)
}
