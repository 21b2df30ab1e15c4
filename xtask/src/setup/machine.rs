//! A Debian to install packages in, and what looks at them.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::tools::{Tool, provide};
use crate::run::{as_root, root_dir, run, say};

const TOOLS: &[Tool] = &[
    Tool {
        program: "debootstrap",
        package: "debootstrap",
        why: "a fresh Debian to install the package in",
    },
    Tool {
        program: "lintian",
        package: "lintian",
        why: "whether the package is as Debian's policy has it",
    },
];

/// The release that the package is for.
const SUITE: &str = "bookworm";

/// Makes a fresh Debian, with systemd and a Postfix that is not started, unless it is there; the directory it is in.
///
/// # Errors
/// debootstrap cannot be installed, or fails.
pub(crate) fn machine() -> Result<PathBuf> {
    provide(TOOLS.iter())?;
    let root = root_dir().join("target/machine").join(SUITE);
    if root.exists() {
        return Ok(root);
    }
    say(&format!("debootstrap {SUITE}"));
    // One that was cut off is not taken for a whole one.
    let unfinished = root.with_extension("new");
    run(as_root("rm", "removing an unfinished Debian")?
        .args(["--recursive", "--force"])
        .arg(&unfinished))?;
    let mut debootstrap = as_root("debootstrap", "cargo xtask test")?;
    debootstrap.args([
        "--variant=minbase",
        "--include=systemd,systemd-sysv,dbus,postfix",
    ]);
    run(debootstrap.arg(SUITE).arg(&unfinished))?;
    // Most tests have something else on its port.
    run(
        as_root("chroot", "a Debian without a mail server that runs")?
            .arg(&unfinished)
            .args(["systemctl", "disable", "postfix"]),
    )?;
    run(as_root("mv", "naming the finished Debian")?
        .arg(&unfinished)
        .arg(&root))
    .context("naming the finished Debian")?;
    Ok(root)
}
