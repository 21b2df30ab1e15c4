//! What makes packages: cargo-deb, and for static programs a C library and an unwinder.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, ensure};

use super::{apt, compiler};
use crate::run::{cargo, output, run, say};

/// The version that gate is packaged with.
const VERSION: &str = "3.8.0";

/// Installs cargo-deb, and what tells it which libraries a program needs.
///
/// # Errors
/// This is no Debian, or the installation fails.
pub(crate) fn packager() -> Result<()> {
    provide(&["dpkg-dev"])?;
    // It tells its name as well, or, as earlier ones do, the number alone.
    let is_installed = || {
        output(Command::new("cargo-deb").arg("--version"))
            .is_some_and(|told| told.split_whitespace().last() == Some(VERSION))
    };
    if is_installed() {
        return Ok(());
    }
    say(&format!("cargo install cargo-deb@{VERSION}"));
    let package = format!("cargo-deb@{VERSION}");
    run(cargo().args(["install", "--force", "--locked", &package]))?;
    ensure!(
        is_installed(),
        "cargo-deb {VERSION} is built, but not the one found: put cargo's bin directory first in PATH"
    );
    Ok(())
}

/// What builds static programs.
pub(crate) struct Static {
    /// The rustup toolchain with the source of its library.
    pub(crate) toolchain: String,
    /// The directory that holds `libunwind.a`.
    pub(crate) unwinder: PathBuf,
}

/// Installs what it takes to build static programs.
///
/// # Errors
/// As [`packager`].
pub(crate) fn static_programs() -> Result<Static> {
    let (compiler, _) = compiler::provide()?;
    let unwinder = format!("libunwind-{}-dev", compiler.llvm);
    provide(&["musl-tools", &unwinder])?;
    Ok(Static {
        unwinder: Path::new("/usr/lib").join(format!("llvm-{}/lib", compiler.llvm)),
        toolchain: compiler.toolchain,
    })
}

fn provide(packages: &[&str]) -> Result<()> {
    ensure!(
        apt::available(),
        "packages are made on Debian, and this machine has no apt"
    );
    let missing = apt::missing(packages);
    if missing.is_empty() {
        return Ok(());
    }
    apt::install(
        &missing,
        "on Debian 12 LLVM comes with the security updates (bookworm-security in \
         /etc/apt/sources.list)",
    )
}
