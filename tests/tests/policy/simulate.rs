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
