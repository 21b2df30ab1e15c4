//! What clients see of a gate: real TCP over real links.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use gate_tests::lab::{
    Lab,
    Outcome::{self, Connected, TimedOut},
    SMTP, SUBMISSION,
};

#[test]
fn listed_networks_time_out_and_all_others_get_through() -> Result<()> {
    for attach in ["native", "generic"] {
        let lab = Lab::new()?;
        let gate = lab.gate().set("attach", attach).start()?;
        let status = gate.json(&["status"])?;
        assert_eq!(status["interfaces"][0]["attach"], attach);
        gate.block("192.0.2.0/24")?;
        gate.block("203.0.113.7")?;
        gate.block("2001:db8:1::/48")?;
        gate.allow("192.0.2.25")?;
        gate.allow("2001:db8:1:25::/64")?;
        for (source, port, outcome) in [
            ("192.0.2.7", SMTP, TimedOut),
            ("192.0.2.25", SMTP, Connected), // invariant 1
            ("192.0.3.7", SMTP, Connected),
            ("203.0.113.7", SMTP, TimedOut),
            ("203.0.113.8", SMTP, Connected),
            ("2001:db8:1::7", SMTP, TimedOut),
            ("2001:db8:1:25::7", SMTP, Connected), // invariant 1
            ("2001:db8:2::7", SMTP, Connected),
            ("192.0.2.7", SUBMISSION, Connected), // invariant 3
            ("2001:db8:1::7", SUBMISSION, Connected), // invariant 3
        ] {
            let found = lab.from(source).port(port).connect()?;
            assert_eq!(found, outcome, "{attach}: {source} to port {port}");
        }
        let counted = gate.json(&["stats"])?;
        let dropped = counted["dropped"]["manual"].as_u64();
        assert!(dropped >= Some(3), "{attach}: {counted}");
        assert!(
            counted["allowed"].as_u64() >= Some(2),
            "{attach}: {counted}"
        );
        assert_eq!(counted["dropped"]["feed"], 0, "{attach}: {counted}");
    }
    Ok(())
}

#[test]
fn a_gate_guards_several_interfaces_and_no_others() -> Result<()> {
    let lab = Lab::new()?;
    let second = lab.add_link()?;
    let unguarded = lab.add_link()?;
    let gate = lab.gate().on(&second).start()?;
    gate.block("192.0.2.7")?;
    gate.block("2001:db8::/64")?;
    for (link, outcome) in [
        (lab.link(), TimedOut),
        (&second, TimedOut),
        (&unguarded, Connected),
    ] {
        for source in ["192.0.2.7", "2001:db8::7"] {
            let found = lab.from(source).over(link).connect()?;
            assert_eq!(found, outcome, "{source} over {}", link.device());
        }
        let found = lab.from("192.0.2.8").over(link).connect()?;
        assert_eq!(found, Connected, "192.0.2.8 over {}", link.device());
    }
    Ok(())
}

#[test]
fn modes_enforce_count_or_let_pass() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    gate.block("192.0.2.7")?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);

    gate.must(&["mode", "monitor"])?;
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    let stats = gate.json(&["stats"])?;
    assert!(stats["would_drop"]["manual"].as_u64() >= Some(1), "{stats}");

    gate.must(&["mode", "off"])?;
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    let (before, after) = (stats, gate.json(&["stats"])?);
    assert_eq!(after["would_drop"], before["would_drop"]);
    assert!(after["seen"].as_u64() > before["seen"].as_u64());

    gate.must(&["mode", "enforce"])?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    Ok(())
}

#[test]
fn a_listing_ends_within_a_second_of_its_time() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    let begun = Instant::now();
    gate.must(&["block", "192.0.2.7", "--for", "3s"])?;
    assert_eq!(first_syn(&lab, "192.0.2.7")?, TimedOut);
    // Whole seconds: a part of one counts as one.
    let latest = begun + Duration::from_secs(3 + 1 + 1);
    while first_syn(&lab, "192.0.2.7")? == TimedOut {
        assert!(Instant::now() < latest, "still listed");
        thread::sleep(Duration::from_millis(50));
    }
    assert!(begun.elapsed() >= Duration::from_secs(3), "too early");
    let history = gate.json(&["history", "192.0.2.7"])?;
    assert_eq!(history["entries"][0]["cause"], "expired", "{history}");
    Ok(())
}

fn first_syn(lab: &Lab, source: &str) -> Result<Outcome> {
    lab.from(source)
        .patience(Duration::from_millis(200))
        .connect()
}

#[test]
fn a_network_that_is_listed_while_clients_connect_is_shut_at_once() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    let others = lab.from("198.51.100.7").keep_connecting()?;
    for round in 0..10 {
        let source = format!("192.0.2.{round}");
        assert_eq!(lab.connect(&source)?, Connected);
        gate.block(&source)?;
        assert_eq!(first_syn(&lab, &source)?, TimedOut, "{source}");
        gate.unblock(&source)?;
        assert_eq!(lab.connect(&source)?, Connected, "{source}");
    }
    others.stop()?.assert_let_in(10);
    Ok(())
}

#[test]
fn gates_live_side_by_side() -> Result<()> {
    let lab = Lab::new()?;
    let other_link = lab.add_link()?;
    let gate = lab.gate().start()?;
    let other = lab
        .gate()
        .named("other")
        .only_on(other_link.device())
        .start()?;
    gate.block("192.0.2.1")?;
    other.block("192.0.2.2")?;
    for (source, over_first, over_other) in [
        ("192.0.2.1", TimedOut, Connected),
        ("192.0.2.2", Connected, TimedOut),
    ] {
        assert_eq!(lab.connect(source)?, over_first, "{source}");
        let found = lab.from(source).over(&other_link).connect()?;
        assert_eq!(found, over_other, "{source} over the other link");
    }
    other.must(&["detach", "--yes"])?;
    assert_eq!(lab.connect("192.0.2.1")?, TimedOut, "the first gate stays");
    Ok(())
}

#[test]
fn an_interface_that_cannot_be_had_is_an_error_that_says_why() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    gate.block("192.0.2.7")?;
    for (second, says) in [
        // Occupied: the other program's id is shown, and nothing is replaced.
        (
            lab.gate().named("second"),
            "already carries another XDP program (`bpftool prog show id ",
        ),
        (
            lab.gate().named("third").only_on("nosuch0"),
            "interface `nosuch0` does not exist",
        ),
        // The loopback driver has no native XDP.
        (
            lab.gate()
                .named("fourth")
                .only_on("lo")
                .set("attach", "native"),
            "its driver has no native XDP",
        ),
    ] {
        let error = second.start().expect_err(says);
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut, "the first gate stays");
    Ok(())
}
