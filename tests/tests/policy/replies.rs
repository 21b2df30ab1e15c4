//! What clients of a real Postfix are told, as it stands on the wire.

use anyhow::{Context as _, Result};
use gate_tests::{
    lab::{Gate, Lab},
    senders::{self, Senders},
};

use crate::{
    postfix::Postfix,
    smtp::{REJECTED, Smtp, told},
};

/// The gate of these tests: whoever is listed may connect, and is told.
const CONFIG: &str = "
[enforcement]
directspam = 'reject'
highspam = 'reject'
nobounce = 'reject'
rollup = 'reject'
feed = 'reject'
connlimit = 'reject'
manual = 'reject'
[policy]
group = 'postfix'
url = 'https://www.example.org/refused'
checks.reverse_dns = 'off'
[policy.limits]
recipients_per_connection = 150
";

fn gate(lab: &Lab) -> Result<Gate<'_>> {
    gate_with(lab, CONFIG)
}

fn gate_with<'l>(lab: &'l Lab, config: &str) -> Result<Gate<'l>> {
    // Nobody here has a name; who comes is not listed for that.
    let dns = format!(
        "[dns]\nservers = ['{}']\n[lookup]\nenabled = false\n",
        senders::SERVER
    );
    let gate = lab.gate().set("attach", "generic");
    gate.with(config).with(&dns).start()
}

/// The day on which a listing began, as replies have it.
fn day(gate: &Gate<'_>, address: &str) -> Result<String> {
    let check = gate.json(&["check", address])?;
    let since = check["since"].as_str().context("it is listed")?;
    Ok(since[..10].replace('-', ""))
}

#[test]
fn a_listed_client_is_told_why() -> Result<()> {
    let lab = Lab::new()?;
    let _senders = Senders::start(&lab)?;
    let gate = gate(&lab)?;
    let _postfix = Postfix::start(&lab, &gate)?;
    let reasons = "directspam highspam nobounce rollup feed connlimit manual";
    for (n, reason) in (1..).zip(reasons.split(' ')) {
        for address in [format!("192.0.2.{n}"), format!("2001:db8:{n}::7")] {
            gate.must(&["block", &address, "--reason", reason])?;
            let day = day(&gate, &address)?;
            assert_eq!(
                told(&lab, &address)?,
                format!(
                    "554 5.7.1 {REJECTED}- ERROR: Mail Refused - <{address}> - See https://www.example.org/refused#{reason} - {day}"
                )
            );
        }
    }
    gate.must(&["block", "198.51.100.0/24", "--reason", "nordns"])?;
    assert_eq!(
        told(&lab, "198.51.100.7")?,
        format!(
            "554 5.7.1 {REJECTED}- ERROR: Connection refused. IP name lookup failed for <198.51.100.7>"
        )
    );

    // Whom an operator allows passes, and so does who is not listed.
    gate.allow("198.51.100.8")?;
    for address in ["198.51.100.8", "203.0.113.7", "2001:db8:ffff::1"] {
        let mut client = Smtp::from(&lab, address)?;
        assert_eq!(client.mail("joe@example.org")?, "250 2.1.5 Ok");
        assert!(client.data()?.starts_with("250 2.0.0 Ok: queued as "));
    }
    // The end of a listing is seen at once.
    gate.unblock("198.51.100.0/24")?;
    assert_eq!(told(&lab, "198.51.100.7")?, "250 2.1.5 Ok");

    let state = gate.json(&["policy", "status"])?;
    assert_eq!(state["refused"]["listed"], 15, "{state}");
    assert_eq!(state["broken"], 0, "{state}");
    // What the test of the policy says is what the client was told.
    let said = gate.ctl(&[
        "policy",
        "test",
        "client_address=192.0.2.6",
        "sender=joe@example.org",
    ])?;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.stdout
            .contains("refuse: 554 5.7.1 - ERROR: Mail Refused - <192.0.2.6>")
    );
    Ok(())
}

#[test]
fn recipients_are_limited() -> Result<()> {
    let lab = Lab::new()?;
    let _senders = Senders::start(&lab)?;
    let gate = gate(&lab)?;
    let _postfix = Postfix::start(&lab, &gate)?;
    let mut client = Smtp::from(&lab, "203.0.113.7")?;
    let name = |client: &mut Smtp, n: u32| client.say(&format!("RCPT TO:<b{n}@example.net>"));
    assert_eq!(client.mail("joe@example.org")?, "250 2.1.5 Ok");
    for n in 1..100 {
        assert_eq!(name(&mut client, n)?, "250 2.1.5 Ok", "{n}");
    }
    assert_eq!(
        name(&mut client, 100)?,
        "452 4.7.1 <b100@example.net>: Recipient address rejected: - ERROR: Too many recipients for this message"
    );
    // What was taken is delivered, and the next message of the connection counts on.
    assert!(client.data()?.starts_with("250 2.0.0 Ok: queued as "));
    assert_eq!(client.mail("joe@example.org")?, "250 2.1.5 Ok");
    for n in 1..50 {
        assert_eq!(name(&mut client, n)?, "250 2.1.5 Ok", "{n}");
    }
    assert_eq!(
        name(&mut client, 50)?,
        "452 4.7.1 <b50@example.net>: Recipient address rejected: - ERROR: Mail refused - <203.0.113.7> - Exceeded limit for recipients per connection. See https://www.example.org/refused#limits"
    );
    assert!(client.data()?.starts_with("250 2.0.0 Ok: queued as "));
    // Another connection has a count of its own.
    let mut other = Smtp::from(&lab, "203.0.113.7")?;
    assert_eq!(other.mail("joe@example.org")?, "250 2.1.5 Ok");

    // A bounce goes to one recipient.
    assert_eq!(other.say("RSET")?, "250 2.0.0 Ok");
    assert_eq!(other.mail("")?, "250 2.1.5 Ok");
    assert_eq!(
        name(&mut other, 1)?,
        "554 5.7.1 <b1@example.net>: Recipient address rejected: - ERROR: Null sender with multiple recipients not allowed here"
    );
    assert!(other.data()?.starts_with("250 2.0.0 Ok: queued as "));
    Ok(())
}

#[test]
fn a_source_that_sends_too_much_is_put_off() -> Result<()> {
    let lab = Lab::new()?;
    let _senders = Senders::start(&lab)?;
    let rates = "checks.message_rate = 'on'\nchecks.recipient_rate = 'on'\n[policy.limits]\n\
                 message_rate = '3/1h'\nrecipient_rate = '5/1h'\n";
    let gate = gate_with(&lab, &CONFIG.replace("[policy.limits]\n", rates))?;
    let _postfix = Postfix::start(&lab, &gate)?;
    let refused = |address: &str, what: &str| {
        format!(
            "452 4.7.1 {REJECTED}- ERROR: Mail refused - <{address}> - Exceeded limit of {what}. See https://www.example.org/refused#limits"
        )
    };
    for (source, same_source) in [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2::7", "2001:db8:1:2:3::8"),
    ] {
        // Messages, over one connection or several.
        let mut client = Smtp::from(&lab, source)?;
        for _ in 0..2 {
            assert_eq!(client.mail("joe@example.org")?, "250 2.1.5 Ok");
            assert!(client.data()?.starts_with("250 2.0.0 Ok: queued as "));
        }
        let mut client = Smtp::from(&lab, same_source)?;
        assert_eq!(client.mail("joe@example.org")?, "250 2.1.5 Ok");
        assert!(client.data()?.starts_with("250 2.0.0 Ok: queued as "));
        let many = refused(same_source, "3/1h messages");
        assert_eq!(told(&lab, same_source)?, many);
    }
    for source in ["203.0.113.8", "2001:db8:1:3::8"] {
        // Recipients, of one message or several.
        let mut client = Smtp::from(&lab, source)?;
        assert_eq!(client.mail("joe@example.org")?, "250 2.1.5 Ok");
        for n in 1..5 {
            let said = client.say(&format!("RCPT TO:<b{n}@example.net>"))?;
            assert_eq!(said, "250 2.1.5 Ok", "{n}");
        }
        assert!(client.data()?.starts_with("250 2.0.0 Ok: queued as "));
        let many = refused(source, "5/1h recipients");
        assert_eq!(told(&lab, source)?, many);
    }
    assert_eq!(told(&lab, "203.0.113.9")?, "250 2.1.5 Ok", "somebody else");
    Ok(())
}

/// By TCP, and asked when a client connects.
#[test]
fn a_client_is_refused_at_the_door() -> Result<()> {
    let lab = Lab::new()?;
    let config = CONFIG.replace("[policy]", "[policy]\nlisten = '127.0.0.1:10040'");
    let gate = lab.gate().set("attach", "generic").with(&config).start()?;
    let more = "smtpd_delay_reject = no\nsmtpd_client_restrictions =\n \
        check_policy_service { inet:127.0.0.1:10040, timeout=10s, default_action=DUNNO }\n\
        smtpd_recipient_restrictions = reject_unauth_destination\n\
        smtpd_end_of_data_restrictions =\n";
    let _postfix = Postfix::start_with(&lab, &gate, more)?;
    gate.must(&["block", "192.0.2.7", "--reason", "connlimit"])?;
    let day = day(&gate, "192.0.2.7")?;
    let (_, greeting) = Smtp::greeted(&lab, "192.0.2.7")?;
    assert_eq!(
        greeting,
        format!(
            "554 5.7.1 <unknown[192.0.2.7]>: Client host rejected: - ERROR: Mail Refused - <192.0.2.7> - See https://www.example.org/refused#connlimit - {day}"
        )
    );
    // Nobody asks about the sender, whose domain cannot be looked up here.
    assert_eq!(told(&lab, "203.0.113.7")?, "250 2.1.5 Ok");
    Ok(())
}
