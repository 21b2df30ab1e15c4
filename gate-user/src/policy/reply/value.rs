//! The values that fill a template. What a stranger may choose is made harmless here, once: a
//! [`Value`] is printable ASCII without a line break, of a known greatest length.

use std::{fmt::Display, net::IpAddr};

use jiff::{Timestamp, tz::TimeZone};

use super::template::Slot;
use crate::network::Network;

/// Stands for a value that nobody knows.
const UNKNOWN: &str = "unknown";
/// Stands for what was cut away.
const CUT: &str = "...";

/// A value for a [`Slot`]: visible ASCII, at most [`Slot::longest`] octets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Value(String);

impl Value {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is known of the case at hand. What is not set reads `unknown`.
#[derive(Clone, Debug, Default)]
pub struct Values([Option<Value>; Slot::ALL.len()]);

impl Values {
    /// The value of `slot`.
    pub(super) fn get(&self, slot: Slot) -> &str {
        self.0[slot as usize]
            .as_ref()
            .map_or(UNKNOWN, Value::as_str)
    }

    fn set(mut self, slot: Slot, text: &str, keep: Keep) -> Self {
        self.0[slot as usize] = Some(harmless(text, slot.longest(), keep));
        self
    }

    /// `{ip}`: the client's address; an IPv4-mapped one as IPv4.
    #[must_use]
    pub fn ip(self, address: IpAddr) -> Self {
        let text = address.to_canonical().to_string();
        self.set(Slot::Ip, &text, Keep::Beginning)
    }

    /// `{network}`: the network that is listed, or the source.
    #[must_use]
    pub fn network(self, network: Network) -> Self {
        self.set(Slot::Network, &network.to_string(), Keep::Beginning)
    }

    /// `{ptr}`: the PTR name of the client, as its owner chose it.
    #[must_use]
    pub fn ptr(self, name: &str) -> Self {
        self.set(Slot::Ptr, name, Keep::End)
    }

    /// `{reason}`: the code of the reason.
    #[must_use]
    pub fn reason(self, code: &'static str) -> Self {
        self.set(Slot::Reason, code, Keep::Beginning)
    }

    /// `{date}`: the day, in UTC, such as `20261122`.
    #[must_use]
    pub fn date(self, at: Timestamp) -> Self {
        let day = at.to_zoned(TimeZone::UTC).strftime("%Y%m%d").to_string();
        self.set(Slot::Date, &day, Keep::Beginning)
    }

    /// `{url}`: where reasons are explained.
    #[must_use]
    pub fn url(self, url: &str) -> Self {
        self.set(Slot::Url, url, Keep::Beginning)
    }

    /// `{list}`: the name of the third-party list.
    #[must_use]
    pub fn list(self, name: &str) -> Self {
        self.set(Slot::List, name, Keep::Beginning)
    }

    /// `{list_url}`: where that list tells of the client.
    #[must_use]
    pub fn list_url(self, url: &str) -> Self {
        self.set(Slot::ListUrl, url, Keep::Beginning)
    }

    /// `{sender}`: the envelope sender, as the client gave it.
    #[must_use]
    pub fn sender(self, address: &str) -> Self {
        self.set(Slot::Sender, address, Keep::End)
    }

    /// `{limit}`: the limit that was exceeded.
    #[must_use]
    pub fn limit(self, limit: impl Display) -> Self {
        self.set(Slot::Limit, &limit.to_string(), Keep::Beginning)
    }

    /// `{ref}`: what finds the decision in the log.
    #[must_use]
    pub fn reference(self, reference: impl Display) -> Self {
        self.set(Slot::Ref, &reference.to_string(), Keep::Beginning)
    }
}

/// What stays of a text that is too long.
#[derive(Clone, Copy)]
enum Keep {
    Beginning,
    /// A name's or an address's domain stands at its end.
    End,
}

/// `text` with `?` for every octet that is not visible ASCII, cut to `longest` octets.
///
/// A space counts as invisible: no value has one, and an address `a> 250 OK` should not look like
/// words of ours. So do the brackets that templates put around values.
fn harmless(text: &str, longest: usize, keep: Keep) -> Value {
    let visible = |byte: u8| match byte {
        b'<' | b'>' => '?',
        b'!'..=b'~' => byte as char,
        _ => '?',
    };
    let bytes = text.as_bytes();
    if bytes.len() <= longest {
        return Value(bytes.iter().map(|byte| visible(*byte)).collect());
    }
    let room = longest - CUT.len();
    let cut = match keep {
        Keep::Beginning => {
            let kept = bytes[..room].iter().map(|byte| visible(*byte));
            kept.chain(CUT.chars()).collect()
        }
        Keep::End => {
            let kept = bytes[bytes.len() - room..].iter();
            CUT.chars().chain(kept.map(|byte| visible(*byte))).collect()
        }
    };
    Value(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_chose_is_made_harmless() {
        for (given, value) in [
            ("mail.example.org", "mail.example.org"),
            ("a\r\n250 2.0.0 OK", "a??250?2.0.0?OK"),
            ("a\0b\x7fc\td", "a?b?c?d"),
            ("ü@example.org", "??@example.org"),
            ("a> b <c", "a??b??c"),
            (
                "\"quoted\\ local\"@example.org",
                "\"quoted\\?local\"@example.org",
            ),
            ("", ""),
        ] {
            assert_eq!(Values::default().sender(given).get(Slot::Sender), value);
        }
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let long = "a".repeat(300) + ".example.org";
        let values = Values::default().ptr(&long).list(&long);
        let (ptr, list) = (values.get(Slot::Ptr), values.get(Slot::List));
        assert_eq!(ptr.len(), Slot::Ptr.longest());
        assert!(ptr.starts_with("...aaa") && ptr.ends_with("a.example.org"));
        assert_eq!(list.len(), Slot::List.longest());
        assert!(list.starts_with("aaa") && list.ends_with("a..."));
    }

    #[test]
    fn the_longest_that_we_write_ourselves_is_not_cut() {
        let address: IpAddr = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap();
        let at = "2026-11-22T23:59:59Z".parse().unwrap();
        let values = Values::default()
            .ip(address)
            .network(Network::host(address))
            .date(at)
            .limit(u32::MAX);
        assert_eq!(values.get(Slot::Ip), address.to_string());
        assert_eq!(values.get(Slot::Network), format!("{address}/128"));
        assert_eq!(values.get(Slot::Date), "20261122");
        assert_eq!(values.get(Slot::Limit), "4294967295");
        for reason in gate_common::Reason::ALL {
            let values = Values::default().reason(reason.code());
            assert_eq!(values.get(Slot::Reason), reason.code());
        }
        let mapped = Values::default().ip("::ffff:192.0.2.7".parse().unwrap());
        assert_eq!(mapped.get(Slot::Ip), "192.0.2.7");
        assert_eq!(Values::default().get(Slot::Ptr), "unknown");
    }
}
