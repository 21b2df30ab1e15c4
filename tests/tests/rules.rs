//! What operators say beside the book: of PTR names, and of what DNSBLs say.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gate_tests::lab::{Gate, Lab};

/// What is said of a name: the verdict, and the pattern and reason that decide.
fn said(gate: &Gate<'_>, name: &str) -> Result<(String, String, String)> {
    let check = gate.json(&["name", "check", name])?;
    let first = &check["matches"][0];
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let (pattern, reason) = (text(&first["pattern"]), text(&first["reason"]));
    Ok((text(&check["verdict"]), pattern, reason))
}

fn is(verdict: &str, pattern: &str, reason: &str) -> (String, String, String) {
    (verdict.to_owned(), pattern.to_owned(), reason.to_owned())
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

#[test]
fn names_are_blocked_and_allowed_and_survive_a_crash() -> Result<()> {
    // Invariant 10.
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    let block = ["name", "block", "*.DYN.example.net.", "--reason", "dynamic"];
    gate.must(&[&block[..], &["--comment", "ticket 4711"]].concat())?;
    gate.must(&["name", "block", "*.example.net", "--reason", "generic"])?;
    gate.must(&["name", "allow", "mail.dyn.example.net"])?;
    let as_entered = |gate: &Gate<'_>| -> Result<()> {
        let (wide, narrow) = ("*.example.net", "*.dyn.example.net");
        for (name, expected) in [
            ("1-2-3-4.dyn.example.net", is("block", narrow, "dynamic")),
            ("A.Example.NET.", is("block", wide, "generic")),
            (
                "mail.dyn.example.net",
                is("allow", "mail.dyn.example.net", "-"),
            ),
            ("mail.example.org", is("none", "-", "-")),
        ] {
            assert_eq!(said(gate, name)?, expected, "{name}");
        }
        Ok(())
    };
    as_entered(&gate)?;
    gate.kill()?;
    gate.start()?;
    as_entered(&gate)?;
    let names = gate.json(&["name", "list"])?["names"].clone();
    assert_eq!(names.as_array().map(Vec::len), Some(3), "{names}");
    assert_eq!(names[0]["comment"], "ticket 4711", "{names}");
    assert_eq!(names[0]["origin"], "operator", "{names}");

    gate.must(&["name", "disallow", "mail.dyn.example.net"])?;
    gate.must(&["name", "unblock", "*.dyn.example.net"])?;
    let wide = is("block", "*.example.net", "generic");
    assert_eq!(said(&gate, "mail.dyn.example.net")?, wide);
    let history = gate.json(&["name", "history", "*.dyn.example.net"])?["entries"].clone();
    assert_eq!(history[0]["cause"], "removed", "{history}");
    assert_eq!(history[0]["ended_by"], "uid 0", "{history}");
    assert_eq!(history[0]["added_by"], "uid 0", "{history}");
    Ok(())
}

#[test]
fn names_that_cannot_be_meant_are_refused_and_say_what_can() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    for (arguments, says) in [
        (&["name", "block", "*"][..], "*.example.net"),
        (&["name", "block", "*.com"], "--force"),
        (&["name", "allow", "*.com"], "--force"),
        (&["name", "block", "a b"], "no host name"),
        (
            &["name", "block", "a.example", "--reason", "nordns"],
            "dynamic, generic, manual",
        ),
        (&["name", "unblock", "a.example"], "as it was entered"),
        (&["name", "disallow", "a.example"], "as it was entered"),
        (&["dnsbl", "override", "0.0.0.0/7"], "--force"),
        (
            &["dnsbl", "override", "192.0.2.7", "--end"],
            "192.0.2.7/32 itself",
        ),
    ] {
        let said = gate.ctl(arguments)?;
        assert_eq!(said.code, 2, "{arguments:?}: {said:?}");
        assert!(said.stderr.contains(says), "{arguments:?}: {said:?}");
    }
    let long = "x".repeat(1001);
    let said = gate.ctl(&["name", "block", "a.example", "--comment", &long])?;
    assert!(said.stderr.contains("1001 bytes"), "{said:?}");
    assert_eq!(
        gate.json(&["name", "list"])?["names"][0],
        serde_json::Value::Null
    );
    gate.must(&["name", "block", "*.com", "--force"])?;
    Ok(())
}

#[test]
fn overrides_show_in_check_and_end_by_themselves() -> Result<()> {
    let lab = Lab::new()?;
    let list = "[[dnsbl.list]]\nsite = \"bl.example\"\n[lookup]\nenabled = false\n";
    let mut gate = lab.gate().with(list).start()?;
    gate.must(&["dnsbl", "override", "192.0.2.0/24", "--comment", "partner"])?;
    let narrow = ["dnsbl", "override", "192.0.2.7", "--list", "bl.example"];
    gate.must(&[&narrow[..], &["--for", "30d"]].concat())?;
    gate.must(&["dnsbl", "override", "2001:db8::/32", "--for", "1s"])?;
    gate.must(&["name", "block", "*.example.net", "--for", "1s"])?;
    gate.kill()?;
    gate.start()?;

    let check = gate.json(&["check", "192.0.2.7"])?;
    assert_eq!(check["overrides"][0]["network"], "192.0.2.7/32", "{check}");
    assert_eq!(check["overrides"][0]["list"], "bl.example", "{check}");
    assert_eq!(check["overrides"][1]["network"], "192.0.2.0/24", "{check}");
    assert_eq!(check["overrides"][1]["list"], serde_json::Value::Null);
    let text = gate.must(&["check", "192.0.2.7"])?;
    let line = "override: what any list says of 192.0.2.0/24 does not count, for good: partner";
    assert!(text.contains(line), "{text}");
    let elsewhere = gate.json(&["check", "198.51.100.1"])?;
    assert_eq!(elsewhere["overrides"], serde_json::json!([]));

    until(|| Ok(gate.json(&["check", "2001:db8::1"])?["overrides"] == serde_json::json!([])))?;
    until(|| Ok(gate.json(&["name", "list"])?["names"] == serde_json::json!([])))?;
    let past = gate.json(&[
        "dnsbl",
        "overrides",
        "--history",
        "--network",
        "2001:db8::/32",
    ])?;
    assert_eq!(past["entries"][0]["cause"], "expired", "{past}");
    assert_eq!(past["entries"][0]["ended_by"], "gated", "{past}");

    gate.must(&["dnsbl", "override", "--end", "192.0.2.0/24"])?;
    let left = gate.json(&["dnsbl", "overrides"])?["overrides"].clone();
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");
    assert_eq!(left[0]["list"], "bl.example", "{left}");
    Ok(())
}
