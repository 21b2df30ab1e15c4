//! Builds the lab's programs for the kernel, and tells the crate where they are.
//!
//! Out: `GATE_LAB_OBJECT`, the object's path, for `include_bytes_aligned!`.

use std::{env, path::Path};

use anyhow::Result;

#[path = "../gate-user/bpf.rs"]
mod bpf;

fn main() -> Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let objects = bpf::build("gate-lab-ebpf", &Path::new(&root).join("ebpf"))?;
    let object = objects.join("gate-lab-tags");
    println!("cargo:rustc-env=GATE_LAB_OBJECT={}", object.display());
    Ok(())
}
