//! In a flood DNS work is shed first.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gate_tests::{
    dns::Dns,
    lab::{Gate, Lab, Outcome::Connected},
};

use crate::lists::wait_for;

/// What `gatectl status` counts of look-ups.
fn count(gate: &Gate<'_>, what: &str) -> Result<u64> {
    let status = gate.json(&["status"])?;
    let count = status["lookups"][what].as_u64();
    Ok(count.expect("a count"))
}

/// `source` comes, and nobody is asked about it.
fn comes_and_nobody_asks(lab: &Lab, gate: &Gate<'_>, source: &str) -> Result<()> {
    let (unanswered, queries) = (count(gate, "unanswered")?, count(gate, "queries")?);
    assert_eq!(lab.connect(source)?, Connected);
    let deadline = Instant::now() + Duration::from_secs(20);
    while count(gate, "unanswered")? == unanswered {
        ensure!(Instant::now() < deadline, "{source} is not counted");
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(count(gate, "queries")?, queries);
    assert_eq!(gate.json(&["check", source])?["listed"], false);
    Ok(())
}

#[test]
fn nobody_is_asked_about_until_a_flood_is_over() -> Result<()> {
    let lab = Lab::new()?;
    let dns = Dns::start(&lab, &[])?;
    let mut gate = lab.gate().with(&dns.tables()).start()?;
    assert_eq!(lab.connect("198.51.100.1")?, Connected);
    wait_for(&gate, "198.51.100.1", |is| is["reason"] == "nordns")?;

    gate.must(&["flood", "on"])?;
    // Who was being asked about has been answered by then.
    thread::sleep(Duration::from_secs(1));
    comes_and_nobody_asks(&lab, &gate, "198.51.100.2")?;
    // Nor on schedule, which is every second.
    dns.name("198.51.100.1", "mx1.example.org", true)?;
    let asked = count(&gate, "asked")?;
    thread::sleep(Duration::from_secs(4));
    assert_eq!(count(&gate, "asked")?, asked);
    // But somebody who waits has his answer.
    let looked = gate.json(&["lookup", "198.51.100.3"])?;
    assert_eq!(looked["listings"][0]["reason"], "nordns", "{looked}");

    gate.kill()?;
    gate.start()?;
    comes_and_nobody_asks(&lab, &gate, "198.51.100.4")?;

    gate.must(&["flood", "off"])?;
    // The kernel reports a source once a second at most.
    thread::sleep(Duration::from_secs(1));
    for source in ["198.51.100.2", "198.51.100.4"] {
        assert_eq!(lab.connect(source)?, Connected);
        wait_for(&gate, source, |is| is["reason"] == "nordns")?;
    }
    wait_for(&gate, "198.51.100.1", |is| is["listed"] == false)?;
    Ok(())
}
