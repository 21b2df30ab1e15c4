//! Which compiler builds the kernel program. One file, read by two crates: the build script, which
//! uses that compiler, and `cargo xtask setup`, which provides it.
//!
//! Out: the name of a rustup toolchain that holds the library's source, or `None`.

use std::{io, path::Path, process::Command};

/// The rustup toolchain that `cargo xtask setup` links to the distribution's compiler.
pub(crate) const LINKED: &str = "gate-bpf";

/// The toolchain to build with: the linked one, or else a nightly.
///
/// # Errors
/// rustup is not there.
pub(crate) fn find() -> io::Result<Option<String>> {
    let listed = Command::new("rustup")
        .args(["toolchain", "list"])
        .output()?;
    let listed = String::from_utf8_lossy(&listed.stdout);
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let linked = names.iter().filter(|name| **name == LINKED);
    let nightlies = names.iter().filter(|name| name.starts_with("nightly"));
    Ok(linked
        .chain(nightlies)
        .find(|name| has_library_source(name))
        .map(ToString::to_string))
}

/// Whether `core` can be built with the toolchain, as no toolchain brings it compiled for BPF.
fn has_library_source(toolchain: &str) -> bool {
    let sysroot = Command::new("rustup")
        .args(["run", toolchain, "rustc", "--print", "sysroot"])
        .output();
    sysroot.is_ok_and(|sysroot| {
        let sysroot = String::from_utf8_lossy(&sysroot.stdout);
        Path::new(sysroot.trim())
            .join("lib/rustlib/src/rust/library/core/Cargo.toml")
            .exists()
    })
}
