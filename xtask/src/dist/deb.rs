//! The Debian package, by cargo-deb. What is in it: `[package.metadata.deb]` in gate-user/Cargo.toml.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::{directory, programs, reference};
use crate::{
    run::{cargo, output, say},
    setup,
};

/// Makes the package, as `version` where that is to be another than the workspace's.
pub(super) fn make(version: Option<&str>) -> Result<PathBuf> {
    setup::packager()?;
    reference(&programs()?)?;
    say("cargo deb");
    let mut deb = cargo();
    deb.args(["deb", "--locked", "--no-build", "--package", "gate-user"]);
    deb.arg("--output").arg(directory());
    if let Some(version) = version {
        deb.args(["--deb-version", version]);
    }
    // Its last line is where the package is.
    let said = output(&mut deb).context("`cargo deb` failed, see above")?;
    let path = said
        .lines()
        .last()
        .context("`cargo deb` names no package")?;
    Ok(path.into())
}
