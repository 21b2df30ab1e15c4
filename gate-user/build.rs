//! Builds the kernel object that `gated` embeds, and tells the crate where it is.
//!
//! In: `GATE_BPF_OBJECT`, a prebuilt object to embed instead. Otherwise the toolchain that
//! `cargo xtask setup` linked, or a rustup nightly with rust-src. Out: `GATE_OBJECT`, the object's
//! path, for `include_bytes_aligned!`.

use std::{
    env, fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio, exit},
};

use anyhow::{Context as _, Result};
use aya_build::{Package, Toolchain};

mod toolchain;

fn main() -> Result<()> {
    println!("cargo:rerun-if-env-changed=GATE_BPF_OBJECT");
    println!("cargo:rerun-if-changed=migrations");
    let object = match env::var_os("GATE_BPF_OBJECT") {
        Some(prebuilt) => prebuilt_object(Path::new(&prebuilt))?,
        None => build_object()?,
    };
    println!("cargo:rustc-env=GATE_OBJECT={}", object.display());
    Ok(())
}

fn prebuilt_object(path: &Path) -> Result<PathBuf> {
    println!("cargo:rerun-if-changed={}", path.display());
    path.canonicalize()
        .with_context(|| format!("GATE_BPF_OBJECT={}: no such object", path.display()))
}

fn build_object() -> Result<PathBuf> {
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    let manifest_dir = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = manifest_dir
        .parent()
        .context("the crate lies in the workspace")?;
    // The kernel program's other half: a change there is a change of the object.
    println!(
        "cargo:rerun-if-changed={}",
        root.join("gate-common").display()
    );

    if env::var_os("RUSTC_BOOTSTRAP").is_none_or(|value| value != "1") {
        // Only a nightly builds `core` for BPF, or a compiler told to act as one. aya-build takes
        // that word from this process's environment, hence this process once more, with it set.
        run_again()?;
        return Ok(out_dir.join("gate"));
    }
    share_target_dir(&out_dir)?;
    let toolchain = toolchain::find()
        .context("running rustup; gate is built with rustup's cargo")?
        .context("no toolchain here builds BPF programs: run `cargo xtask setup` first")?;
    let program = root.join("gate-ebpf");
    let program = program.to_str().context("the workspace's path is UTF-8")?;
    aya_build::build_ebpf(
        [Package {
            name: "gate-ebpf",
            root_dir: program,
            ..Package::default()
        }],
        Toolchain::Custom(&toolchain),
    )
    .context("building gate-ebpf; `cargo xtask setup` installs what it needs")?;
    Ok(out_dir.join("gate"))
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

/// Gives aya-build's cargo one target directory for all builds of this crate: each profile and set
/// of features has its own `OUT_DIR`, and would compile `core` anew.
fn share_target_dir(out_dir: &Path) -> Result<()> {
    // TARGET/debug/build/gate-user-HASH/out
    let target = out_dir.ancestors().nth(4).context("cargo's OUT_DIR")?;
    let shared = target.join("bpf");
    fs::create_dir_all(&shared)?;
    match symlink(&shared, out_dir.join("aya-build")) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}
