//! Building programs for the kernel. One file, read by the build scripts that do.
//!
//! In: a package of the workspace, and the toolchain that `cargo xtask setup` linked, or a rustup
//! nightly with rust-src. Out: an object for each binary of the package, in `OUT_DIR`.

use std::{
    env, fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio, exit},
};

use anyhow::{Context as _, Result};
use aya_build::{Package, Toolchain};

#[path = "toolchain.rs"]
mod toolchain;

/// Builds the package `name`, which lies at `root`; the directory that its objects are in.
///
/// To be called by a build script before it prints anything that it does not want to print twice.
pub(crate) fn build(name: &str, root: &Path) -> Result<PathBuf> {
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    if env::var_os("RUSTC_BOOTSTRAP").is_none_or(|value| value != "1") {
        // Only a nightly builds `core` for BPF, or a compiler told to act as one. aya-build takes
        // that word from this process's environment, hence this process once more, with it set.
        run_again()?;
        return Ok(out_dir);
    }
    share_target_dir(&out_dir, name)?;
    let toolchain = toolchain::find()
        .context("running rustup; gate is built with rustup's cargo")?
        .context("no toolchain here builds BPF programs: run `cargo xtask setup` first")?;
    let package = Package {
        name,
        root_dir: root.to_str().context("the workspace's path is UTF-8")?,
        ..Package::default()
    };
    aya_build::build_ebpf([package], Toolchain::Custom(&toolchain))
        .with_context(|| format!("building {name}; `cargo xtask setup` installs what it needs"))?;
    Ok(out_dir)
}

/// Runs this program with `RUSTC_BOOTSTRAP` set, and passes on what it tells cargo. Its warnings,
/// most of them the progress of the build inside, only if it fails.
fn run_again() -> Result<()> {
    let again = Command::new(env::current_exe()?)
        .env("RUSTC_BOOTSTRAP", "1")
        .stderr(Stdio::inherit())
        .output()?;
    for line in String::from_utf8_lossy(&again.stdout).lines() {
        if !(again.status.success() && line.starts_with("cargo:warning=")) {
            println!("{line}");
        }
    }
    if !again.status.success() {
        exit(again.status.code().unwrap_or(1));
    }
    Ok(())
}

/// Gives aya-build's cargo one target directory for all builds of all packages: each profile and
/// set of features has its own `OUT_DIR`, and would compile `core` anew.
fn share_target_dir(out_dir: &Path, package: &str) -> Result<()> {
    // TARGET/debug/build/PACKAGE-HASH/out
    let target = out_dir.ancestors().nth(4).context("cargo's OUT_DIR")?;
    let shared = target.join("bpf");
    let own = out_dir.join("aya-build/target");
    fs::create_dir_all(&shared)?;
    fs::create_dir_all(&own)?;
    match symlink(&shared, own.join(package)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}
