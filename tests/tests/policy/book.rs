//! What the mail server asked about is on record: how much came of each source, for whoever decides
//! about it.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gate_tests::lab::{Gate, Lab};
use serde_json::{Value, json};

use crate::{postfix::Postfix, smtp::Smtp};

/// The checks that ask DNS are off: there is none here.
const CONFIG: &str = "
[policy]
group = 'postfix'
checks.sender_domain = 'off'
checks.reverse_dns = 'off'
checks.ptr_class = 'off'
";

/// What came of the source of `address`.
fn traffic(gate: &Gate<'_>, address: &str) -> Result<Value> {
    Ok(gate.json(&["check", address, "--explain"])?["traffic"].clone())
}

/// Sends one message to so many recipients, all of which are taken.
fn send(client: &mut Smtp, recipients: u32) -> Result<()> {
    ensure!(client.sender("joe@example.org")?.starts_with("250 "));
    for n in 0..recipients {
        let said = client.say(&format!("RCPT TO:<b{n}@example.net>"))?;
        ensure!(said == "250 2.1.5 Ok", "{said}");
    }
    let said = client.data()?;
    ensure!(said.starts_with("250 2.0.0 Ok: queued as "), "{said}");
    Ok(())
}

#[test]
fn the_book_shows_what_came_of_a_source() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().set("attach", "generic").with(CONFIG).start()?;
    let _postfix = Postfix::start(&lab, &gate)?;
    let nothing = json!({"connections": 0, "messages": 0, "recipients": 0, "refused": 0});
    assert_eq!(traffic(&gate, "192.0.2.7")?, nothing);

    // Two messages in one connection, one in another.
    let mut client = Smtp::from(&lab, "192.0.2.7")?;
    send(&mut client, 3)?;
    send(&mut client, 1)?;
    send(&mut Smtp::from(&lab, "192.0.2.7")?, 2)?;
    // A bounce, whose second recipient is refused.
    let mut client = Smtp::from(&lab, "192.0.2.7")?;
    assert_eq!(client.mail("")?, "250 2.1.5 Ok");
    let said = client.say("RCPT TO:<other@example.net>")?;
    assert!(said.starts_with("554 5.7.1 "), "{said}");
    assert!(client.data()?.starts_with("250 2.0.0 Ok: queued as "));
    // Nobody asks about a recipient whom Postfix refuses by itself.
    let mut client = Smtp::from(&lab, "192.0.2.8")?;
    assert!(client.sender("joe@example.org")?.starts_with("250 "));
    let said = client.say("RCPT TO:<b@elsewhere.example>")?;
    assert!(said.starts_with("454 4.7.1 "), "{said}");
    // Two addresses of one /64, which are one source.
    for who in ["2001:db8:1:2::7", "2001:db8:1:2:ffff::8"] {
        send(&mut Smtp::from(&lab, who)?, 2)?;
    }

    let came = [
        (
            "192.0.2.7",
            json!({"connections": 3, "messages": 4, "recipients": 7, "refused": 1}),
        ),
        ("192.0.2.8", nothing),
        (
            "2001:db8:1:2::7",
            json!({"connections": 2, "messages": 2, "recipients": 4, "refused": 0}),
        ),
    ];
    // It is stored once a minute.
    let deadline = Instant::now() + Duration::from_secs(90);
    while traffic(&gate, "192.0.2.7")? != came[0].1 {
        let shown = traffic(&gate, "192.0.2.7")?;
        ensure!(Instant::now() < deadline, "not on record: {shown}");
        thread::sleep(Duration::from_millis(200));
    }
    for (source, expected) in &came {
        assert_eq!(&traffic(&gate, source)?, expected, "{source}");
    }

    // And when gated ends: what comes is added to what came.
    send(&mut Smtp::from(&lab, "192.0.2.7")?, 5)?;
    gate.stop()?;
    gate.start()?;
    let more = json!({"connections": 4, "messages": 5, "recipients": 12, "refused": 1});
    assert_eq!(traffic(&gate, "192.0.2.7")?, more);
    let told = gate.must(&["check", "192.0.2.7", "--explain"])?;
    let line = "4 connections, 5 messages and 12 recipients let through, 1 request refused";
    assert!(told.contains(line), "{told}");
    Ok(())
}
