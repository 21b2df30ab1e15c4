//! Install, upgrade, remove and purge: who is dropped meanwhile, and what is left.

use std::time::Duration;

use anyhow::Result;
use gate_tests::{
    lab::{
        Lab,
        Outcome::{Connected, TimedOut},
    },
    machine::{Machine, Version},
};

#[test]
fn an_upgrade_under_traffic_lets_no_listed_source_in_and_keeps_no_allowed_one_out() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    machine.install(Version::Former)?;
    machine.run("gatectl", &["block", "192.0.2.0/24"])?;
    machine.run("gatectl", &["allow", "192.0.2.25"])?;
    let former = machine.run("systemctl", &["show", "-p", "MainPID", "gated"])?;
    let listed = lab
        .from("192.0.2.7")
        .patience(Duration::from_millis(100))
        .keep_connecting()?;
    let allowed = lab.from("192.0.2.25").keep_connecting()?;
    machine.install(Version::This)?;
    listed.stop()?.assert_kept_out(3);
    allowed.stop()?.assert_let_in(10);
    let now = machine.run("systemctl", &["show", "-p", "MainPID", "gated"])?;
    assert_ne!(former, now, "the new gated has taken over");
    machine.run("systemctl", &["is-active", "gated"])?;
    let list = machine.run("gatectl", &["list"])?;
    assert!(list.contains("192.0.2.0/24"), "invariant 10: {list}");
    Ok(())
}

#[test]
fn a_stopped_gated_leaves_the_gate_and_a_removed_one_takes_it_along() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    machine.install(Version::This)?;
    machine.run("gatectl", &["block", "192.0.2.7"])?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    machine.run("systemctl", &["stop", "gated"])?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut, "invariant 5");

    machine.run("apt-get", &["--yes", "remove", "gate"])?;
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    assert!(!machine.succeeds("test", &["-e", "/sys/fs/bpf/gate"])?);
    assert!(machine.succeeds("test", &["-e", "/var/lib/gate/gate.db"])?);
    assert!(machine.succeeds("test", &["-e", "/etc/gate/gate.toml"])?);

    // What it knew, it knows again.
    machine.install(Version::This)?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);

    // Removed while it runs.
    machine.run("apt-get", &["--yes", "purge", "gate"])?;
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    for gone in [
        "/var/lib/gate",
        "/etc/gate",
        "/run/gate",
        "/sys/fs/bpf/gate",
    ] {
        assert!(!machine.succeeds("test", &["-e", gone])?, "{gone}");
    }
    assert!(!machine.succeeds("systemctl", &["cat", "gated"])?);
    Ok(())
}
