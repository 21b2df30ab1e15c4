//! Builds the kernel object that `gated` embeds, and tells the crate where it is.
//!
//! In: `GATE_BPF_OBJECT`, a prebuilt object to embed instead. Otherwise the toolchain that
//! `cargo xtask setup` linked, or a rustup nightly with rust-src. Out: `GATE_OBJECT`, the object's
//! path, for `include_bytes_aligned!`.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, exit},
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
        let status = Command::new(env::current_exe()?)
            .env("RUSTC_BOOTSTRAP", "1")
            .status()?;
        exit(status.code().unwrap_or(1));
    }
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
    Ok(PathBuf::from(env::var("OUT_DIR")?).join("gate"))
}
