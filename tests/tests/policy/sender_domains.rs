//! What a client is told when mail to its sender could not be returned: asked when the recipient is
//! named, as docs/policy.md has it, and asked about the sender.

use anyhow::Result;
use gate_tests::{
    lab::{Gate, Lab},
    senders::{self, Senders},
};

use crate::{
    postfix::Postfix,
    smtp::{REJECTED, Smtp},
};

/// The line of docs/policy.md, moved to where it leaves the enhanced codes as they are.
const AT_SENDER: &str = "smtpd_recipient_restrictions = reject_unauth_destination\n\
    smtpd_end_of_data_restrictions =\nsmtpd_sender_restrictions =\n    \
    check_policy_service { unix:SOCKET, timeout=10s, default_action=DUNNO }\n";

/// Senders that are refused, and the replies as they are when nothing is configured: code, enhanced
/// code and text.
const REFUSED: [(&str, &str, &str, &str); 3] = [
    (
        "joe@broken.example",
        "421",
        "4.1.8",
        "- ERROR: Domain of sender address joe@broken.example does not resolve",
    ),
    (
        "joe@gone.example",
        "554",
        "5.1.8",
        "- ERROR: Domain of sender address joe@gone.example does not exist",
    ),
    (
        "joe@nomail.example",
        "421",
        "4.1.8",
        "- ERROR: Domain of sender address joe@nomail.example does not accept inbound mail",
    ),
];

/// Senders that nothing is wrong with: one is of a domain that takes mail, the others of none.
const TAKEN: [&str; 3] = ["joe@example.org", "joe@[192.0.2.7]", ""];

/// A gate that asks [`Senders`] about senders, and about nothing else.
fn gate(lab: &Lab) -> Result<Gate<'_>> {
    let config = format!(
        "[policy]\ngroup = 'postfix'\nchecks.reverse_dns = 'off'\n\
         [dns]\nservers = ['{}']\n[lookup]\nenabled = false\n",
        senders::SERVER
    );
    lab.gate().set("attach", "generic").with(&config).start()
}

/// A Postfix that asks about the sender.
fn postfix_at_sender(lab: &Lab, gate: &Gate<'_>, more: &str) -> Result<Postfix> {
    let socket = gate.socket().with_file_name("policy.sock");
    let asks = AT_SENDER.replace("SOCKET", &socket.display().to_string());
    Postfix::start_with(lab, gate, &(asks + more))
}

/// Postfix fits the enhanced code to the restriction that asked.
#[test]
fn asked_at_the_recipient_postfix_speaks_of_a_recipient() -> Result<()> {
    let lab = Lab::new()?;
    let _senders = Senders::start(&lab)?;
    let gate = gate(&lab)?;
    let _postfix = Postfix::start(&lab, &gate)?;
    for (sender, code, enhanced, text) in REFUSED {
        let enhanced = enhanced.replace(".1.8", ".1.2");
        let said = Smtp::from(&lab, "203.0.113.7")?.mail(sender)?;
        assert_eq!(said, format!("{code} {enhanced} {REJECTED}{text}"));
    }
    for sender in TAKEN {
        let said = Smtp::from(&lab, "203.0.113.7")?.mail(sender)?;
        assert_eq!(said, "250 2.1.5 Ok", "{sender}");
    }
    Ok(())
}

#[test]
fn asked_at_the_sender_the_reply_is_as_configured() -> Result<()> {
    let lab = Lab::new()?;
    let _senders = Senders::start(&lab)?;
    let gate = gate(&lab)?;
    let _postfix = postfix_at_sender(&lab, &gate, "smtpd_delay_reject = no\n")?;
    for who in ["203.0.113.7", "2001:db8:1:2::7"] {
        for (sender, code, enhanced, text) in REFUSED {
            let said = Smtp::from(&lab, who)?.sender(sender)?;
            assert_eq!(
                said,
                format!("{code} {enhanced} <{sender}>: Sender address rejected: {text}")
            );
        }
        for sender in TAKEN {
            let mut client = Smtp::from(&lab, who)?;
            assert_eq!(client.sender(sender)?, "250 2.1.0 Ok", "{sender}");
        }
    }
    // A 421 ends the connection, a 554 does not: the next sender is heard.
    let mut client = Smtp::from(&lab, "203.0.113.7")?;
    assert!(client.sender("joe@gone.example")?.starts_with("554 5.1.8 "));
    assert_eq!(client.mail("joe@example.org")?, "250 2.1.5 Ok");
    assert!(client.data()?.starts_with("250 2.0.0 Ok: queued as "));
    assert_eq!(
        gate.json(&["policy", "status"])?["refused"]["sender_domain"],
        7
    );
    Ok(())
}

/// With Postfix's default, the reply is the same, and said when the recipient is named.
#[test]
fn asked_at_the_sender_the_refusal_may_wait_for_the_recipient() -> Result<()> {
    let lab = Lab::new()?;
    let _senders = Senders::start(&lab)?;
    let gate = gate(&lab)?;
    let _postfix = postfix_at_sender(&lab, &gate, "")?;
    for (sender, code, enhanced, text) in REFUSED {
        let said = Smtp::from(&lab, "203.0.113.7")?.mail(sender)?;
        assert_eq!(
            said,
            format!("{code} {enhanced} <{sender}>: Sender address rejected: {text}")
        );
    }
    Ok(())
}
