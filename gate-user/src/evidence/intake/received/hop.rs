//! One `Received` header: which address the mail server that wrote it says connected to it.
//!
//! Every server writes two things side by side: what it saw (the address, the name that it
//! looked up) and what the client said of itself (HELO, ident, login). A client may say
//! `[192.0.2.1]` or `x (y [192.0.2.1])`. So the address counts only in the one place where the
//! servers put what they saw, and a header that has another address in such a place, or any that
//! does not read as these do, is not understood:
//!
//! ```text
//! from HELO (NAME [ADDRESS])            Postfix, Sendmail, Gmail, OpenSMTPD, amavis, Courier
//! from HELO (IDENT@NAME [ADDRESS] (may be forged))              Sendmail
//! from NAME ([ADDRESS] helo=HELO ident=IDENT)                   Exim
//! from [ADDRESS] (helo=HELO)                                    Exim, no name found
//! from NAME (HELO HELO) (IDENT@ADDRESS)                         qmail, Yahoo (EHLO)
//! from HELO (ADDRESS)                                           Exchange, qmail
//! ```

use std::net::{IpAddr, Ipv6Addr};

use super::lex::{Token, Tokens};

/// How the mail came to the server that wrote the header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hop {
    /// From this address, which connected.
    From(IpAddr),
    /// From another part of the same server, by a protocol that no stranger speaks with it.
    Inside,
    /// From a program on the server itself: who wrote what is below is not known.
    Local,
}

/// The longest header that is looked at, in bytes.
const MAX: usize = 8 << 10;

/// Reads one header; `None` if it is not understood.
pub(super) fn hop(text: &str) -> Option<Hop> {
    if text.len() > MAX {
        return None;
    }
    let mut tokens = Tokens::of(text);
    match tokens.next()? {
        Token::Word(word) if word.eq_ignore_ascii_case("from") => from(tokens),
        Token::Word(word) if word.eq_ignore_ascii_case("by") => match by(tokens.rest())?.protocol {
            // Gmail: from one of its servers to another.
            Protocol::Smtp | Protocol::Lmtp => Some(Hop::Inside),
            Protocol::Local => Some(Hop::Local),
            Protocol::Other => None,
        },
        Token::Comment(text) => program(text),
        Token::Word(_) | Token::Unbalanced => None,
    }
}

/// `(qmail 4711 invoked from network)`: the next header is of the same server. `(from u@host)` is
/// Sendmail's way to say that a program on the host handed the mail in.
fn program(comment: &str) -> Option<Hop> {
    if comment.starts_with("from ") {
        return Some(Hop::Local);
    }
    let (_, how) = comment.strip_prefix("qmail ")?.split_once(" invoked ")?;
    Some(match how {
        "from network" => Hop::Inside,
        _ => Hop::Local,
    })
}

/// What stands behind `from`.
fn from(mut tokens: Tokens<'_>) -> Option<Hop> {
    let Token::Word(said) = tokens.next()? else {
        return None;
    };
    let mut comments = Vec::new();
    loop {
        match tokens.next()? {
            Token::Comment(comment) => comments.push(comment),
            Token::Word(word) if word.eq_ignore_ascii_case("by") => break,
            Token::Word(_) | Token::Unbalanced => return None,
        }
    }
    let by = by(tokens.rest())?;
    let greeting = |comment: &&str| {
        let head = comment.as_bytes().get(..5).unwrap_or_default();
        head.eq_ignore_ascii_case(b"HELO ") || head.eq_ignore_ascii_case(b"EHLO ")
    };
    let exim = |comment: &&str| {
        ["helo=", "ident=", "port="]
            .iter()
            .any(|key| comment.starts_with(key))
    };
    let mut places = comments.iter().skip_while(|comment| greeting(comment));
    let seen = places.next().copied().and_then(address_in);
    // Where a second comment looks as the first does, the client may have made one of them up.
    if let Some(seen) = seen {
        let rival = places
            .filter_map(|comment| address_in(comment))
            .any(|other| other != seen);
        return (!rival).then_some(Hop::From(seen));
    }
    match bracketed(said) {
        Some((address, rest)) if is_port(rest) => {
            let exim = comments.first().map_or(by.exim, exim);
            let rival = comments.iter().any(|comment| address_in(comment).is_some());
            (exim && !rival).then_some(Hop::From(address))
        }
        _ if comments.iter().any(|comment| address_in(comment).is_some()) => None,
        _ => match by.protocol {
            Protocol::Lmtp => Some(Hop::Inside),
            Protocol::Local => Some(Hop::Local),
            // Without an address: not one of the servers that we know.
            Protocol::Smtp | Protocol::Other => None,
        },
    }
}

/// What stands behind `by`.
struct By {
    protocol: Protocol,
    /// Whether Exim wrote it.
    exim: bool,
}

/// What stands behind `with`.
#[derive(Clone, Copy)]
enum Protocol {
    /// Nothing, or `local`: a program on the host handed the mail in.
    Local,
    /// LMTP (RFC 2033), which is spoken within a site alone.
    Lmtp,
    Smtp,
    Other,
}

impl Protocol {
    fn named(name: &str) -> Self {
        let begins = |with: &str| {
            name.get(..with.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(with))
        };
        if begins("LMTP") {
            Self::Lmtp
        } else if begins("SMTP") || begins("ESMTP") || begins("UTF8SMTP") {
            Self::Smtp
        } else if name.eq_ignore_ascii_case("local") {
            Self::Local
        } else {
            Self::Other
        }
    }
}

/// Reads what stands behind `by`, up to the date. `None` if there is a second `by`: what a client
/// said may reach up to it.
fn by(text: &str) -> Option<By> {
    let text = text.rsplit_once(';').map_or(text, |(text, _)| text);
    let mut tokens = Tokens::of(text);
    // The name of the host itself.
    tokens.next()?;
    let mut protocol = None;
    let mut exim = false;
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) if word.eq_ignore_ascii_case("by") => return None,
            Token::Word(word) if word.eq_ignore_ascii_case("with") && protocol.is_none() => {
                protocol = Some(match tokens.clone().next() {
                    Some(Token::Word(name)) => Protocol::named(name),
                    // `with (TLS encrypted) SMTP`: netqmail.
                    _ => Protocol::Other,
                });
            }
            Token::Comment(comment) if comment.starts_with("Exim ") => exim = true,
            Token::Word(_) | Token::Comment(_) => {}
            // A recipient or sender may hold one: nothing behind it is needed.
            Token::Unbalanced => break,
        }
    }
    Some(By {
        protocol: protocol.unwrap_or(Protocol::Local),
        exim,
    })
}

/// The address in a comment, where the comment is as a server writes it.
fn address_in(comment: &str) -> Option<IpAddr> {
    let comment = comment.trim_ascii();
    if let Some((address, rest)) = bracketed(comment) {
        let rest = rest.trim_ascii_start();
        let rest = match rest.strip_prefix(':') {
            Some(port) => port
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .trim_ascii_start(),
            None => rest,
        };
        // Behind `helo=` and `ident=` the client speaks.
        let known = rest.is_empty()
            || rest.starts_with('(')
            || ["helo=", "ident=", "port="]
                .iter()
                .any(|key| rest.starts_with(key));
        return known.then_some(address);
    }
    if !comment.contains('[') {
        // qmail: the ident reply stands in front.
        let address = comment.rsplit('@').next().unwrap_or(comment);
        let alone = !comment.contains(|c: char| c.is_ascii_whitespace() || c == '(');
        return alone.then(|| parse(address)).flatten();
    }
    // The last bracket outside of nested comments; an ident reply may stand in front.
    let (head, nested) = match comment.split_once(" (") {
        Some((head, nested)) => (head.trim_ascii_end(), nested),
        None => (comment, ""),
    };
    let (name, literal) = head.split_once(' ')?;
    let (address, rest) = bracketed(literal.trim_ascii_start())?;
    let clean = !name.is_empty() && is_port(rest) && !nested.contains('[');
    clean.then_some(address)
}

fn is_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The address that `text` begins with in brackets, and what is behind it.
fn bracketed(text: &str) -> Option<(IpAddr, &str)> {
    let (literal, rest) = text.strip_prefix('[')?.split_once(']')?;
    Some((parse(literal)?, rest))
}

/// An address, or an address literal without its brackets (RFC 5321 section 4.1.3).
pub(crate) fn parse(text: &str) -> Option<IpAddr> {
    let tagged = text
        .get(..5)
        .is_some_and(|tag| tag.eq_ignore_ascii_case("IPv6:"));
    let address = if tagged {
        IpAddr::V6(text[5..].parse::<Ipv6Addr>().ok()?)
    } else {
        // A zone (`fe80::1%eth0`) is for this link alone.
        text.parse().ok()?
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests;
