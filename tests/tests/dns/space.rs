//! One listed source in dynamic space speaks for its /24; in any other it does not.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gate_tests::{
    dns::Dns,
    lab::{
        Gate, Lab,
        Outcome::{Connected, TimedOut},
    },
};

/// A trap hit and another: enough for a listing.
fn complain(gate: &Gate<'_>, address: &str) -> Result<()> {
    let at = jiff::Timestamp::now();
    let line = |from: &str| {
        format!(r#"{{"at":"{at}","address":"{address}","kind":"trap","from":"{from}"}}"#)
    };
    let log = format!("{}\n{}\n", line("a@example.net"), line("b@example.org"));
    gate.pipe(&["evidence", "-"], log.as_bytes())?;
    let listed = gate.json(&["check", address])?;
    ensure!(listed["reason"] == "directspam", "{listed}");
    Ok(())
}

#[test]
fn in_dynamic_space_one_source_speaks_for_all() -> Result<()> {
    let lab = Lab::new()?;
    let dns = Dns::start(&lab, &[])?;
    for last in 1..255 {
        dns.name(
            &format!("198.51.100.{last}"),
            &format!("dsl-198-51-100-{last}.dyn.example.net"),
            true,
        )?;
    }
    let gate = lab.gate().with(&dns.tables()).start()?;
    complain(&gate, "198.51.100.7")?;
    complain(&gate, "203.0.113.7")?;
    let deadline = Instant::now() + Duration::from_secs(30);
    while gate.json(&["check", "198.51.100.200"])?["reason"] != "rollup" {
        ensure!(Instant::now() < deadline, "not rolled up: {}", gate.log());
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(lab.connect("198.51.100.200")?, TimedOut);
    let rollup = gate.json(&["check", "198.51.100.200"])?;
    let evidence = rollup["matches"][0]["evidence"].as_str().expect("text");
    assert!(evidence.contains("dynamic space"), "{evidence}");
    // Nobody there has a name.
    assert_eq!(lab.connect("203.0.113.200")?, Connected);
    Ok(())
}
