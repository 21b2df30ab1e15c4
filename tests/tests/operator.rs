//! What an operator may rely on: guards, answers of `gatectl`, configuration.

use std::{
    fs,
    net::Ipv4Addr,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gate_common::Reason;
use gate_tests::{
    lab::{
        Lab,
        Outcome::{Connected, TimedOut},
        SUBMISSION,
    },
    table::{crowd, crowded},
};

#[test]
fn what_cannot_be_meant_is_refused_and_says_what_can() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    for (arguments, says) in [
        (&["block", "192.0.2.7/24"][..], "192.0.2.0/24"),
        (&["block", "10.0.0.0/7"], "--force"),
        (&["block", "2000::/15"], "--force"),
        (&["allow", "0.0.0.0/0"], "--force"),
        (&["block", "192.0.2.256"], "192.0.2.256"),
        (&["block", "192.0.2.7", "--reason", "badmood"], "directspam"),
        (&["block", "192.0.2.7", "--for", "soon"], "soon"),
        (&["unblock", "192.0.2.7"], "192.0.2.7/32"),
        (&["disallow", "192.0.2.7"], "192.0.2.7/32"),
        (&["mode", "loud"], "monitor"),
        (&["feeds", "reload", "nosuch"], "nosuch"),
    ] {
        let said = gate.ctl(arguments)?;
        assert_eq!(said.code, 2, "{arguments:?}: {said:?}");
        assert!(said.stderr.contains(says), "{arguments:?}: {said:?}");
    }
    assert_eq!(gate.json(&["list"])?["total"], 0, "nothing of it was done");
    Ok(())
}

#[test]
fn invariant_9_every_listing_shows_reason_date_evidence_and_way_out() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    for (host, reason) in (1..).zip(Reason::ALL) {
        let (address, code) = (format!("192.0.2.{host}"), reason.code());
        let why = format!("seen {host} times");
        gate.must(&["block", &address, "--reason", code, "--comment", &why])?;
        let check = gate.json(&["check", &address])?;
        assert_eq!(check["reason"], code, "{check}");
        assert!(check["since"].is_string(), "{check}");
        assert_eq!(check["comment"], why, "{check}");
        let explained = gate.json(&["check", &address, "--explain"])?;
        let way = &explained["way_out"][0];
        assert_eq!(way["reason"], code, "{explained}");
        assert!(
            way["why"].as_str().is_some_and(|why| !why.is_empty()),
            "{explained}"
        );
    }
    Ok(())
}

#[test]
fn check_tells_who_wins_and_what_the_kernel_says() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    gate.must(&[
        "block",
        "192.0.2.0/24",
        "--reason",
        "feed",
        "--comment",
        "wide",
    ])?;
    gate.must(&["block", "192.0.2.7", "--comment", "narrow"])?;
    gate.must(&["block", "198.51.100.7", "--reason", "nordns"])?;
    gate.allow("192.0.2.25")?;
    for (address, code, verdict, network, kernel) in [
        ("203.0.113.1", 0, "pass", None, "pass"),
        ("192.0.2.7", 1, "drop", Some("192.0.2.7/32"), "drop"),
        ("192.0.2.8", 1, "drop", Some("192.0.2.0/24"), "drop"),
        ("192.0.2.25", 1, "pass", Some("192.0.2.0/24"), "pass"),
        ("198.51.100.7", 1, "reject", Some("198.51.100.7/32"), "pass"),
    ] {
        let said = gate.ctl(&["--json", "check", address])?;
        assert_eq!(said.code, code, "{address}: {said:?}");
        let check: serde_json::Value = serde_json::from_str(&said.stdout)?;
        assert_eq!(check["verdict"], verdict, "{check}");
        assert_eq!(check["network"].as_str(), network, "{check}");
        assert_eq!(check["kernel"]["verdict"], kernel, "{check}");
        assert_eq!(check["allowed"], address == "192.0.2.25", "{check}");
    }
    Ok(())
}

#[test]
fn the_machines_own_addresses_are_never_blocked() -> Result<()> {
    // Invariant 8.
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    let own = lab.link().server([192, 0, 2, 1].into());
    let said = gate.must(&["block", &own.to_string()])?;
    assert!(said.contains("own"), "{said}");
    gate.must(&["block", "10.0.0.0/8"])?;
    gate.must(&["block", "127.0.0.0/8"])?;
    gate.must(&["block", "224.0.0.0/4", "--force"])?;
    for (address, verdict) in [
        (own.to_string().as_str(), "pass"),
        ("10.1.2.3", "drop"),
        ("127.0.0.1", "pass"),
        ("224.0.0.1", "pass"),
    ] {
        let check = gate.json(&["check", address]).or_else(|_| {
            let said = gate.ctl(&["--json", "check", address])?;
            anyhow::Ok(serde_json::from_str(&said.stdout)?)
        })?;
        assert_eq!(check["kernel"]["verdict"], verdict, "{check}");
    }
    Ok(())
}

#[test]
fn a_reload_takes_effect_and_a_bad_one_changes_nothing() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().set("ports", vec![25]).start()?;
    gate.block("192.0.2.7")?;
    let submission = lab.from("192.0.2.7").port(SUBMISSION);
    assert_eq!(submission.connect()?, Connected);
    let good = fs::read_to_string(gate.config())?;

    fs::write(
        gate.config(),
        good.replace("ports = [25]", "ports = [25, 587]"),
    )?;
    gate.must(&["reload"])?;
    assert_eq!(submission.connect()?, TimedOut);

    fs::write(gate.config(), good.replace("ports = [25]", "prots = [25]"))?;
    let said = gate.ctl(&["reload"])?;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.stderr.contains("prots") && said.stderr.contains("ports"),
        "{said:?}"
    );
    assert_eq!(
        submission.connect()?,
        TimedOut,
        "the former configuration is in force"
    );

    fs::write(gate.config(), &good)?;
    let hangup = Command::new("kill")
        .args(["-HUP", &gate.pid().to_string()])
        .status()?;
    ensure!(hangup.success(), "kill -HUP: {hangup}");
    let deadline = Instant::now() + Duration::from_secs(10);
    while submission.connect()? == TimedOut {
        ensure!(Instant::now() < deadline, "SIGHUP does not reload");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

#[test]
fn a_feed_file_is_enforced_and_read_again_when_it_changes() -> Result<()> {
    let lab = Lab::new()?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("list.netset");
    fs::write(
        &file,
        "# a list\n192.0.2.0/24\n2001:db8::/32 ; with a comment\n",
    )?;
    let feed = format!("[[feed]]\nname = \"mine\"\npath = \"{}\"\n", file.display());
    let gate = lab.gate().with(&feed).start()?;
    until(|| Ok(gate.json(&["feeds"])?["feeds"][0]["networks"] == 2))?;
    until(|| Ok(lab.connect("192.0.2.7")? == TimedOut))?;
    assert_eq!(lab.connect("2001:db8::7")?, TimedOut);

    let next = directory.path().join("next");
    fs::write(&next, "198.51.100.0/24\n2001:db8::/32\n")?;
    fs::rename(&next, &file)?;
    until(|| Ok(lab.connect("198.51.100.7")? == TimedOut))?;
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    assert_eq!(lab.connect("2001:db8::7")?, TimedOut);

    // Invariant 7: a feed gone mad keeps its last good state.
    fs::write(&file, "0.0.0.0/1\n128.0.0.0/1\n")?;
    let said = gate.ctl(&["feeds", "reload", "mine"])?;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stdout.contains("wider than /8"), "{said:?}");
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    assert_eq!(lab.connect("198.51.100.7")?, TimedOut);
    Ok(())
}

#[test]
fn a_hundred_thousand_networks_are_imported_in_one_go() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    let file = tempfile::NamedTempFile::new()?;
    let networks = (0..100_000u32).map(|number| {
        let [_, a, b, c] = number.to_be_bytes();
        format!("{}.{b}.{c}.1\n", 11 + a)
    });
    fs::write(file.path(), networks.collect::<String>())?;
    let path = file.path().to_str().expect("a temporary path is UTF-8");
    gate.must(&["import", path])?;
    let status = gate.json(&["status"])?;
    assert_eq!(status["listings"]["manual"], 100_000, "{status}");
    assert_eq!(status["kernel"]["block_v4"], 100_000, "{status}");
    assert_eq!(lab.connect("11.0.3.1")?, TimedOut);
    assert_eq!(lab.connect("11.0.3.2")?, Connected);
    assert_eq!(lab.connect("12.134.159.1")?, TimedOut); // the last one
    Ok(())
}

#[test]
fn a_full_index_is_told_of_and_drops_all_the_same() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    let crowd = crowd();
    let lines: Vec<String> = crowded(&crowd).map(|address| address.to_string()).collect();
    let file = gate.state().join("crowd");
    fs::write(&file, lines.join("\n"))?;
    gate.must(&["import", &file.display().to_string()])?;
    let status = gate.json(&["status"])?;
    assert!(
        status["index"]["left_to_tries"].as_u64() > Some(0),
        "{status}"
    );
    let warning = status["warnings"][0].as_str().unwrap_or_default();
    assert!(warning.contains("index is full"), "{status}");
    for first in [crowd[0], crowd[crowd.len() - 1]] {
        assert_eq!(lab.connect(&first.to_string())?, TimedOut);
        let beside = Ipv4Addr::from_bits(first.to_bits() + 1);
        assert_eq!(lab.connect(&beside.to_string())?, Connected);
    }
    gate.must(&["flush", "--all", "--yes"])?;
    assert_eq!(gate.json(&["status"])?["index"]["left_to_tries"], 0);
    Ok(())
}

#[test]
fn top_shows_the_sources_of_sampled_drops() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().set("sample", 1).start()?;
    gate.block("192.0.2.0/24")?;
    gate.must(&["block", "2001:db8::/32", "--reason", "feed"])?;
    for source in ["192.0.2.7", "192.0.2.7", "2001:db8::7"] {
        assert_eq!(lab.connect(source)?, TimedOut);
    }
    until(|| Ok(gate.json(&["top"])?["sources"].as_array().map(Vec::len) == Some(2)))?;
    let top = gate.json(&["top"])?;
    let (first, second) = (&top["sources"][0], &top["sources"][1]);
    assert_eq!(first["address"], "192.0.2.7", "{top}");
    assert_eq!(first["reason"], "manual", "{top}");
    assert_eq!(second["address"], "2001:db8::7", "{top}");
    assert_eq!(second["reason"], "feed", "{top}");
    assert!(first["drops"].as_u64() > second["drops"].as_u64(), "{top}");
    Ok(())
}

/// Waits until it is so, ten seconds at most.
fn until(mut is: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is()? {
        ensure!(Instant::now() < deadline, "it does not come to be");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
