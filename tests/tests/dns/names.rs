//! Reverse names: what they tell, and how a listing for one ends.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gate_tests::{
    dns::{Dns, Failing},
    lab::{
        Gate, Lab,
        Outcome::{Connected, TimedOut},
    },
};
use serde_json::Value;

use crate::lists::{DEADLINE, wait_for};

/// What a listing for a name does, so that a connection shows it.
const DROP: &str =
    "[enforcement]\ndynamic = \"drop\"\ngeneric = \"drop\"\nnordns = \"drop\"\nforged = \"drop\"\n";

#[test]
fn each_kind_of_name_lists_for_its_reason() -> Result<()> {
    let lab = Lab::new()?;
    let dns = Dns::start(&lab, &[])?;
    dns.name("198.51.100.1", "dsl-198-51-100-1.dyn.example.net", true)?;
    dns.name("198.51.100.2", "host-198-51-100-2.example.com", true)?;
    dns.name("198.51.100.3", "mail.example.org", false)?;
    dns.name("198.51.100.5", "mx1.example.org", true)?;
    dns.name("2001:db8::5", "mx2.example.org", true)?;
    let gate = lab.gate().with(&dns.tables()).start()?;
    for (source, reason) in [
        ("198.51.100.1", Some("dynamic")),
        ("198.51.100.2", Some("generic")),
        ("198.51.100.3", Some("forged")),
        ("198.51.100.4", Some("nordns")),
        ("198.51.100.5", None),
        ("2001:db8::5", None),
        ("2001:db8:1::4", Some("nordns")),
    ] {
        assert_eq!(lab.connect(source)?, Connected, "{source}");
        if let Some(reason) = reason {
            // Told to the mail server, not dropped, unless configured.
            let check = wait_for(&gate, source, |is| is["reason"] == reason)?;
            assert_eq!(check["verdict"], "reject", "{source}");
            assert_eq!(check["origin"], "ptr", "{source}");
            assert_eq!(lab.connect(source)?, Connected, "{source}");
        } else {
            wait_for(&gate, source, |_| {
                gate.json(&["check", "--explain", source])
                    .is_ok_and(|it| it["dns"]["ptr"]["class"] == "mail")
            })?;
            assert_eq!(gate.json(&["check", source])?["listed"], false, "{source}");
        }
    }
    Ok(())
}

#[test]
fn a_listing_ends_when_the_name_is_mended() -> Result<()> {
    let lab = Lab::new()?;
    let dns = Dns::start(&lab, &[])?;
    let gate = lab.gate().with(&dns.tables()).with(DROP).start()?;
    for source in ["198.51.100.1", "198.51.100.2"] {
        assert_eq!(lab.connect(source)?, Connected);
        wait_for(&gate, source, |is| is["verdict"] == "drop")?;
        assert_eq!(lab.connect(source)?, TimedOut);
    }
    // By itself, on schedule.
    dns.name("198.51.100.1", "mx1.example.org", true)?;
    wait_for(&gate, "198.51.100.1", |is| is["verdict"] == "pass")?;
    assert_eq!(lab.connect("198.51.100.1")?, Connected);

    // On request, when the schedule is far away.
    gate.edit("recheck = \"1s\"", "recheck = \"6h\"")?;
    gate.must(&["reload"])?;
    asked_no_more(&gate, "198.51.100.2")?;
    let refused = gate.json(&["removal", "request", "198.51.100.2"])?;
    assert_eq!(refused["decision"], "refused", "{refused}");
    dns.name("198.51.100.2", "mx2.example.org", true)?;
    thread::sleep(Duration::from_secs(3));
    assert_eq!(gate.json(&["check", "198.51.100.2"])?["verdict"], "drop");
    let granted = gate.json(&["removal", "request", "198.51.100.2"])?;
    assert_eq!(granted["decision"], "granted", "{granted}");
    assert_eq!(lab.connect("198.51.100.2")?, Connected);
    Ok(())
}

/// Waits until `source` is no longer asked about every second: a reload has it asked about once more.
fn asked_no_more(gate: &Gate<'_>, source: &str) -> Result<()> {
    let asked = || anyhow::Ok(gate.json(&["check", "--explain", source])?["dns"]["at"].clone());
    let deadline = Instant::now() + DEADLINE;
    loop {
        let before = asked()?;
        thread::sleep(Duration::from_secs(4));
        if asked()? == before {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{source} is still asked about");
    }
}

#[test]
fn who_cannot_be_told_is_not_listed() -> Result<()> {
    let lab = Lab::new()?;
    let dns = Dns::start(&lab, &[])?;
    dns.fail("100.51.198.in-addr.arpa", Failing::Refusing)?;
    dns.fail("113.0.203.in-addr.arpa", Failing::Silent)?;
    let gate = lab.gate().with(&dns.tables()).with(DROP).start()?;
    for source in ["198.51.100.1", "203.0.113.1"] {
        assert_eq!(lab.connect(source)?, Connected);
        let looked = gate.json(&["lookup", source])?;
        assert_eq!(looked["dns"]["ptr"], Value::Null, "{looked}");
        assert_eq!(looked["listings"], Value::Array(Vec::new()));
    }
    Ok(())
}

#[test]
fn operators_block_and_allow_names() -> Result<()> {
    let lab = Lab::new()?;
    let dns = Dns::start(&lab, &[])?;
    dns.name("198.51.100.1", "mail.customers.example.net", true)?;
    dns.name("198.51.100.2", "host-198-51-100-2.example.com", true)?;
    dns.name("203.0.113.3", "host-203-0-113-3.example.com", false)?;
    let mut gate = lab.gate().with(&dns.tables()).with(DROP).start()?;
    gate.must(&[
        "name",
        "block",
        "*.customers.example.net",
        "--reason",
        "dynamic",
    ])?;
    gate.must(&["name", "allow", "*.example.com"])?;
    assert_eq!(lab.connect("198.51.100.1")?, Connected);
    let check = wait_for(&gate, "198.51.100.1", |is| is["verdict"] == "drop")?;
    assert_eq!(check["reason"], "dynamic");
    assert_eq!(
        gate.json(&["lookup", "198.51.100.2"])?["listings"],
        Value::Array(Vec::new())
    );
    // The name must be theirs: anybody can write one that is allowed into his own zone.
    let forged = gate.json(&["lookup", "203.0.113.3"])?;
    assert_eq!(forged["listings"][0]["reason"], "forged");

    gate.kill()?;
    gate.start()?;
    let names = gate.must(&["name", "list"])?;
    assert!(
        names.contains("*.customers.example.net") && names.contains("*.example.com"),
        "{names}"
    );
    // A change of names is a change for those who have them.
    gate.must(&["name", "disallow", "*.example.com"])?;
    wait_for(&gate, "198.51.100.2", |is| is["reason"] == "generic")?;
    gate.must(&["name", "unblock", "*.customers.example.net"])?;
    wait_for(&gate, "198.51.100.1", |is| is["verdict"] == "pass")?;
    assert_eq!(lab.connect("198.51.100.1")?, Connected);
    Ok(())
}
