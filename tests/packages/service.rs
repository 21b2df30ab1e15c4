//! The service: what it may do, that it is watched, and that the package is as Debian has it.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use gate_tests::{
    lab::{Lab, Outcome::TimedOut},
    machine::{Machine, Version, package, packages},
};

/// `CAP_CHOWN`, `CAP_NET_BIND_SERVICE` and `CAP_NET_ADMIN` (linux/capability.h).
const KEPT: u64 = 1 | 1 << 10 | 1 << 12;

#[test]
fn a_hardened_gated_enforces_and_has_given_up_what_it_does_not_need() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    machine.install(Version::This)?;
    machine.run("gatectl", &["block", "192.0.2.7"])?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    let status = machine.run("gatectl", &["status"])?;
    assert!(status.contains("eth0"), "{status}");
    let connections = machine.run("gatectl", &["connections"])?;
    assert!(!connections.contains("does not count"), "{connections}");

    let tasks =
        machine.shell("cat /proc/$(systemctl show -p MainPID --value gated)/task/*/status")?;
    let permitted = values(&tasks, "CapPrm:")?;
    assert!(permitted.len() > 2, "{tasks}");
    assert!(permitted.iter().all(|caps| *caps == KEPT), "{permitted:x?}");
    assert!(values(&tasks, "NoNewPrivs:")?.iter().all(|set| *set == 1));

    // With what is left it takes another interface, writes the tables, and reads the socket table.
    lab.add_link()?;
    machine.shell("printf '[gate]\\ninterfaces = [\"eth0\", \"eth1\"]\\n' >/etc/gate/gate.toml")?;
    machine.run("systemctl", &["reload", "gated"])?;
    let status = machine.run("gatectl", &["status"])?;
    assert!(status.contains("eth1"), "{status}");
    machine.run("gatectl", &["block", "192.0.2.0/24"])?;
    assert_eq!(lab.connect("192.0.2.8")?, TimedOut);

    machine.shell("echo nonsense >/etc/gate/gate.toml")?;
    assert!(!machine.succeeds("systemctl", &["reload", "gated"])?);
    machine.run("systemctl", &["is-active", "gated"])?;
    Ok(())
}

/// The numbers behind `label`, hexadecimal.
fn values(status: &str, label: &str) -> Result<Vec<u64>> {
    let lines = status.lines().filter_map(|line| line.strip_prefix(label));
    lines
        .map(|value| u64::from_str_radix(value.trim(), 16).context("a number"))
        .collect()
}

#[test]
fn a_gated_that_hangs_is_started_anew_and_the_gate_enforces_meanwhile() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    machine.install(Version::This)?;
    machine.run("gatectl", &["block", "192.0.2.7"])?;
    machine.shell(
        "mkdir -p /etc/systemd/system/gated.service.d
         printf '[Service]\\nWatchdogSec=10s\\nRestartSec=100ms\\n' >/etc/systemd/system/gated.service.d/watch.conf
         systemctl daemon-reload
         systemctl restart gated",
    )?;
    let pid = || machine.run("systemctl", &["show", "-p", "MainPID", "--value", "gated"]);
    let hanging = pid()?;
    machine.shell(&format!("kill -STOP {hanging}"))?;
    let deadline = Instant::now() + Duration::from_mins(1);
    while pid()? == hanging || !machine.succeeds("systemctl", &["is-active", "gated"])? {
        assert_eq!(lab.connect("192.0.2.7")?, TimedOut, "invariant 5");
        ensure!(
            Instant::now() < deadline,
            "nobody watches:\n{}",
            machine.journal()
        );
        thread::sleep(Duration::from_millis(100));
    }
    machine.run("gatectl", &["status"])?;
    Ok(())
}

#[test]
fn systemd_finds_no_fault_and_little_exposure() -> Result<()> {
    let lab = Lab::new()?;
    let machine = Machine::boot(&lab)?;
    machine.install(Version::This)?;
    let units = ["gated.service", "gate-policy.socket", "gate-web.socket"];
    // It looks at all units that these name, Debian's own among them.
    let said = machine.shell(&format!(
        "systemd-analyze verify --man=no {} 2>&1",
        units.join(" ")
    ))?;
    let faults = said.lines().filter(|line| line.contains("gate"));
    assert_eq!(faults.collect::<Vec<_>>(), [""; 0]);
    // 3.0, which `--threshold` takes in tenths.
    machine.run(
        "systemd-analyze",
        &["security", "--threshold=29", "gated.service"],
    )?;
    Ok(())
}

#[test]
fn lintian_finds_no_error() -> Result<()> {
    let package = package(&packages()?, Version::This)?;
    let output = Command::new("lintian")
        .args(["--fail-on", "error", "--allow-root"])
        .arg(&package)
        .output()
        .context("running lintian")?;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    Ok(())
}
