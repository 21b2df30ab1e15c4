//! Calm and flood: what changes at the door, and that it is undone.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gate_tests::lab::{
    Connecting, Gate, Lab,
    Outcome::{Connected, TimedOut},
};
use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
use serde_json::Value;

/// Thresholds that a few clients reach, and times that a test can wait for.
const LOW: &str = "
[flood]
enter_syns = 100
enter_after = \"2s\"
leave_syns = 5
leave_after = \"2s\"
";

/// Reasons of listings that the mail server refuses, and one that the kernel drops, each with a
/// source that is listed for it.
const REFUSED: [(&str, &str); 3] = [
    ("dynamic", "192.0.2.7"),
    ("nordns", "192.0.2.8"),
    ("generic", "2001:db8::7"),
];
const DROPPED: (&str, &str) = ("feed", "192.0.2.9");

/// Listed with all of 203.0.113.0/24, and allowed.
const ALLOWED: &str = "203.0.113.25";

/// Ten SYNs a second, if nobody answers.
const IMPATIENT: Duration = Duration::from_millis(100);

/// Three SYNs, at 0, 1 and 3 seconds: in a flood the mail server's own queue is full at times.
const PATIENT: Duration = Duration::from_secs(5);

/// Nothing lists it.
const UNLISTED: &str = "198.51.100.7";

fn gate(lab: &Lab) -> Result<Gate<'_>> {
    let gate = lab.gate().with(LOW).start()?;
    for (reason, source) in REFUSED.into_iter().chain([DROPPED]) {
        gate.must(&["block", source, "--reason", reason])?;
    }
    gate.must(&["block", "203.0.113.0/24", "--reason", "dynamic"])?;
    gate.allow(ALLOWED)?;
    Ok(gate)
}

/// Clients that send SYNs in numbers, from sources that nothing lists.
fn flood(lab: &Lab) -> Result<Vec<Connecting<'_>>> {
    ["198.51.100.200", "2001:db8:f::1"]
        .into_iter()
        .map(|source| lab.from(source).keep_connecting())
        .collect()
}

/// Waits until there is a flood, or none; what `gatectl flood` says then.
fn wait_for(gate: &Gate<'_>, in_flood: bool) -> Result<Value> {
    let deadline = Instant::now() + Duration::from_secs(40);
    loop {
        let flood = gate.json(&["flood"])?;
        if flood["in_flood"] == in_flood {
            return Ok(flood);
        }
        ensure!(Instant::now() < deadline, "{flood}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// What is at the door, and what is said of it.
fn see(lab: &Lab, gate: &Gate<'_>, in_flood: bool) -> Result<()> {
    let (outcome, verdict) = if in_flood {
        (TimedOut, "drop")
    } else {
        (Connected, "reject")
    };
    for (reason, source) in REFUSED {
        assert_eq!(
            lab.connect(source)?,
            outcome,
            "{reason} in_flood={in_flood}"
        );
        let check = gate.json(&["check", source])?;
        assert_eq!(check["verdict"], verdict, "{check}");
    }
    assert_eq!(lab.connect("203.0.113.7")?, outcome);
    assert_eq!(lab.connect(DROPPED.1)?, TimedOut);
    for source in [ALLOWED, UNLISTED] {
        let outcome = lab.from(source).patience(PATIENT).connect()?;
        assert_eq!(outcome, Connected, "{source}");
    }

    let status = gate.json(&["status"])?;
    assert_eq!(status["flood"]["in_flood"], in_flood, "{status}");
    let not_dropped = status["not_dropped"].as_array().map(Vec::len);
    assert_eq!(not_dropped, Some(if in_flood { 0 } else { 4 }), "{status}");
    assert_eq!(status["plan"], status["kernel"], "{status}");
    let text = gate.must(&["status"])?;
    assert_eq!(text.contains("warning: flood since "), in_flood, "{text}");
    assert_eq!(text.contains("calm since "), !in_flood, "{text}");
    Ok(())
}

#[test]
fn a_flood_of_syns_turns_reject_into_drop_until_it_is_over() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = gate(&lab)?;
    see(&lab, &gate, false)?;

    let flooding = flood(&lab)?;
    // Neither is shut out at any instant: invariants 1 and 2.
    let allowed = lab.from(ALLOWED).patience(PATIENT).keep_connecting()?;
    let listed = lab.from(DROPPED.1).patience(IMPATIENT).keep_connecting()?;
    let told = wait_for(&gate, true)?;
    assert_eq!(told["cause"], "syns", "{told}");
    assert!(told["syns"].as_u64() >= Some(100), "{told}");
    see(&lab, &gate, true)?;

    // It goes on where it was when gated is killed in the midst of it, with no moment between: the
    // sources that are dropped for it stay so.
    let dynamic = lab
        .from(REFUSED[0].1)
        .patience(IMPATIENT)
        .keep_connecting()?;
    gate.kill()?;
    gate.start()?;
    let again = gate.json(&["flood"])?;
    assert_eq!(again["since"], told["since"], "{again}");
    assert_eq!(again["in_flood"], true, "{again}");
    see(&lab, &gate, true)?;
    dynamic.stop()?.assert_kept_out(3);

    let mut reached = 0;
    for client in flooding {
        reached += client.stop()?.connected;
    }
    assert!(reached > 1000, "only {reached} connections of a flood");
    allowed.stop()?.assert_let_in(10);

    // What is dropped in a calm, too, keeps no flood alive: it is ten SYNs a second.
    wait_for(&gate, false)?;
    listed.stop()?.assert_kept_out(10);
    see(&lab, &gate, false)?;
    let log = gate.log();
    for words in ["began flood", "ended flood"] {
        assert_eq!(log.matches(words).count(), 1, "{words}: {log}");
    }
    Ok(())
}

#[test]
fn an_operators_word_wins_over_the_rates_and_outlives_gated() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = gate(&lab)?;
    let said = gate.must(&["flood", "on"])?;
    assert!(said.contains("flood by the operator's word"), "{said}");
    assert!(said.contains("on (the configuration says auto)"), "{said}");
    see(&lab, &gate, true)?;
    let since = gate.json(&["flood"])?["since"].clone();
    gate.stop()?;
    gate.start()?;
    let flood_state = gate.json(&["flood"])?;
    assert_eq!(flood_state["cause"], "forced", "{flood_state}");
    assert_eq!(flood_state["since"], since, "{flood_state}");
    see(&lab, &gate, true)?;

    gate.must(&["flood", "off"])?;
    let flooding = flood(&lab)?;
    let deadline = Instant::now() + Duration::from_secs(20);
    while gate.json(&["flood"])?["syns"].as_u64() < Some(100) {
        ensure!(Instant::now() < deadline, "no flood to be ignored");
        thread::sleep(Duration::from_millis(100));
    }
    // Longer than it would take to begin.
    thread::sleep(Duration::from_secs(4));
    see(&lab, &gate, false)?;
    gate.must(&["flood", "auto"])?;
    let told = wait_for(&gate, true)?;
    assert_eq!(told["cause"], "syns", "{told}");
    see(&lab, &gate, true)?;
    for client in flooding {
        client.stop()?;
    }
    wait_for(&gate, false)?;
    see(&lab, &gate, false)
}

#[test]
fn a_full_listening_queue_makes_a_flood_with_syns_alone() -> Result<()> {
    let lab = Lab::new()?;
    let config = LOW.replace(
        "enter_syns = 100",
        "enter_syns = 1000000\nenter_overflows = 5",
    );
    let gate = lab.gate().with(&config).start()?;
    gate.must(&["block", "192.0.2.7", "--reason", "dynamic"])?;
    // Somebody listens on a port that nobody guards, and never accepts: there is room for one.
    let _full = lab.on_server(|| {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&socket, &SocketAddr::from(([0, 0, 0, 0], 2525)))?;
        listen(&socket, 0)?;
        Ok(socket)
    })?;
    let overflowing = lab
        .from(UNLISTED)
        .port(2525)
        .patience(IMPATIENT)
        .keep_connecting()?;
    let deadline = Instant::now() + Duration::from_secs(20);
    while gate.json(&["flood"])?["overflows"].as_u64() < Some(5) {
        ensure!(Instant::now() < deadline, "{}", gate.json(&["flood"])?);
        thread::sleep(Duration::from_millis(100));
    }
    // Longer than it would take to begin.
    thread::sleep(Duration::from_secs(4));
    assert_eq!(gate.json(&["flood"])?["in_flood"], false);
    assert_eq!(lab.connect("192.0.2.7")?, Connected);

    let knocking = lab.from("198.51.100.200").keep_connecting()?;
    let told = wait_for(&gate, true)?;
    assert_eq!(told["cause"], "overflows", "{told}");
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    assert!(knocking.stop()?.connected > 100);
    let told = wait_for(&gate, false)?;
    assert!(told["overflows"].as_u64() >= Some(5), "still full: {told}");
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    assert!(overflowing.stop()?.timed_out > 10);
    Ok(())
}

#[test]
fn the_configurations_word_counts_at_a_reload() -> Result<()> {
    let lab = Lab::new()?;
    let gate = gate(&lab)?;
    gate.must(&["flood", "off"])?;
    gate.edit("[flood]", "[flood]\nmode = \"on\"")?;
    let said = gate.must(&["reload"])?;
    assert!(said.contains("flood.mode: \"auto\", now \"on\""), "{said}");
    see(&lab, &gate, true)?;
    gate.edit("[flood]", "[enforcement]\ndynamic = \"observe\"\n[flood]")?;
    gate.must(&["reload"])?;
    assert_eq!(lab.connect("192.0.2.7")?, Connected, "observe is no reject");
    assert_eq!(lab.connect("192.0.2.8")?, TimedOut);
    Ok(())
}

#[test]
fn in_a_flood_there_is_no_courtesy() -> Result<()> {
    let lab = Lab::new()?;
    let courteous = "[courtesy]\nmanual = \"1/1h\"";
    let gate = lab.gate().with(LOW).with(courteous).start()?;
    gate.block("192.0.2.0/24")?;
    let first = |source| lab.from(source).patience(IMPATIENT).connect();
    assert_eq!(first("192.0.2.1")?, Connected);
    gate.must(&["flood", "on"])?;
    assert_eq!(first("192.0.2.2")?, TimedOut);
    gate.must(&["flood", "off"])?;
    assert_eq!(first("192.0.2.3")?, Connected);
    Ok(())
}
