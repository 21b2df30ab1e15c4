//! Operators who are not root: the group of the control socket.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context as _, Result};
use gate_tests::lab::{Gate, Lab, program};

/// A group that Debian has from the start (base-passwd), and that is nobody's own.
const GROUP: &str = "operator";

/// `nobody`, as `gatectl` names the user.
const NOBODY: &str = "uid 65534";

/// A `gatectl` that every user can run, wherever the workspace lies.
fn gatectl(lab: &Lab) -> Result<PathBuf> {
    let copy = lab.dir("bin")?.join("gatectl");
    fs::copy(program("gatectl")?, &copy)?;
    Ok(copy)
}

/// What `gatectl` says to the user nobody, with those groups besides its own.
fn as_nobody(gatectl: &Path, gate: &Gate, groups: &str, arguments: &[&str]) -> Result<Output> {
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--reuid=nobody", "--regid=nogroup", groups]);
    setpriv.arg(gatectl).arg("--socket").arg(gate.socket());
    let output = setpriv.args(arguments).output();
    output.context("running setpriv (Debian: util-linux)")
}

#[test]
fn who_is_in_the_group_commands_and_who_is_not_is_told_so() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab
        .gate()
        .with(&format!("[control]\ngroup = '{GROUP}'"))
        .start()?;
    let gatectl = gatectl(&lab)?;
    let block = ["block", "192.0.2.0/24"];

    let refused = as_nobody(&gatectl, &gate, "--clear-groups", &block)?;
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let says = String::from_utf8(refused.stderr)?;
    let expected = format!(
        "gatectl: {}: permission denied; be root, or in the group of the socket\n",
        gate.socket().display()
    );
    assert_eq!(says, expected);
    assert_eq!(gate.json(&["list"])?["total"], 0, "nothing was done");

    let member = format!("--groups={GROUP}");
    let done = as_nobody(&gatectl, &gate, &member, &block)?;
    assert!(done.status.success(), "{done:?}");
    let allow = ["allow", "192.0.2.25"];
    assert!(
        as_nobody(&gatectl, &gate, &member, &allow)?
            .status
            .success()
    );
    gate.unblock("192.0.2.0/24")?;
    assert!(
        as_nobody(&gatectl, &gate, &member, &["disallow", "192.0.2.25"])?
            .status
            .success()
    );

    let history = gate.json(&["history", "192.0.2.0/24"])?;
    let entries = history["entries"].as_array().context("entries")?;
    let told = |network: &str| {
        let mut found = entries.iter().filter(|it| it["network"] == network);
        let entry = found
            .next()
            .with_context(|| format!("no {network}: {history}"))?;
        anyhow::Ok((entry["added_by"].clone(), entry["ended_by"].clone()))
    };
    assert_eq!(told("192.0.2.0/24")?, (NOBODY.into(), "uid 0".into()));
    assert_eq!(told("192.0.2.25/32")?, (NOBODY.into(), NOBODY.into()));
    Ok(())
}

#[test]
fn a_group_that_does_not_exist_is_named() -> Result<()> {
    let lab = Lab::new()?;
    let started = lab
        .gate()
        .with("[control]\ngroup = 'no-such-group'")
        .start();
    let error = started.expect_err("there is no such group").to_string();
    assert!(
        error.contains("control socket: no group `no-such-group` in /etc/group"),
        "{error}"
    );
    Ok(())
}
