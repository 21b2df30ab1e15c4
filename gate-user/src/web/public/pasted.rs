//! What somebody put into the form: an address, or a whole error message. Out: the address that is
//! meant, and what the message says it was refused for. Pure.

use std::net::IpAddr;

use gate_common::Reason;

use super::topic::Topic;

/// The longest text that is looked through, in bytes: several replies, as a bounce quotes them.
pub(super) const LONGEST: usize = 4096;

/// What is in a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Found {
    /// The client's address.
    pub(super) address: IpAddr,
    /// Why it was refused.
    pub(super) topic: Option<Topic>,
}

/// Where an address stands, from the least to the most likely to be the client's.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
enum Place {
    /// Behind a host's name, as in `mx.example.org[192.0.2.1] said`.
    BehindName,
    /// Alone.
    Alone,
    /// In `<>`, as the replies have it.
    Angled,
}

/// What may stand right beside an address.
const DELIMITERS: [char; 12] = ['<', '>', '[', ']', '(', ')', ',', ';', '=', '"', '\'', '!'];

/// Looks for an address and a topic in `text`, of which no more than [`LONGEST`] bytes count.
pub(super) fn find(text: &str) -> Option<Found> {
    let text = &text[..text.floor_char_boundary(LONGEST)];
    let mut best: Option<(Place, IpAddr)> = None;
    for word in text.split_whitespace() {
        // The host of the page may be an address itself.
        if word.contains("://") {
            continue;
        }
        for (place, address) in addresses(word) {
            if best.is_none_or(|(known, _)| place > known) {
                best = Some((place, address));
            }
        }
    }
    let (_, address) = best?;
    Some(Found {
        address: address.to_canonical(),
        topic: topic(text),
    })
}

/// The addresses in a word without spaces.
fn addresses(word: &str) -> impl Iterator<Item = (Place, IpAddr)> {
    let mut start = 0;
    word.split(DELIMITERS).filter_map(move |piece| {
        let before = &word[..start];
        // A delimiter is one byte.
        start += piece.len() + 1;
        let address = address(piece)?;
        let is_named = |name: &str| name.ends_with(|c: char| c.is_ascii_alphanumeric());
        let place = if before.ends_with('<') {
            Place::Angled
        } else if before.strip_suffix('[').is_some_and(is_named) {
            Place::BehindName
        } else {
            Place::Alone
        };
        Some((place, address))
    })
}

/// The address that `piece` is, whatever ends the sentence behind it.
fn address(piece: &str) -> Option<IpAddr> {
    let piece = piece.strip_prefix("IPv6:").unwrap_or(piece);
    let all_of_it = piece.parse().ok();
    all_of_it.or_else(|| piece.trim_end_matches([':', '.']).parse().ok())
}

/// What `text` says was the reason.
fn topic(text: &str) -> Option<Topic> {
    let named = text.split('#').skip(1).find_map(|behind| {
        let end = behind.find(|c: char| !c.is_ascii_alphabetic());
        Topic::with_code(&behind[..end.unwrap_or(behind.len())])
    });
    // Two replies tell all of it themselves, and name no page.
    named.or_else(|| {
        [
            ("may be forged", Reason::Forged),
            ("IP name lookup failed", Reason::NoRdns),
        ]
        .into_iter()
        .find(|(words, _)| text.contains(words))
        .map(|(_, reason)| Topic::Reason(reason))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::Timestamp;

    use super::*;
    use crate::{
        config::Config,
        policy::{Case, reply::Values},
    };

    fn found(text: &str) -> Option<(String, Option<&'static str>)> {
        let found = find(text)?;
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
            &format!("{}192.0.2.7", "é ".repeat(LONGEST)),
        ] {
            assert_eq!(found(text), None, "{text}");
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
}
