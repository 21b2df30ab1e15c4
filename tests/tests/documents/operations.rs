//! What docs/operations.md promises to whoever is in trouble.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, ensure};
use gate_tests::lab::{
    Lab,
    Outcome::{Connected, TimedOut},
};

#[test]
fn without_gated_removing_the_pins_takes_the_gate_off_the_wire() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    gate.block("192.0.2.0/24")?;
    gate.kill()?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    remove(gate.pins())?;
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    Ok(())
}

#[test]
fn a_copy_of_the_state_is_a_backup() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    gate.block("192.0.2.0/24")?;
    gate.stop()?;
    let backup = lab.dir("backup")?.join("gate");
    copy(gate.state(), &backup)?;
    remove(gate.state())?;
    gate.start()?;
    assert_eq!(
        gate.ctl(&["check", "192.0.2.7"])?.code,
        0,
        "the state is lost"
    );
    gate.stop()?;
    remove(gate.state())?;
    copy(&backup, gate.state())?;
    gate.start()?;
    assert_eq!(gate.ctl(&["check", "192.0.2.7"])?.code, 1);
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    Ok(())
}

/// `rm -r`, and the directory is there again, empty, where it was a mount.
fn remove(path: &Path) -> Result<()> {
    ensure!(Command::new("rm").arg("-r").arg(path).status()?.success());
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    ensure!(
        Command::new("cp")
            .arg("-a")
            .args([from, to])
            .status()?
            .success()
    );
    Ok(())
}
