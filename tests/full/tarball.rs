//! The tarball: its programs run where there is nothing else, and guard; and docs/install.md makes a
//! service of it in a Debian that boots, word for word.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};
use gate_tests::{
    lab::{
        Lab,
        Outcome::{Connected, TimedOut},
    },
    machine::{Machine, Operator, Step, packages, steps_under},
};

/// Unpacks the tarball; the directory that was in it.
fn unpack(lab: &Lab) -> Result<PathBuf> {
    // Those of other versions may be there still.
    let begins = concat!("gate-", env!("CARGO_PKG_VERSION"), "-");
    let is_ours = |name: &str| name.starts_with(begins) && name.ends_with(".tar.gz");
    let tarball = fs::read_dir(packages()?)?
        .filter_map(Result::ok)
        .find(|entry| entry.file_name().to_str().is_some_and(is_ours))
        .map(|entry| entry.path())
        .context("no tarball is made")?;
    let to = lab.dir("unpacked")?;
    let mut tar = Command::new("tar");
    tar.arg("xzf").arg(&tarball).arg("--directory").arg(&to);
    ensure!(tar.status()?.success(), "{} is broken", tarball.display());
    let inside = fs::read_dir(&to)?.next().context("it is empty")??;
    Ok(inside.path())
}

#[test]
fn its_programs_need_no_library_and_guard() -> Result<()> {
    let lab = Lab::new()?;
    let unpacked = unpack(&lab)?;
    for program in ["gated", "gatectl"] {
        // Nothing but what is unpacked is there.
        let mut version = Command::new("chroot");
        version
            .arg(&unpacked)
            .arg(format!("/{program}"))
            .arg("--version");
        let output = version.output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.starts_with(program), "{output:?}");
    }
    let mut gate = lab.gate().program(&unpacked.join("gated")).start()?;
    gate.block("192.0.2.0/24")?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    assert_eq!(lab.connect("198.51.100.7")?, Connected);
    gate.stop()?;
    gate.start()?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    Ok(())
}

#[test]
fn the_page_makes_a_service_of_it() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    let mut operator = Operator::new(&machine)?;
    let page = include_str!("../../docs/install.md");
    for (_, step) in steps_under(page, |heading| heading == "The tarball") {
        if let Step::Command(command) = step {
            operator.types(&command)?;
        }
    }
    machine.run("gatectl", &["block", "192.0.2.7"])?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    assert_eq!(lab.connect("198.51.100.7")?, Connected);
    let socket = machine.run("stat", &["-c", "%U:%G", "/run/gate/control.sock"])?;
    assert_eq!(socket.trim(), "root:gate");
    let units = machine.run("systemctl", &["list-unit-files", "gate*"])?;
    for unit in ["gated.service", "gate-policy.socket", "gate-web.socket"] {
        assert!(units.contains(unit), "{units}");
    }
    Ok(())
}
