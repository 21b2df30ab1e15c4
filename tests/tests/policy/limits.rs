//! What clients are told when the gate counts what they do: connections that they have open, and SYNs
//! that pass so that a listed client hears why.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use gate_tests::lab::{Lab, Outcome::TimedOut};

use crate::{
    postfix::{PORT, Postfix},
    smtp::{REJECTED, Smtp, told},
};

/// The checks that ask DNS are off: there is none here.
const CONFIG: &str = "
[policy]
group = 'postfix'
url = 'https://www.example.org/refused'
checks.sender_domain = 'off'
checks.reverse_dns = 'off'
";

#[test]
fn a_client_with_too_many_connections_is_told_to_come_back() -> Result<()> {
    let lab = Lab::new()?;
    let limits = "[limits]\nconnections = 2\n";
    let gate = lab.gate().set("attach", "generic").set("ports", vec![PORT]);
    let gate = gate.with(limits).with(CONFIG).start()?;
    let _postfix = Postfix::start(&lab, &gate)?;
    for who in ["192.0.2.7", "2001:db8:1:2::7"] {
        let mut first = Smtp::from(&lab, who)?;
        let mut second = Smtp::from(&lab, who)?;
        // The connection that is asked about counts: two are within the limit.
        assert_eq!(second.mail("joe@example.org")?, "250 2.1.5 Ok", "{who}");
        let refusal = format!(
            "421 4.7.1 {REJECTED}- ERROR: Connection refused - <{who}> - Too many simultaneous connections. See https://www.example.org/refused#limits"
        );
        assert_eq!(told(&lab, who)?, refusal);
        assert_eq!(told(&lab, "198.51.100.7")?, "250 2.1.5 Ok", "somebody else");

        // After one of the first has gone, the next is let in. Until the gate has seen it end, which
        // takes no time worth speaking of, the client is told the same.
        assert_eq!(first.say("QUIT")?, "221 2.0.0 Bye");
        drop(first);
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let said = told(&lab, who)?;
            if said == "250 2.1.5 Ok" {
                break;
            }
            assert_eq!(said, refusal);
            ensure!(Instant::now() < deadline, "{who} stays out");
            thread::sleep(Duration::from_millis(50));
        }
        // The second was within the limit all the time.
        assert!(second.data()?.starts_with("250 2.0.0 Ok: queued as "));
    }
    let state = gate.json(&["policy", "status"])?;
    assert!(
        state["refused"]["connections"]
            .as_u64()
            .context("a counter")?
            >= 2,
        "{state}"
    );
    assert_eq!(gate.json(&["stats"])?["limited"]["connections_hard"], 0);
    Ok(())
}

/// Over the hard limit nobody is told anything: the kernel drops the SYN, and Postfix never hears of it.
#[test]
fn a_client_with_more_connections_than_the_kernel_allows_has_to_wait() -> Result<()> {
    let lab = Lab::new()?;
    let limits = "[limits]\nconnections = 2\nconnections_hard = 2\nrate = \"none\"\n";
    let gate = lab.gate().set("attach", "generic").set("ports", vec![PORT]);
    let gate = gate.with(limits).with(CONFIG).start()?;
    let postfix = Postfix::start(&lab, &gate)?;
    let came = |who: &str| {
        let line = format!(": connect from unknown[{who}]");
        postfix.said().matches(&line).count()
    };
    for (who, somebody_else) in [
        ("192.0.2.7", "192.0.2.8"),
        ("2001:db8:1:2::7", "2001:db8:1:3::7"),
    ] {
        let third = lab.from(who).port(PORT);
        let mut first = Smtp::from(&lab, who)?;
        let mut second = Smtp::from(&lab, who)?;
        assert_eq!(third.connect()?, TimedOut, "{who}");
        assert_eq!(third.connect()?, TimedOut, "{who}, again");
        assert_eq!(came(who), 2, "{}", postfix.said());
        assert_eq!(told(&lab, somebody_else)?, "250 2.1.5 Ok");

        // Those that are open go on.
        assert_eq!(second.mail("joe@example.org")?, "250 2.1.5 Ok", "{who}");
        assert!(second.data()?.starts_with("250 2.0.0 Ok: queued as "));
        // After one of them has gone, the next is let in, at the latest when it repeats its SYN.
        assert_eq!(first.say("QUIT")?, "221 2.0.0 Bye");
        drop(first);
        assert_eq!(told(&lab, who)?, "250 2.1.5 Ok", "{who}");
        drop(second);
    }
    // A SYN that is dropped counts, however often the client repeats it.
    let stats = gate.json(&["stats"])?;
    let dropped = stats["limited"]["connections_hard"].as_u64();
    assert!(dropped.context("a counter")? >= 4, "{stats}");
    Ok(())
}

/// A source that nothing is known of has 50 points: bad under 51.
#[test]
fn a_client_in_bad_standing_may_hold_fewer() -> Result<()> {
    let lab = Lab::new()?;
    let limits = "[limits]\nconnections = 3\nconnections_hard = 9\n\
                  bad = { score = 51, connections = 1, connections_hard = 8, rate = \"none\" }\n\
                  [[limits.network]]\nnetwork = \"203.0.113.0/24\"\nconnections = 2\n";
    let gate = lab.gate().set("attach", "generic").set("ports", vec![PORT]);
    let gate = gate.with(limits).with(CONFIG).start()?;
    let _postfix = Postfix::start(&lab, &gate)?;
    for (who, may_hold) in [("192.0.2.7", 1), ("2001:db8:1:2::7", 1), ("203.0.113.7", 2)] {
        let mut held = vec![Smtp::from(&lab, who)?];
        for _ in 1..may_hold {
            held.push(Smtp::from(&lab, who)?);
        }
        for one in &mut held {
            assert_eq!(one.mail("joe@example.org")?, "250 2.1.5 Ok", "{who}");
        }
        // The score is looked at when the first connection opens, beside it.
        until(&lab, who, |said| {
            said.starts_with("421 4.7.1") && said.contains("Too many simultaneous connections")
        })?;
    }
    // Everybody's limit, when nobody's standing is bad.
    gate.edit("score = 51", "score = 0")?;
    gate.must(&["reload"])?;
    let _held = [
        Smtp::from(&lab, "192.0.2.8")?,
        Smtp::from(&lab, "192.0.2.8")?,
    ];
    until(&lab, "192.0.2.8", |said| said == "250 2.1.5 Ok")
}

/// Waits until a client at `who` is told what `is_it` takes.
fn until(lab: &Lab, who: &str, is_it: impl Fn(&str) -> bool) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let said = told(lab, who)?;
        if is_it(&said) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{who}: {said}");
        thread::sleep(Duration::from_millis(200));
    }
}

/// As configured when nothing is: what a trap lists is dropped, but for one SYN an hour.
#[test]
fn a_dropped_client_learns_why_once() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().set("attach", "generic").set("ports", vec![PORT]);
    let gate = gate.with("[courtesy]\n").with(CONFIG).start()?;
    let _postfix = Postfix::start(&lab, &gate)?;
    for who in ["192.0.2.7", "2001:db8:1:2::7"] {
        gate.must(&["block", who, "--reason", "directspam"])?;
        let since = gate.json(&["check", who])?;
        let day = since["since"].as_str().context("it is listed")?[..10].replace('-', "");
        assert_eq!(
            told(&lab, who)?,
            format!(
                "554 5.7.1 {REJECTED}- ERROR: Mail Refused - <{who}> - See https://www.example.org/refused#directspam - {day}"
            )
        );
        let again = lab.from(who).port(PORT).connect()?;
        assert_eq!(again, TimedOut, "{who}");
    }
    // One SYN of each was let through, and no more.
    assert_eq!(gate.json(&["stats"])?["courtesy"], 2);
    Ok(())
}
