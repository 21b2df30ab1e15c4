//! What somebody put into the form: an address, or a whole error message. Out: the address that is
//! meant, and what the message says it was refused for. Pure, and linear in the text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4};

use gate_common::Reason;

use super::topic::Topic;

/// The longest text that is looked through, in bytes: a bounce with the headers of the mail. It comes in
/// a URL, of which the server takes 64 KiB, and in which many a byte is three.
pub(super) const LONGEST: usize = 32 << 10;

/// What is in a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Found {
    /// The client's address.
    pub(super) address: IpAddr,
    /// Why it was refused.
    pub(super) topic: Option<Topic>,
}

/// Why no address is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Missing {
    /// There is none.
    Address,
    /// It is an error message that leaves the client's out; and why that was refused.
    Client(Option<Topic>),
    /// The text is longer than [`LONGEST`].
    TooLong,
}

/// Whose an address is, from the least to the most likely to be the client's.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Whose {
    /// That of the mail server which refused, or of another host on the way.
    Others,
    /// The client's, since nothing says otherwise.
    Alone,
    /// The client's: in `<>`, as the replies have it.
    Angled,
}

/// What may stand right beside an address.
const DELIMITERS: [char; 26] = [
    '<', '>', '[', ']', '(', ')', '{', '}', ',', ';', '=', '"', '\'', '!', '?', '*', '`', '|', '“',
    '”', '„', '‘', '’', '‚', '«', '»',
];

/// How the lines begin, in lower case, that tell of the way of the mail before the client had it.
const TRACES: [&str; 5] = [
    "received:",
    "received-",
    "authentication-results:",
    "arc-",
    "x-originating-ip:",
];

/// Looks for the client's address and a topic in `text`.
pub(super) fn find(text: &str) -> Result<Found, Missing> {
    if text.len() > LONGEST {
        return Err(Missing::TooLong);
    }
    let mut best: Option<(Whose, IpAddr)> = None;
    let mut reader = Reader::default();
    let mut is_trace = false;
    for line in text.lines() {
        let is_folded = line.starts_with([' ', '\t']);
        is_trace = if is_folded {
            is_trace
        } else {
            begins_trace(line)
        };
        if is_trace {
            continue;
        }
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            // The host of the page may be an address itself.
            if word.contains("://") {
                continue;
            }
            let behind = [(); 3].map({
                let mut behind = words.clone();
                move |()| behind.next().unwrap_or("")
            });
            reader.read(word, speaks(behind), |whose, address| {
                if best.is_none_or(|(known, _)| whose > known) {
                    best = Some((whose, address));
                }
            });
        }
    }
    let topic = topic(text);
    match best {
        Some((Whose::Alone | Whose::Angled, address)) => Ok(Found {
            address: address.to_canonical(),
            topic,
        }),
        None if topic.is_none() => Err(Missing::Address),
        Some((Whose::Others, _)) | None => Err(Missing::Client(topic)),
    }
}

/// Whether `line` is the first of a header field of [`TRACES`].
fn begins_trace(line: &str) -> bool {
    TRACES.into_iter().any(|trace| {
        let begin = line.get(..trace.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(trace))
    })
}

/// Whether the words behind a host tell what it answered.
fn speaks(behind: [&str; 3]) -> bool {
    matches!(
        behind,
        ["said:" | "returned", ..] | ["refused", "to", "talk"] | ["does", "not", "like"]
    )
}

/// Reads words, and knows what stood before.
#[derive(Default)]
struct Reader<'t> {
    /// The last pieces, the latest first.
    before: [&'t str; 3],
}

impl<'t> Reader<'t> {
    /// Gives each address in `word`, and whose it is, to `take`. `speaks`: the words behind it tell
    /// what it answered.
    fn read(&mut self, word: &'t str, speaks: bool, mut take: impl FnMut(Whose, IpAddr)) {
        let (mut opening, mut is_joined) = (' ', false);
        for part in word.split_inclusive(DELIMITERS) {
            let piece = part.trim_end_matches(DELIMITERS);
            if let Some(address) = address(piece) {
                take(self.whose(opening, is_joined, speaks), address);
            }
            let name = piece.trim_matches([':', '.']);
            if !name.is_empty() {
                let [last, last_but_one, _] = self.before;
                self.before = [name, last, last_but_one];
            }
            is_joined = !name.is_empty();
            opening = part[piece.len()..].chars().next().unwrap_or(' ');
        }
    }

    /// Whose the address is that stands behind `opening`, which is joined to the piece before or not.
    fn whose(&self, opening: char, is_joined: bool, speaks: bool) -> Whose {
        if opening == '<' {
            return Whose::Angled;
        }
        let is = |piece: &str, word: &str| piece.eq_ignore_ascii_case(word);
        let any = |piece: &str, words: &[&str]| words.iter().any(|word| is(piece, word));
        let is_bracketed = matches!(opening, '[' | '(');
        let [last, last_but_one, first] = self.before;
        // `mx.example.org[192.0.2.1]`, `mx.example.org [192.0.2.1]`, `host mx [192.0.2.1]`.
        let is_host = |piece| is(piece, "host");
        let is_named = is_bracketed && (is_joined || last.contains('.') || is_host(last_but_one));
        let (mark, before) = if is_named && !any(last, &["client", "ip"]) {
            (last_but_one, first)
        } else {
            (last, last_but_one)
        };
        let is_client =
            any(mark, &["from", "client", "ip"]) || is_host(mark) && is(before, "client");
        // Exchange has `{IP=192.0.2.1}` behind `{FQDN=mx.example.org}`.
        let is_connected = match (mark, before) {
            ("to", verb) => any(verb, &["connect", "connected"]),
            ("on", verb) => is(verb, "up"),
            ("relay" | "LastAttemptedIP", _) => true,
            ("IP", host) => host.contains('.') && is(first, "FQDN"),
            (mark, _) => is_bracketed && is_host(mark),
        };
        let is_others = if is_client {
            mark == "IP" && is_connected
        } else {
            is_named || is_connected || speaks
        };
        if is_others {
            Whose::Others
        } else {
            Whose::Alone
        }
    }
}

/// The address that `piece` is, with a port or as a network of one address, whatever ends the sentence
/// behind it.
fn address(piece: &str) -> Option<IpAddr> {
    let piece = piece.strip_prefix("IPv6:").unwrap_or(piece);
    let exact = |piece: &str| {
        let port = |piece: &str| Some(IpAddr::V4(*piece.parse::<SocketAddrV4>().ok()?.ip()));
        let v4 = |piece: &str| piece.strip_suffix("/32")?.parse::<Ipv4Addr>().ok();
        let v6 = |piece: &str| piece.strip_suffix("/128")?.parse::<Ipv6Addr>().ok();
        let whole = piece.parse().ok();
        whole
            .or_else(|| port(piece))
            .or_else(|| v4(piece).map(IpAddr::V4))
            .or_else(|| v6(piece).map(IpAddr::V6))
    };
    exact(piece).or_else(|| exact(piece.trim_end_matches([':', '.'])))
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
mod tests;
