//! Builds the benchmark's programs for the kernel, and tells the crate where they are.
//!
//! Out: `GATE_BENCH_OBJECT`, the object's path, for `include_bytes_aligned!`.

use std::{env, path::Path};

use anyhow::{Context as _, Result};

#[path = "../../gate-user/bpf.rs"]
mod bpf;

fn main() -> Result<()> {
    let manifest = env::var("CARGO_MANIFEST_DIR")?;
    let root = Path::new(&manifest)
        .parent()
        .context("the crate lies in the workspace")?;
    let objects = bpf::build("gate-bench-ebpf", &root.join("bench-ebpf"))?;
    let object = objects.join("gate-bench");
    println!("cargo:rustc-env=GATE_BENCH_OBJECT={}", object.display());
    Ok(())
}
