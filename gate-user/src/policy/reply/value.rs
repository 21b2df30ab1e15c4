//! The values that fill a template. What a stranger may choose is made harmless here, once: what is
//! filled in is printable ASCII without a line break, at most [`Slot::longest`] octets of it.
//!
//! They are only put into words when a template wants them: most decisions are told nobody.

use std::{borrow::Cow, net::IpAddr};

use jiff::{Timestamp, tz::Offset};

use super::template::Slot;
use crate::{network::Network, policy::reference::Reference};

/// Stands for a value that nobody knows.
const UNKNOWN: &str = "unknown";
/// Stands for what was cut away.
const CUT: &str = "...";

/// What is known of the case at hand. What is not set reads `unknown`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Values<'a> {
    ip: Option<IpAddr>,
    network: Option<Network>,
    ptr: Option<&'a str>,
    reason: Option<&'static str>,
    date: Option<Timestamp>,
    url: Option<&'a str>,
    list: Option<&'a str>,
    list_url: Option<&'a str>,
    sender: Option<&'a str>,
    limit: Option<&'a str>,
    reference: Option<Reference>,
}

impl<'a> Values<'a> {
    /// Writes the value of `slot` to the end of `line`.
    pub(super) fn write(&self, slot: Slot, line: &mut String) {
        let mut keep = Keep::Beginning;
        let text: Option<Cow<'_, str>> = match slot {
            Slot::Ip => self.ip.map(|ip| ip.to_string().into()),
            Slot::Network => self.network.map(|network| network.to_string().into()),
            Slot::Ptr => {
                keep = Keep::End;
                self.ptr.map(Into::into)
            }
            Slot::Reason => self.reason.map(Into::into),
            Slot::Date => self.date.map(|at| day(at).into()),
            Slot::Url => self.url.map(Into::into),
            Slot::List => self.list.map(Into::into),
            Slot::ListUrl => self.list_url.map(Into::into),
            Slot::Sender => {
                keep = Keep::End;
                self.sender.map(Into::into)
            }
            Slot::Limit => self.limit.map(Into::into),
            Slot::Ref => self.reference.map(|reference| reference.to_string().into()),
        };
        let text = text.as_deref().unwrap_or(UNKNOWN);
        write_harmless(text, slot.longest(), keep, line);
    }

    /// `{ip}`: the client's address; an IPv4-mapped one as IPv4.
    #[must_use]
    pub fn ip(self, address: IpAddr) -> Self {
        let ip = Some(address.to_canonical());
        Self { ip, ..self }
    }

    /// `{network}`: the network that is listed, or the source.
    #[must_use]
    pub fn network(self, network: Network) -> Self {
        let network = Some(network);
        Self { network, ..self }
    }

    /// `{ptr}`: the PTR name of the client, as its owner chose it.
    #[must_use]
    pub fn ptr(self, name: &'a str) -> Self {
        let ptr = Some(name);
        Self { ptr, ..self }
    }

    /// `{reason}`: the code of the reason.
    #[must_use]
    pub fn reason(self, code: &'static str) -> Self {
        let reason = Some(code);
        Self { reason, ..self }
    }

    /// `{date}`: the day, in UTC, such as `20261122`.
    #[must_use]
    pub fn date(self, at: Timestamp) -> Self {
        let date = Some(at);
        Self { date, ..self }
    }

    /// `{url}`: where reasons are explained.
    #[must_use]
    pub fn url(self, url: &'a str) -> Self {
        let url = Some(url);
        Self { url, ..self }
    }

    /// `{list}`: the name of the third-party list.
    #[must_use]
    pub fn list(self, name: &'a str) -> Self {
        let list = Some(name);
        Self { list, ..self }
    }

    /// `{list_url}`: where that list tells of the client.
    #[must_use]
    pub fn list_url(self, url: &'a str) -> Self {
        let list_url = Some(url);
        Self { list_url, ..self }
    }

    /// `{sender}`: the envelope sender, as the client gave it.
    #[must_use]
    pub fn sender(self, address: &'a str) -> Self {
        let sender = Some(address);
        Self { sender, ..self }
    }

    /// `{limit}`: the limit that was exceeded.
    #[must_use]
    pub fn limit(self, limit: &'a str) -> Self {
        let limit = Some(limit);
        Self { limit, ..self }
    }

    /// `{ref}`: what finds the decision in the log.
    #[must_use]
    pub fn reference(self, reference: Reference) -> Self {
        let reference = Some(reference);
        Self { reference, ..self }
    }
}

/// The day of `at` in UTC.
fn day(at: Timestamp) -> String {
    let day = Offset::UTC.to_datetime(at).date();
    format!("{:04}{:02}{:02}", day.year(), day.month(), day.day())
}

/// What stays of a text that is too long.
#[derive(Clone, Copy)]
enum Keep {
    Beginning,
    /// A name's or an address's domain stands at its end.
    End,
}

/// Writes `text` with `?` for every octet that is not visible ASCII, cut to `longest` octets.
///
/// A space counts as invisible: no value has one, and an address `a> 250 OK` should not look like
/// words of ours. So do the brackets that templates put around values.
fn write_harmless(text: &str, longest: usize, keep: Keep, line: &mut String) {
    let visible = |byte: &u8| match byte {
        b'<' | b'>' => '?',
        b'!'..=b'~' => *byte as char,
        _ => '?',
    };
    let bytes = text.as_bytes();
    if bytes.len() <= longest {
        line.extend(bytes.iter().map(visible));
        return;
    }
    let room = longest - CUT.len();
    match keep {
        Keep::Beginning => {
            line.extend(bytes[..room].iter().map(visible));
            line.push_str(CUT);
        }
        Keep::End => {
            line.push_str(CUT);
            line.extend(bytes[bytes.len() - room..].iter().map(visible));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(values: &Values<'_>, slot: Slot) -> String {
        let mut line = String::new();
        values.write(slot, &mut line);
        line
    }

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
            let values = Values::default().sender(given);
            assert_eq!(self::value(&values, Slot::Sender), value);
        }
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let long = "a".repeat(300) + ".example.org";
        let values = Values::default().ptr(&long).list(&long);
        let (ptr, list) = (value(&values, Slot::Ptr), value(&values, Slot::List));
        assert_eq!(ptr.len(), Slot::Ptr.longest());
        assert!(ptr.starts_with("...aaa") && ptr.ends_with("a.example.org"));
        assert_eq!(list.len(), Slot::List.longest());
        assert!(list.starts_with("aaa") && list.ends_with("a..."));
    }

    #[test]
    fn the_longest_that_we_write_ourselves_is_not_cut() {
        let address: IpAddr = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap();
        let at = "2026-11-22T23:59:59Z".parse().unwrap();
        let most = u32::MAX.to_string();
        let values = Values::default()
            .ip(address)
            .network(Network::host(address))
            .date(at)
            .limit(&most);
        assert_eq!(value(&values, Slot::Ip), address.to_string());
        assert_eq!(value(&values, Slot::Network), format!("{address}/128"));
        assert_eq!(value(&values, Slot::Date), "20261122");
        assert_eq!(value(&values, Slot::Limit), "4294967295");
        for reason in gate_common::Reason::ALL {
            let values = Values::default().reason(reason.code());
            assert_eq!(value(&values, Slot::Reason), reason.code());
        }
        let mapped = Values::default().ip("::ffff:192.0.2.7".parse().unwrap());
        assert_eq!(value(&mapped, Slot::Ip), "192.0.2.7");
        assert_eq!(value(&Values::default(), Slot::Ptr), "unknown");
    }
}
