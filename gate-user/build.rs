//! Builds the kernel object that `gated` embeds, and tells the crate where it is.
//!
//! In: `GATE_BPF_OBJECT`, a prebuilt object to embed instead. Out: `GATE_OBJECT`, the object's path,
//! for `include_bytes_aligned!`.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

mod bpf;

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
    let objects = bpf::build("gate-ebpf", &root.join("gate-ebpf"))?;
    Ok(objects.join("gate"))
}
