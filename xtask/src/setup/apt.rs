//! Debian's packages: which are installed, and installing those that are not.

use std::process::Command;

use anyhow::{Result, bail};

use crate::run::{as_root, find, output, run, say};

/// Installs without questions, and lets no installed service start: `invoke-rc.d` asks
/// `policy-rc.d` (Debian policy 9.3.3), which this script provides for the time where there is none.
const INSTALL: &str = r#"
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" || exit
fi
export DEBIAN_FRONTEND=noninteractive
install() {
    apt-get --quiet --yes --no-install-recommends --option DPkg::Lock::Timeout=300 \
        --option Dpkg::Options::=--force-confold install "$@"
}
install "$@" && exit
echo "==> the package lists may be old: apt-get update"
apt-get --quiet update
install "$@"
"#;

/// Whether this machine installs by apt.
pub(crate) fn available() -> bool {
    find("apt-get").is_some() && find("dpkg-query").is_some()
}

/// Those of `packages` that are not installed.
pub(crate) fn missing<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    let is_installed = |package: &str| {
        output(Command::new("dpkg-query").args([
            "--show",
            "--showformat=${db:Status-Status}",
            package,
        ]))
        .is_some_and(|status| status == "installed")
    };
    let missing = packages.iter().filter(|package| !is_installed(package));
    missing.copied().collect()
}

/// Installs `packages`, or brings them up to date.
///
/// # Errors
/// This is not root and cannot become root, or apt fails: `hint` says what the operator can do.
pub(crate) fn install(packages: &[&str], hint: &str) -> Result<()> {
    let what = format!("apt-get install {}", packages.join(" "));
    say(&what);
    let mut script = as_root("sh", &what)?;
    script.args(["-c", INSTALL, "install"]).args(packages);
    if script.status()?.success() {
        return Ok(());
    }
    let unknown: Vec<_> = packages
        .iter()
        .filter(|package| !has_candidate(package))
        .collect();
    if unknown.is_empty() {
        bail!("apt-get install failed, see above");
    }
    bail!("apt knows no package {unknown:?}: {hint}");
}

/// Installs `packages` as the archive has them now, whatever the lists here say.
///
/// # Errors
/// As [`install`].
pub(crate) fn upgrade(packages: &[&str], hint: &str) -> Result<()> {
    say("apt-get update");
    let mut update = as_root("apt-get", "apt-get update")?;
    run(update.args(["--quiet", "update"]))?;
    install(packages, hint)
}

/// Whether apt could install `package`.
fn has_candidate(package: &str) -> bool {
    let mut policy = Command::new("apt-cache");
    policy.args(["policy", package]).env("LC_ALL", "C");
    output(&mut policy).is_some_and(|policy| {
        policy
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Candidate: "))
            .any(|candidate| candidate != "(none)")
    })
}
