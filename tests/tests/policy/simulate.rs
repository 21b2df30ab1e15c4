//! `gatectl simulate` on the log of a real Postfix.

use anyhow::{Context as _, Result};
use gate_tests::lab::Lab;

use crate::{
    postfix::Postfix,
    smtp::{Smtp, told},
};

#[test]
fn a_log_tells_whom_a_listing_would_have_hit() -> Result<()> {
    let lab = Lab::new()?;
    let config = "[enforcement]\nmanual = 'reject'\n[policy]\ngroup = 'postfix'\nchecks.sender_domain = 'off'\nchecks.reverse_dns = 'off'\n";
    let gate = lab.gate().set("attach", "generic").with(config).start()?;
    let postfix = Postfix::start(&lab, &gate)?;
    for (address, sender) in [
        ("203.0.113.7", "joe@example.org"),
        ("203.0.113.7", ""),
        ("2001:db8::7", "a@example.org"),
    ] {
        let mut client = Smtp::from(&lab, address)?;
        assert_eq!(client.mail(sender)?, "250 2.1.5 Ok");
        assert!(client.data()?.starts_with("250 "));
    }
    gate.block("192.0.2.0/24")?;
    assert!(told(&lab, "192.0.2.7")?.starts_with("554 "));
    gate.block("203.0.113.0/24")?;
    let log = postfix
        .log()
        .to_str()
        .context("a path in ASCII")?
        .to_owned();
    // The queue manager writes its line when it takes the message up.
    let simulated = (0..50).map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        gate.json(&["simulate", &log])
    });
    let complete =
        |said: &Result<serde_json::Value>| said.as_ref().map_or(true, |said| said["messages"] == 3);
    let simulated = simulated
        .into_iter()
        .find(complete)
        .context("three messages")??;
    // Those who waited for Postfix to listen are clients as well: loopback, which always passes.
    assert_eq!(simulated["clients"], 4, "{simulated}");
    let refused = &simulated["refused"];
    assert_eq!(refused.as_array().map(Vec::len), Some(1), "{simulated}");
    for (key, value) in [
        ("clients", 2),
        ("connections", 3),
        ("refused_anyhow", 1),
        ("messages", 2),
        ("recipients", 2),
    ] {
        assert_eq!(refused[0][key], value, "{key}: {simulated}");
    }
    assert_eq!(
        (&refused[0]["check"], &refused[0]["reason"]),
        (&"listed".into(), &"manual".into())
    );
    let hit = simulated["hit"].as_array().context("a list")?;
    assert_eq!(hit.len(), 2, "{simulated}");
    assert!(
        hit.iter().all(|one| one["client_address"] == "203.0.113.7"),
        "{simulated}"
    );
    Ok(())
}

/// Twenty processes of smtpd have a client at the same time, one source sends a burst of mail, and
/// one message has too many recipients.
#[test]
fn a_burst_in_a_log_is_held_against_the_limits() -> Result<()> {
    let lab = Lab::new()?;
    let config = "[limits]\nconnections = 12\nconnections_hard = 40\n\
         [[limits.network]]\nnetwork = '198.51.100.0/24'\nconnections = 30\n\
         [policy]\nchecks.sender_domain = 'off'\nchecks.reverse_dns = 'off'\nchecks.ptr_class = 'off'\n\
         checks.message_rate = 'observe'\nlimits.message_rate = '15/1h'\n";
    let gate = lab.gate().set("attach", "generic").with(config).start()?;
    let mut lines = Vec::new();
    let mut say =
        |time: &str, text: String| lines.push(format!("Nov 22 {time} mx1 postfix/{text}"));
    // Both have 20 connections; one of them may.
    for (client, first) in [("192.0.2.7", 100), ("198.51.100.7", 200)] {
        for process in first..first + 20 {
            let id = format!("4{process}");
            say(
                "10:00:00",
                format!("smtpd[{process}]: connect from unknown[{client}]"),
            );
            say(
                "10:00:01",
                format!("smtpd[{process}]: {id}: client=unknown[{client}]"),
            );
            say(
                "10:00:01",
                format!("qmgr[2]: {id}: from=<joe@example.org>, size=9, nrcpt=2 (queue active)"),
            );
        }
        for process in first..first + 20 {
            say(
                "10:00:02",
                format!("smtpd[{process}]: disconnect from unknown[{client}] ehlo=1"),
            );
        }
    }
    // One after the other: nobody is over the limit.
    for number in 0..20 {
        let client = "203.0.113.7";
        say(
            "10:01:00",
            format!("smtpd[300]: connect from unknown[{client}]"),
        );
        say(
            "10:01:00",
            format!("smtpd[300]: disconnect from unknown[{client}] quit={number}"),
        );
    }
    say(
        "10:02:00",
        "smtpd[300]: connect from unknown[203.0.113.7]".to_owned(),
    );
    say(
        "10:02:00",
        "smtpd[300]: 4A: client=unknown[203.0.113.7]".to_owned(),
    );
    say(
        "10:02:00",
        "qmgr[2]: 4A: from=<list@example.org>, size=9, nrcpt=130 (queue active)".to_owned(),
    );
    let log = gate.state().join("burst.log");
    std::fs::write(&log, lines.join("\n") + "\n")?;
    let said = gate.json(&["simulate", log.to_str().context("a path in ASCII")?])?;
    let rows = said["refused"].as_array().context("a list")?;
    let row = |check: &str| {
        let row = rows.iter().find(|row| row["check"] == check);
        row.map(|row| {
            ["clients", "connections", "messages", "recipients"]
                .map(|key| row[key].as_u64().unwrap_or(99))
        })
    };
    assert_eq!(row("connections"), Some([1, 8, 8, 16]), "{said}");
    assert_eq!(row("message_rate"), Some([1, 0, 5, 10]), "{said}");
    assert_eq!(row("recipients_per_message"), Some([1, 0, 1, 30]), "{said}");
    assert_eq!(rows.len(), 3, "{said}");
    assert_eq!(said["untimed"], 0);
    let hit = said["hit"].as_array().context("a list")?;
    let burst = hit.iter().find(|hit| hit["check"] == "connections");
    let reply = burst
        .and_then(|hit| hit["reply"].as_str())
        .unwrap_or_default();
    assert!(
        reply.starts_with("421 4.7.1 - ERROR: Connection refused - <192.0.2.7>"),
        "{reply}"
    );
    Ok(())
}
