//! The compiler for the kernel program: Debian's own, linked into rustup, or a rustup nightly.

use std::{fmt, process::Command};

use anyhow::{Context as _, Result, bail};

use super::apt;
use crate::run::{output, run, say};

#[path = "../../../gate-user/toolchain.rs"]
mod toolchain;

/// The distribution's current compiler, backported for its browsers (hence "web"), with the source
/// of its library.
const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

const HINT: &str = "on Debian 12 they come with the security updates (bookworm-security in \
    /etc/apt/sources.list). Without them a nightly does as well: \
    `rustup toolchain install nightly --profile minimal --component rust-src`, then this again";

/// A compiler for the kernel program.
pub(crate) struct Compiler {
    /// The rustup toolchain's name.
    pub(crate) toolchain: String,
    /// Its version, as `1.96.0`.
    version: String,
    /// The major version of its LLVM: the linker must read what it writes.
    pub(crate) llvm: u32,
}

impl fmt::Display for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            toolchain,
            version,
            llvm,
        } = self;
        write!(f, "rustc {version} (toolchain {toolchain}, LLVM {llvm})")
    }
}

/// The compiler, and whether it had to be installed.
pub(super) fn provide() -> Result<(Compiler, bool)> {
    match usable()? {
        Some(linked) if linked.toolchain == toolchain::LINKED => Ok((linked, false)),
        Some(nightly) if !apt::available() => Ok((nightly, false)),
        None if !apt::available() => bail!(
            "no toolchain here builds BPF programs: run \
             `rustup toolchain install nightly --profile minimal --component rust-src`, then this again"
        ),
        // The linker wants the distribution's LLVM: its compiler is sure to fit, a nightly is not.
        nightly => match (link_packages(), nightly) {
            (Ok(linked), _) => Ok((linked, true)),
            (Err(error), Some(nightly)) => {
                say(&format!("no compiler from Debian: {error:#}"));
                Ok((nightly, false))
            }
            (Err(error), None) => Err(error),
        },
    }
}

/// Installs Debian's compiler and makes it a rustup toolchain.
fn link_packages() -> Result<Compiler> {
    let missing = apt::missing(&PACKAGES);
    if !missing.is_empty() {
        apt::install(&missing, HINT)?;
    }
    say(&format!("rustup toolchain link {} /usr", toolchain::LINKED));
    run(Command::new("rustup").args(["toolchain", "link", toolchain::LINKED, "/usr"]))?;
    if let Some(linked) = usable()? {
        return Ok(linked);
    }
    // There, but too old: perhaps only because the lists are.
    apt::upgrade(&PACKAGES, HINT)?;
    usable()?.with_context(|| {
        format!("{PACKAGES:?} are older than rustc {MINIMUM}, or lack the library's source: {HINT}")
    })
}

/// The oldest compiler that builds this workspace.
const MINIMUM: &str = env!("CARGO_PKG_RUST_VERSION");

/// The compiler that the build script will choose, if it is new enough.
fn usable() -> Result<Option<Compiler>> {
    let found = toolchain::find().context("running rustup; install it from https://rustup.rs")?;
    let Some(toolchain) = found else {
        return Ok(None);
    };
    let about = output(Command::new("rustup").args(["run", &toolchain, "rustc", "-vV"]));
    let about = about.with_context(|| format!("running rustc of toolchain {toolchain}"))?;
    let (Some(version), Some(llvm)) = (field(&about, "release: "), field(&about, "LLVM version: "))
    else {
        bail!("rustc of toolchain {toolchain} tells no version: {about}");
    };
    if numbers(version) < numbers(MINIMUM) {
        return Ok(None);
    }
    let llvm = numbers(llvm).first().copied().unwrap_or_default();
    let version = version.to_owned();
    Ok(Some(Compiler {
        toolchain,
        version,
        llvm,
    }))
}

/// What follows `label` in a line of `text`.
fn field<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(label))
}

/// The numbers of a version: `1.96.0-nightly` is 1, 96, 0.
pub(super) fn numbers(version: &str) -> Vec<u32> {
    let release = version.split(['-', '+']).next().unwrap_or_default();
    release
        .split('.')
        .map_while(|number| number.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_numbers() {
        assert_eq!(numbers("1.97.0-nightly"), [1, 97, 0]);
        assert!(numbers("1.96.0") > numbers("1.95"));
        assert!(numbers("1.85.0") < numbers("1.95"));
        assert!(numbers("0.9.15") < numbers("0.13.0"));
    }

    #[test]
    fn rustc_tells_its_llvm() {
        let about = "rustc 1.96.0\nrelease: 1.96.0\nLLVM version: 22.1.8";
        assert_eq!(field(about, "LLVM version: "), Some("22.1.8"));
        assert_eq!(field(about, "host: "), None);
    }
}
