//! DNSBLs: a source that enough lists name is dropped, for as long as they do (invariant 7).

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gate_tests::{
    dns::{Dns, Failing, List},
    lab::{
        Gate, Lab,
        Outcome::{Connected, TimedOut},
    },
};
use serde_json::Value;

pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Two lists, neither of which lists anybody by itself.
const TWO: &str = r#"
[[dnsbl.list]]
site = "one.example"
url = "https://one.example/?ip={ip}"
[[dnsbl.list]]
site = "two.example=127.0.0.[2..11]"
"#;

/// Waits until what `gatectl check` says of `address` is what `meets` asks for.
pub(crate) fn wait_for(
    gate: &Gate<'_>,
    address: &str,
    meets: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let check = gate.json(&["check", address])?;
        if meets(&check) {
            return Ok(check);
        }
        ensure!(Instant::now() < deadline, "{address} stays {check}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Waits until each list answers, as its first test has told.
fn ready(gate: &Gate<'_>) -> Result<()> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let lists = gate.json(&["dnsbl"])?;
        let all = lists["lists"].as_array().expect("a list");
        if all.iter().all(|list| list["health"] == "in_service") {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "not ready: {lists}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_source_on_two_lists_is_dropped_until_they_let_it_go() -> Result<()> {
    let lab = Lab::new()?;
    let lists = [
        List {
            zone: "one.example",
            lines: "198.51.100.7\n203.0.113.7\n",
        },
        List {
            zone: "two.example",
            lines: "198.51.100.7 :127.0.0.4:seen by a trap\n",
        },
    ];
    let dns = Dns::start(&lab, &lists)?;
    let gate = lab.gate().with(&dns.tables()).with(TWO).start()?;
    ready(&gate)?;

    assert_eq!(
        lab.connect("198.51.100.7")?,
        Connected,
        "nobody was asked yet"
    );
    let check = wait_for(&gate, "198.51.100.7", |is| is["verdict"] == "drop")?;
    assert_eq!(check["reason"], "dnsbl");
    assert_eq!(check["origin"], "dnsbl");
    let evidence = check["matches"][0]["evidence"].as_str().expect("text");
    assert!(evidence.contains("127.0.0.4"), "{evidence}");
    assert!(
        evidence.contains("two.example: seen by a trap"),
        "{evidence}"
    );
    assert_eq!(lab.connect("198.51.100.7")?, TimedOut);

    // One list is not enough.
    assert_eq!(lab.connect("203.0.113.7")?, Connected);
    wait_for(&gate, "203.0.113.7", |_| {
        gate.json(&["check", "--explain", "203.0.113.7"])
            .is_ok_and(|it| it["dns"]["dnsbl"][0]["listed"] == true)
    })?;
    assert_eq!(lab.connect("203.0.113.7")?, Connected);

    // It is asked about again, and ends by itself.
    dns.hold("two.example", "")?;
    wait_for(&gate, "198.51.100.7", |is| is["verdict"] != "drop")?;
    assert_eq!(lab.connect("198.51.100.7")?, Connected);
    Ok(())
}

#[test]
fn what_a_list_said_stays_while_it_is_silent_and_survives_a_restart() -> Result<()> {
    let lab = Lab::new()?;
    let lists = ["one.example", "two.example"].map(|zone| List {
        zone,
        lines: "198.51.100.7\n",
    });
    let dns = Dns::start(&lab, &lists)?;
    let mut gate = lab.gate().with(&dns.tables()).with(TWO).start()?;
    ready(&gate)?;
    assert_eq!(lab.connect("198.51.100.7")?, Connected);
    wait_for(&gate, "198.51.100.7", |is| is["verdict"] == "drop")?;

    dns.fail("one.example", Failing::Refusing)?;
    gate.ctl(&["lookup", "203.0.113.9"])?;
    thread::sleep(Duration::from_secs(3));
    assert_eq!(lab.connect("198.51.100.7")?, TimedOut);
    gate.kill()?;
    assert_eq!(lab.connect("198.51.100.7")?, TimedOut);
    gate.start()?;
    assert_eq!(lab.connect("198.51.100.7")?, TimedOut);
    Ok(())
}

/// Lists of which each lists by itself.
const TRUSTED: &str = r#"
[dnsbl]
threshold = 1
breaker_sources = 20
[[dnsbl.list]]
site = "one.example"
trusted = true
[[dnsbl.list]]
site = "two.example"
trusted = true
"#;

/// All addresses but 127.0.0.0/8, as rbldnsd takes them.
const WORLD: &str = "0.0.0.0/2\n64.0.0.0/3\n96.0.0.0/4\n112.0.0.0/5\n120.0.0.0/6\n124.0.0.0/7\n\
                     126.0.0.0/8\n128.0.0.0/1\n";

fn health(gate: &Gate<'_>, name: &str) -> Result<String> {
    let lists = gate.json(&["dnsbl"])?;
    let all = lists["lists"].as_array().expect("a list");
    let one = all.iter().find(|list| list["name"] == name);
    let health = one.and_then(|one| one["health"].as_str());
    Ok(health.expect("it is there").to_owned())
}

/// Waits until nobody is listed for a DNSBL.
fn let_go(gate: &Gate<'_>) -> Result<()> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let listed = gate.json(&["list", "--reason", "dnsbl"])?;
        if listed["listings"] == Value::Array(Vec::new()) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{listed}");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn invariant_7_a_list_that_lists_whom_nobody_lists_lists_nobody() -> Result<()> {
    let lab = Lab::new()?;
    let lists = ["one.example", "two.example"].map(|zone| List { zone, lines: "" });
    let dns = Dns::start(&lab, &lists)?;
    let gate = lab.gate().with(&dns.tables()).with(TRUSTED).start()?;
    ready(&gate)?;
    dns.hold("one.example", &format!("{WORLD}127.0.0.0/8\n"))?;
    dns.wait_for("1.0.0.127.one.example", true)?;
    // Who comes makes it be asked for 127.0.0.1 too.
    let deadline = Instant::now() + DEADLINE;
    for last in 1.. {
        let source = format!("198.51.100.{last}");
        assert_eq!(lab.connect(&source)?, Connected);
        thread::sleep(Duration::from_millis(500));
        if health(&gate, "one.example")? == "on_hold" {
            break;
        }
        ensure!(Instant::now() < deadline, "it is not put on hold");
    }
    let_go(&gate)?;
    assert_eq!(lab.connect("203.0.113.99")?, Connected);
    assert_eq!(health(&gate, "two.example")?, "in_service");
    let warnings = gate.json(&["status"])?["warnings"].to_string();
    assert!(
        warnings.contains("DNSBL one.example is on hold"),
        "{warnings}"
    );
    Ok(())
}

#[test]
fn invariant_7_a_list_that_lists_the_world_is_tripped_and_what_it_said_taken_back() -> Result<()> {
    let lab = Lab::new()?;
    let lists = ["one.example", "two.example"].map(|zone| List { zone, lines: "" });
    let dns = Dns::start(&lab, &lists)?;
    let gate = lab.gate().with(&dns.tables()).with(TRUSTED).start()?;
    ready(&gate)?;
    // Its test points are as they should be.
    dns.hold("one.example", WORLD)?;
    dns.wait_for("7.100.51.198.one.example", true)?;
    for last in 1..=20 {
        assert_eq!(lab.connect(&format!("198.51.100.{last}"))?, Connected);
        if last == 7 {
            wait_for(&gate, "198.51.100.7", |is| is["reason"] == "dnsbl")?;
        }
    }
    let deadline = Instant::now() + DEADLINE;
    while health(&gate, "one.example")? != "on_hold" {
        ensure!(
            Instant::now() < deadline,
            "it does not trip: {}",
            gate.log()
        );
        thread::sleep(Duration::from_millis(100));
    }
    let_go(&gate)?;
    assert_eq!(lab.connect("198.51.100.7")?, Connected);
    Ok(())
}

#[test]
fn an_operator_overrides_a_list() -> Result<()> {
    let lab = Lab::new()?;
    let lists = ["one.example", "two.example"].map(|zone| List {
        zone,
        lines: "198.51.100.0/24\n",
    });
    let dns = Dns::start(&lab, &lists)?;
    let gate = lab.gate().with(&dns.tables()).with(TWO).start()?;
    ready(&gate)?;
    assert_eq!(lab.connect("198.51.100.7")?, Connected);
    wait_for(&gate, "198.51.100.7", |is| is["verdict"] == "drop")?;
    gate.must(&[
        "dnsbl",
        "override",
        "198.51.100.0/28",
        "--list",
        "two.example",
        "--for",
        "30d",
        "--comment",
        "a customer of ours",
    ])?;
    wait_for(&gate, "198.51.100.7", |is| is["verdict"] != "drop")?;
    assert_eq!(lab.connect("198.51.100.7")?, Connected);
    let said = gate.ctl(&["check", "198.51.100.7"])?.stdout;
    assert!(said.contains("a customer of ours"), "{said}");
    // Whoever else is on both lists is dropped still.
    assert_eq!(lab.connect("198.51.100.77")?, Connected);
    wait_for(&gate, "198.51.100.77", |is| is["verdict"] == "drop")?;
    Ok(())
}
