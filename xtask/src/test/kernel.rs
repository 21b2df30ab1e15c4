//! Whether the kernel tests can run here, and as whom.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};

use crate::run::{Root, output, root};

/// The kernel's own type information, which the programs are fitted to when they are loaded.
const BTF: &str = "/sys/kernel/btf/vmlinux";

/// What runs the test binaries as root, as a variable for cargo; `None` where this is root.
///
/// # Errors
/// A kernel feature is missing, or this is not root and cannot become root.
pub(super) fn runner() -> Result<Option<(String, String)>> {
    let release =
        fs::read_to_string("/proc/sys/kernel/osrelease").context("reading the kernel's release")?;
    ensure!(
        is_new_enough(&release),
        "the kernel tests need Linux 6.1 or later, this is {}",
        release.trim()
    );
    ensure!(
        Path::new(BTF).exists(),
        "the kernel tests need a kernel with BTF (CONFIG_DEBUG_INFO_BTF): {BTF} is missing"
    );
    if root("cargo xtask test")? == Root::Already {
        return Ok(None);
    }
    let rustc = output(Command::new("rustc").arg("-vV")).context("running rustc")?;
    let host = rustc
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc tells no host")?;
    let variable = format!(
        "CARGO_TARGET_{}_RUNNER",
        host.replace('-', "_").to_uppercase()
    );
    Ok(Some((variable, "sudo --preserve-env".to_owned())))
}

/// Whether the kernel of that release is 6.1 or later.
fn is_new_enough(release: &str) -> bool {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (6, 1),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_6_1_and_later_will_do() {
        for (release, expected) in [
            ("6.18.44-fc-v595\n", true),
            ("6.1.0-37-cloud-amd64", true),
            ("7.0-rc1", true),
            ("5.15.0", false),
            ("6.0.12", false),
            ("unknown", false),
        ] {
            assert_eq!(is_new_enough(release), expected, "{release}");
        }
    }
}
