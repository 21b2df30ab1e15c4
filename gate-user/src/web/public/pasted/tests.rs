//! What is found in what people paste, and what is not.

use std::path::Path;

use jiff::Timestamp;

use super::*;
use crate::{
    config::Config,
    policy::{
        Case,
        reply::{Slot, Values},
    },
};

fn found(text: &str) -> Option<(String, Option<&'static str>)> {
    let found = find(text).ok()?;
    Some((found.address.to_string(), found.topic.map(Topic::code)))
}

#[test]
fn an_address_or_a_message_is_understood() {
    let bounce = "<joe@example.org>: host mx.example.org[198.51.100.25] said: 554 5.7.1\n \
                  - ERROR: Mail Refused - <192.0.2.7> - See\n \
                  https://www.example.org/refused#directspam - 20261126 (in reply to RCPT TO)";
    for (text, address, topic) in [
        ("192.0.2.7", "192.0.2.7", None),
        ("  192.0.2.7.\n", "192.0.2.7", None),
        ("2001:db8::7", "2001:db8::7", None),
        ("2001:DB8::", "2001:db8::", None),
        ("::ffff:192.0.2.7", "192.0.2.7", None),
        ("[IPv6:2001:db8::7]", "2001:db8::7", None),
        ("from 2001:db8::7: refused", "2001:db8::7", None),
        (bounce, "192.0.2.7", Some("directspam")),
        (
            "554 5.7.1 <2001:db8::7> See http://203.0.113.1/#NoRDNS.",
            "2001:db8::7",
            Some("nordns"),
        ),
        (
            "relay=mx.example.org[198.51.100.25]:25, (host said: client 192.0.2.7 blocked)",
            "192.0.2.7",
            None,
        ),
        (
            "reject: RCPT from unknown[192.0.2.7]: 554",
            "192.0.2.7",
            None,
        ),
        (
            "ip=192.0.2.7; see https://a/#what #limits",
            "192.0.2.7",
            Some("limits"),
        ),
    ] {
        assert_eq!(found(text), Some((address.to_owned(), topic)), "{text}");
    }
    for text in [
        "",
        "mail.example.org",
        "192.0.2.0/24",
        "192.0.2.256",
        "554 5.7.1 refused at 12:30:15",
        "https://192.0.2.7/#directspam",
        "<script>alert(1)</script>",
        "192.0.2.7/31",
        "192.0.2.7/128",
        "2001:db8::1/32",
        "192.0.2.7:65536",
    ] {
        assert_eq!(found(text), None, "{text}");
    }
}

#[test]
fn an_address_is_understood_as_people_write_it() {
    for text in [
        "192.0.2.7:25",
        "client 192.0.2.7:43512 refused",
        "192.0.2.7:25:",
        "192.0.2.7/32",
        "192.0.2.7/32.",
        "*192.0.2.7*",
        "“192.0.2.7”",
        "„192.0.2.7“",
        "‘192.0.2.7’,",
        "«192.0.2.7»",
        "`192.0.2.7`?",
        "Client host [192.0.2.7] blocked",
        "client=mail.example.net[192.0.2.7]",
        "Client host mail.example.net[192.0.2.7] blocked",
        "banned sending IP [192.0.2.7]",
        "IP(192.0.2.7)",
        "is 192.0.2.7 refused by host mx.example.org[198.51.100.25]?",
        "Received: from pc (pc [203.0.113.9])\n\tby mail\nTo: joe\n192.0.2.7",
    ] {
        let expected = ("192.0.2.7".to_owned(), None);
        assert_eq!(found(text), Some(expected), "{text}");
    }
    for text in ["2001:db8::1/128", "[2001:db8::1]:25", "“2001:db8::1”"] {
        let expected = ("2001:db8::1".to_owned(), None);
        assert_eq!(found(text), Some(expected), "{text}");
    }
}

#[test]
fn a_text_is_looked_through_to_its_end_or_not_at_all() {
    let headers = |bytes: usize| format!("{}192.0.2.7", "é ".repeat(bytes / 3));
    let longest = LONGEST - 16;
    assert!(found(&headers(longest)).is_some());
    assert_eq!(find(&headers(LONGEST)), Err(Missing::TooLong));
}

#[test]
fn no_address_of_the_server_that_refused_is_taken() {
    for text in [
        "connect to mx.example.org[198.51.100.25]:25: Connection timed out",
        "lost connection with mx.example.org[198.51.100.25] while receiving",
        "to=<joe@example.org>, relay=mx.example.org[198.51.100.25]:25, status=bounced",
        "stat=Deferred, relay=[198.51.100.25], relay=198.51.100.25",
        "host mx [198.51.100.25]: 554",
        "H=mx.example.org [198.51.100.25]: SMTP error from remote mail server",
        "198.51.100.25 said: 554",
        "to=<joe@[198.51.100.25]>",
        "Remote-MTA: dns; mx.example.org. (198.51.100.25, the server for the domain)",
        "{FQDN=mx.example.org};{IP=198.51.100.25}",
        "[LastAttemptedIP=198.51.100.25:25]",
    ] {
        assert_eq!(find(text), Err(Missing::Client(None)), "{text}");
    }
}

/// A reply as the bounces of mail servers quote it, in the place of `REPLY`; who refused has
/// 198.51.100.25.
const BOUNCES: [&str; 9] = [
    // Postfix: the notice, its part for machines, and the log.
    "<joe@example.org>: host mx.example.org[198.51.100.25] said: REPLY (in reply to RCPT TO command)",
    "<joe@example.org>: host mx.example.org[198.51.100.25] refused to talk to me: REPLY",
    "Remote-MTA: dns; mx.example.org\nDiagnostic-Code: smtp; REPLY",
    "to=<joe@example.org>, relay=mx.example.org[198.51.100.25]:25, delay=1, dsn=5.7.1, \
     status=bounced (host mx.example.org[198.51.100.25] said: REPLY (in reply to RCPT TO command))",
    // Exim.
    "  joe@example.org\n    host mx.example.org [198.51.100.25]\n    SMTP error from remote mail \
     server after RCPT TO:<joe@example.org>:\n    REPLY",
    // sendmail: the notice, and the log.
    "   ----- Transcript of session follows -----\n... while talking to mx.example.org.:\n\
     >>> RCPT To:<joe@example.org>\n<<< REPLY\n554 5.0.0 Service unavailable",
    "relay=mx.example.org. [198.51.100.25], dsn=5.7.1, reply=REPLY, stat=Service unavailable",
    // Exchange.
    "Generating server: mail.example.net\njoe@example.org\nRemote server at mx.example.org \
     (198.51.100.25) returned 'REPLY'",
    // qmail.
    "<joe@example.org>:\n198.51.100.25 does not like recipient.\nRemote host said: REPLY\n\
     Giving up on 198.51.100.25.",
];

#[test]
fn every_reply_is_understood_in_every_bounce() {
    let config = Config::parse("", Path::new("gate.toml")).unwrap();
    let headers = "Received: from pc.example.net (pc.example.net [203.0.113.9])\n\
                   \tby mail.example.net; Thu, 26 Nov 2026 10:00:00 +0000\nSubject: hello";
    let cases = Case::ALL
        .into_iter()
        .flat_map(|case| BOUNCES.map(|bounce| (case, bounce)));
    for (case, bounce) in cases {
        let template = config.policy.reply.of(case);
        for client in ["192.0.2.7", "2001:db8::7"] {
            let client = client.parse().unwrap();
            let values = Values::default()
                .ip(client)
                .ptr("192-0-2-7.dyn.example.net")
                .reason("dynamic")
                .date(Timestamp::UNIX_EPOCH)
                .sender("jane@example.net")
                .limit("10/1m")
                .list_url("https://list.example/203.0.113.1")
                .url("http://203.0.113.1/");
            let text = bounce.replace("REPLY", &template.fill(&values).to_string());
            let text = format!("{text}\n\n{headers}");
            let topic = topic(&text);
            let expected = if template.has(Slot::Ip) {
                Ok(Found {
                    address: client,
                    topic,
                })
            } else if topic.is_some() || bounce.contains("198.51.100.25") {
                Err(Missing::Client(topic))
            } else {
                Err(Missing::Address)
            };
            assert_eq!(find(&text), expected, "{case:?}: {text}");
        }
    }
}

#[test]
fn every_reply_that_names_the_client_is_understood() {
    let config = Config::parse("", Path::new("gate.toml")).unwrap();
    for (case, topic) in [
        (Case::Listed, Some("rollup")),
        (Case::NoPtr, Some("nordns")),
        (Case::Forged, Some("forged")),
        (Case::Connections, Some("limits")),
        (Case::RecipientsPerConnection, Some("limits")),
        (Case::MessageRate, Some("limits")),
        (Case::RecipientRate, Some("limits")),
    ] {
        for client in ["192.0.2.7", "2001:db8::7"] {
            let values = Values::default()
                .ip(client.parse().unwrap())
                .ptr("192-0-2-9.example.net")
                .reason("rollup")
                .date(Timestamp::UNIX_EPOCH)
                .url("http://203.0.113.1/");
            let reply = config.policy.reply.of(case).fill(&values).to_string();
            assert_eq!(found(&reply), Some((client.to_owned(), topic)), "{reply}");
        }
    }
}
