//! The tarball: static programs, linked with musl, which run on any distribution.
//!
//! The compiler for the kernel program builds them, and the standard library with them, from its
//! source: so no compiled library for musl has to be downloaded, which only rustup has. C parts and
//! the C library are Debian's (musl-tools), unwinding is LLVM's.

use std::{
    env::consts::ARCH,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::{directory, reference};
use crate::{
    run::{HOST_PACKAGES, root_dir, run, say},
    setup::{self, Static},
};

/// What is in the tarball besides programs, manual and completions.
const FILES: [&str; 13] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "docs",
    "packaging/gate.toml",
    "packaging/grafana",
    "packaging/prometheus",
    "packaging/systemd",
    "gate-ebpf/LICENSE-GPL2",
];

/// Makes the tarball.
pub(super) fn make() -> Result<PathBuf> {
    let reference = reference()?;
    let built = build()?;
    let name = format!("gate-{}-{ARCH}-linux", env!("CARGO_PKG_VERSION"));
    let contents = directory().join(&name);
    if contents.exists() {
        fs::remove_dir_all(&contents)
            .with_context(|| format!("removing {}", contents.display()))?;
    }
    fs::create_dir_all(&contents)?;
    let mut copy = Command::new("cp");
    copy.arg("--recursive").current_dir(root_dir());
    copy.args(["gated", "gatectl"].map(|program| built.join(program)));
    copy.args(["man", "completions"].map(|part| reference.join(part)));
    run(copy.args(FILES).arg(&contents))?;
    let tarball = directory().join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.arg("--create")
        .arg("--gzip")
        .arg("--file")
        .arg(&tarball);
    tar.args(["--sort=name", "--owner=root:0", "--group=root:0"]);
    run(tar.arg("--directory").arg(directory()).arg(&name))?;
    Ok(tarball)
}

/// Builds the static programs; the directory they are in.
fn build() -> Result<PathBuf> {
    let Static {
        toolchain,
        unwinder,
    } = setup::static_programs()?;
    let target = format!("{ARCH}-unknown-linux-musl");
    let linker = linker(&unwinder)?;
    say("building gated, gatectl, and the standard library, for musl");
    let mut build = Command::new("rustup");
    build.current_dir(root_dir());
    build.args(["run", &toolchain, "cargo", "build", "--locked", "--release"]);
    // Debian's compiler is a stable one, and building the standard library is for nightlies.
    build.env("RUSTC_BOOTSTRAP", "1");
    build.args(["-Z", "build-std=std,panic_unwind", "--target", &target]);
    build
        .args(HOST_PACKAGES)
        .args(["--bin", "gated", "--bin", "gatectl"]);
    // Debug information is as large as all the rest.
    build.env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    let variable = target.replace('-', "_");
    let for_target = format!("CARGO_TARGET_{}", variable.to_uppercase());
    build.env(format!("{for_target}_LINKER"), &linker);
    build.env(
        format!("{for_target}_RUSTFLAGS"),
        "-C link-self-contained=no",
    );
    build.env(format!("CC_{variable}"), "musl-gcc");
    let target_dir = directory().join("musl");
    run(build.env("CARGO_TARGET_DIR", &target_dir))?;
    Ok(target_dir.join(target).join("release"))
}

/// Writes the script that links: `musl-gcc` knows no static programs that the kernel may load
/// anywhere (static PIE), so it is told what they are linked from. First what begins a program: what that
/// needs is looked for in the libraries behind it. Last what ends the frames that are unwound, or
/// LLVM's unwinder looks for those that have none beyond the end.
fn linker(unwinder: &Path) -> Result<PathBuf> {
    let library = format!("/usr/lib/{ARCH}-linux-musl");
    // LLVM's unwinder is built against glibc; the one function that musl does not have prints what is
    // wrong before the unwinder gives up.
    let script = format!(
        "#!/bin/sh\n\
         exec musl-gcc -nostartfiles {library}/rcrt1.o {library}/crti.o \"$@\" \\\n    \
         \"$(gcc -print-file-name=crtendS.o)\" {library}/crtn.o \\\n    \
         -L{} -Wl,-static,-pie,--no-dynamic-linker,-z,text -Wl,--defsym=__fprintf_chk=abort\n",
        unwinder.display()
    );
    fs::create_dir_all(directory())?;
    let path = directory().join("musl-link");
    fs::write(&path, script).with_context(|| format!("writing {}", path.display()))?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    Ok(path)
}
