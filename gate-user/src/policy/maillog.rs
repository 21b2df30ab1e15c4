//! Lines of a Postfix log: which client connected, was refused, or handed a message in. Pure.
//!
//! Read are the lines of smtpd(8), postscreen(8) and qmgr(8), whatever stands before the program's
//! name: a syslog header in either form of the time, or a journal's.

mod time;

use std::net::IpAddr;

pub use time::{Calendar, When};

/// A line that tells something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line<'a> {
    /// When it was written; `None` where that is not read.
    pub when: Option<When>,
    /// The process that wrote it, with its host: `mx1 postfix/smtpd[42`. An smtpd(8) has one client
    /// at a time.
    pub process: &'a str,
    /// What it tells.
    pub event: Event<'a>,
}

/// What a line tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event<'a> {
    /// A client connected to smtpd(8).
    Connected(Client<'a>),
    /// A client connected to postscreen(8), which hands it on to smtpd(8) or does not.
    Screened(Client<'a>),
    /// The client of an smtpd(8) is gone.
    Disconnected,
    /// A client was refused, by a check of Postfix or of this gate.
    Refused(Client<'a>),
    /// A client began to hand in the message `id`.
    Received {
        /// The message's queue id.
        id: &'a str,
        /// The client.
        client: Client<'a>,
        /// Whether the client has logged in.
        authenticated: bool,
    },
    /// The message `id` was taken into the queue.
    Queued {
        /// The message's queue id.
        id: &'a str,
        /// The envelope sender; empty for the null sender.
        sender: &'a str,
        /// How many recipients it has.
        recipients: u32,
    },
    /// The message `id` left the queue.
    Removed {
        /// The message's queue id.
        id: &'a str,
    },
}

/// A client as a log names it: `mail.example.org[192.0.2.7]`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Client<'a> {
    /// Its address; an IPv4-mapped one as IPv4.
    pub address: IpAddr,
    /// Its confirmed name, if it has one.
    pub name: Option<&'a str>,
}

/// What `line` tells, if anything.
pub fn read(line: &str) -> Option<Line<'_>> {
    let (header, program, message) = message(line)?;
    let event = match program {
        "smtpd" => smtpd(message),
        "postscreen" => postscreen(message),
        "qmgr" => qmgr(message),
        _ => None,
    }?;
    let (when, process) = time::split(header);
    Some(Line {
        when,
        process,
        event,
    })
}

/// All that stands before `]: `, the program of Postfix, and what it says: `... postfix/smtpd[123]:
/// message`.
fn message(line: &str) -> Option<(&str, &str, &str)> {
    let mut rest = line;
    // The header may hold `]: ` of its own, so each one is tried.
    loop {
        let (before, message) = rest.split_once("]: ")?;
        let tag = before.rsplit_once('[').filter(|(_, process)| {
            !process.is_empty() && process.bytes().all(|b| b.is_ascii_digit())
        });
        if let Some((tag, _)) = tag
            && let Some((_, program)) = tag.rsplit_once('/')
        {
            let header = &line[..line.len() - message.len() - "]: ".len()];
            return Some((header, program, message));
        }
        rest = message;
    }
}

fn smtpd(message: &str) -> Option<Event<'_>> {
    if let Some(client) = message.strip_prefix("connect from ") {
        return client_of(client).map(|(client, _)| Event::Connected(client));
    }
    if message.starts_with("disconnect from ") {
        return Some(Event::Disconnected);
    }
    let (id, rest) = message.split_once(": ")?;
    if let Some(refused) = rest.strip_prefix("reject: ") {
        return rejected(refused);
    }
    let (client, rest) = client_of(rest.strip_prefix("client=")?)?;
    let mut attributes = rest.split(", ");
    Some(Event::Received {
        id,
        client,
        authenticated: attributes.any(|attribute| attribute.starts_with("sasl_username=")),
    })
}

fn postscreen(message: &str) -> Option<Event<'_>> {
    if let Some(client) = message.strip_prefix("CONNECT from ") {
        return client_of(client).map(|(client, _)| Event::Screened(client));
    }
    rejected(message.strip_prefix("NOQUEUE: reject: ")?)
}

/// `RCPT from mail.example.org[192.0.2.7]: 554 5.7.1 ...`.
fn rejected(refused: &str) -> Option<Event<'_>> {
    let (_, client) = refused.split_once(" from ")?;
    client_of(client).map(|(client, _)| Event::Refused(client))
}

fn qmgr(message: &str) -> Option<Event<'_>> {
    let (id, rest) = message.split_once(": ")?;
    if rest == "removed" {
        return Some(Event::Removed { id });
    }
    // The sender may hold anything, `>, ` included: it ends where the size begins.
    let (sender, rest) = rest.strip_prefix("from=<")?.rsplit_once(">, size=")?;
    let (_, recipients) = rest.split_once("nrcpt=")?;
    let digits = recipients.find(|c: char| !c.is_ascii_digit());
    let recipients = &recipients[..digits.unwrap_or(recipients.len())];
    Some(Event::Queued {
        id,
        sender,
        recipients: recipients.parse().ok()?,
    })
}

/// A client at the beginning of `text`, and what stands behind it.
fn client_of(text: &str) -> Option<(Client<'_>, &str)> {
    let (name, rest) = text.split_once('[')?;
    let (address, behind) = rest.split_once(']')?;
    let address: IpAddr = address.parse().ok()?;
    let client = Client {
        address: address.to_canonical(),
        name: (!name.is_empty() && name != "unknown").then_some(name),
    };
    Some((client, behind))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn client(name: &str, address: &str) -> Client<'static> {
        Client {
            address: address.parse().unwrap(),
            name: (!name.is_empty()).then(|| &*name.to_owned().leak()),
        }
    }

    #[test]
    fn what_lines_tell() {
        let mail = || client("mail.example.org", "192.0.2.7");
        let header = "Nov 22 10:00:00 mx1 postfix";
        for (line, event) in [
            (
                "/smtpd[42]: connect from mail.example.org[192.0.2.7]",
                Event::Connected(mail()),
            ),
            (
                "/smtpd[42]: connect from unknown[2001:db8::1]",
                Event::Connected(client("", "2001:db8::1")),
            ),
            (
                "/smtpd[42]: connect from mail.example.org[192.0.2.7]:41000",
                Event::Connected(mail()),
            ),
            (
                "/smtpd[42]: disconnect from mail.example.org[192.0.2.7] ehlo=1 quit=1 commands=2",
                Event::Disconnected,
            ),
            (
                "/postscreen[42]: CONNECT from [192.0.2.7]:41000 to [198.51.100.25]:25",
                Event::Screened(client("", "192.0.2.7")),
            ),
            (
                "/postscreen[42]: NOQUEUE: reject: RCPT from [192.0.2.7]:41000: 550 5.7.1 x; from=<a@b>",
                Event::Refused(client("", "192.0.2.7")),
            ),
            (
                "/smtpd[42]: NOQUEUE: reject: RCPT from mail.example.org[192.0.2.7]: 554 5.7.1 <a@b>: Recipient address rejected: no; from=<x> to=<y> proto=ESMTP helo=<z>",
                Event::Refused(mail()),
            ),
            (
                "/smtpd[42]: 4ABC12: reject: DATA from mail.example.org[192.0.2.7]: 550 x",
                Event::Refused(mail()),
            ),
            (
                "/smtpd[42]: 4ABC12: client=mail.example.org[192.0.2.7]",
                Event::Received {
                    id: "4ABC12",
                    client: mail(),
                    authenticated: false,
                },
            ),
            (
                "/submission/smtpd[42]: 4ABC12: client=mail.example.org[192.0.2.7], sasl_method=PLAIN, sasl_username=joe",
                Event::Received {
                    id: "4ABC12",
                    client: mail(),
                    authenticated: true,
                },
            ),
            (
                "/qmgr[7]: 4ABC12: from=<joe@example.org>, size=1234, nrcpt=3 (queue active)",
                Event::Queued {
                    id: "4ABC12",
                    sender: "joe@example.org",
                    recipients: 3,
                },
            ),
            (
                "/qmgr[7]: 4ABC12: from=<>, size=1, nrcpt=1 (queue active)",
                Event::Queued {
                    id: "4ABC12",
                    sender: "",
                    recipients: 1,
                },
            ),
            (
                "/qmgr[7]: 4ABC12: from=<\"a>, size=9\"@example.org>, size=1, nrcpt=1 (queue active)",
                Event::Queued {
                    id: "4ABC12",
                    sender: "\"a>, size=9\"@example.org",
                    recipients: 1,
                },
            ),
            ("/qmgr[7]: 4ABC12: removed", Event::Removed { id: "4ABC12" }),
        ] {
            for (header, timed, process) in [
                (header, true, "mx1 postfix"),
                (
                    "2026-11-22T10:00:00.5+01:00 mx1 postfix",
                    true,
                    "mx1 postfix",
                ),
                ("mx1 x[1]: postfix-in", false, "mx1 x[1]: postfix-in"),
            ] {
                let line = format!("{header}{line}");
                let read = read(&line).unwrap();
                assert_eq!(read.event, event, "{line}");
                assert_eq!(read.when.is_some(), timed, "{line}");
                let tag = read.process.strip_prefix(process).unwrap();
                assert!(
                    ["smtpd[42", "qmgr[7", "postscreen[42"]
                        .iter()
                        .any(|is| tag.ends_with(is)),
                    "{tag}"
                );
            }
        }
    }

    #[test]
    fn what_lines_do_not_tell() {
        for line in [
            "",
            "x",
            "Nov 22 10:00:00 mx1 postfix/smtpd[42]: connect from unknown[unknown]",
            "Nov 22 10:00:00 mx1 postfix/smtpd[42]: lost connection after EHLO from a[192.0.2.7]",
            "Nov 22 10:00:00 mx1 postfix/smtpd[x]: connect from a[192.0.2.7]",
            "Nov 22 10:00:00 mx1 postfix/smtp[42]: connect to a[192.0.2.7]:25: Connection refused",
            "Nov 22 10:00:00 mx1 sshd[42]: connect from a[192.0.2.7]",
            "Nov 22 10:00:00 mx1 postfix/qmgr[7]: 4ABC12: from=<a>, status=expired",
            "Nov 22 10:00:00 mx1 postfix/qmgr[7]: 4ABC12: from=<a>, size=1, nrcpt=x",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_panics(
            line in "(Nov )?(postfix/)?(smtpd|qmgr|postscreen)?(\\[[0-9]{0,3}\\]: )?.{0,20}(from=<|client=|connect from |reject: )?.{0,20}",
        ) {
            let _ = read(&line);
        }
    }
}
