//! bpf-linker, built against the LLVM of the compiler whose output it reads.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::{
    apt,
    compiler::{Compiler, numbers},
};
use crate::run::{cargo, output, run, say};

/// The version that gate is tested with; newer ones do as well.
const VERSION: &str = "0.13.0";

/// The linker's name and version, and whether it had to be installed.
pub(super) fn provide(compiler: &Compiler) -> Result<(String, bool)> {
    if let Some(linker) = installed() {
        return Ok((linker, false));
    }
    let llvm = compiler.llvm;
    let prefix = llvm_prefix(llvm)?;
    say(&format!(
        "cargo install bpf-linker@{VERSION}, with {} (two minutes or so)",
        prefix.display()
    ));
    // Against rustc's own LLVM (feature rust-llvm-*) it crashed while linking; the distribution's
    // LLVM of the same version does not.
    let mut install = cargo();
    install
        .args([
            "install",
            "--force",
            "--locked",
            &format!("bpf-linker@{VERSION}"),
        ])
        .args([
            "--no-default-features",
            "--features",
            &format!("llvm-{llvm}"),
        ])
        .env("LLVM_PREFIX", &prefix)
        .env(format!("LLVM_SYS_{llvm}1_PREFIX"), &prefix);
    run(&mut install)?;
    let linker = installed().context(
        "bpf-linker is built, but not found: put cargo's bin directory (~/.cargo/bin) in PATH",
    )?;
    Ok((linker, true))
}

/// The linker in `PATH`, if it is new enough.
fn installed() -> Option<String> {
    let linker = output(Command::new("bpf-linker").arg("--version"))?;
    let version = linker.strip_prefix("bpf-linker ")?;
    (numbers(version) >= numbers(VERSION)).then_some(linker)
}

/// Where LLVM of that version is installed, with what is needed to build against it.
fn llvm_prefix(version: u32) -> Result<PathBuf> {
    if apt::available() {
        let packages = [
            format!("llvm-{version}-dev"),
            format!("libpolly-{version}-dev"),
        ];
        let missing = apt::missing(&packages.each_ref().map(String::as_str));
        if !missing.is_empty() {
            apt::install(
                &missing,
                "on Debian 12 they come with the security updates (bookworm-security in \
                 /etc/apt/sources.list); or install the packages of https://apt.llvm.org",
            )?;
        }
        return Ok(Path::new("/usr/lib").join(format!("llvm-{version}")));
    }
    let named = [format!("llvm-config-{version}"), "llvm-config".to_owned()];
    let prefix = named.iter().find_map(|llvm_config| {
        let is_wanted = output(Command::new(llvm_config).arg("--version"))
            .is_some_and(|found| numbers(&found).first() == Some(&version));
        let prefix = output(Command::new(llvm_config).arg("--prefix"))?;
        is_wanted.then(|| PathBuf::from(prefix))
    });
    prefix.with_context(|| {
        format!(
            "bpf-linker is missing, and to build it LLVM {version} with its development files and \
             Polly, its llvm-config in PATH: install that, then this again"
        )
    })
}
