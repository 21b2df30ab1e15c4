//! Who sent a mail: its `Received` headers read from the top, as far as their writers are trusted.
//!
//! Each server puts its header on top, so the topmost is of the server where the mail ended. What
//! it says of who connected is believed; if that is an own relay or a known forwarder, the next
//! header is of that server, and believed as well. The first address outside is the sender: what
//! is below it the sender may have made up, and nobody looks at it. A header that is not
//! understood ends the walk without an answer, because skipping it would be to believe the next
//! one without a reason.

mod hop;
mod lex;

use std::net::IpAddr;

use jiff::{Timestamp, fmt::rfc2822};

pub(super) use self::hop::parse as parse_address;
use self::hop::{Hop, hop};
use super::trust::{Standing, Trust};
use crate::network::Network;

/// The most headers that are walked through; more than any mail server lets a mail pass.
const MAX_HOPS: usize = 100;

/// Who sent a mail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Found {
    /// The first address outside.
    pub address: IpAddr,
    /// When it connected, by the clock of the server that wrote it down.
    pub at: Option<Timestamp>,
}

/// Why nobody can be blamed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoSource {
    /// There is no `Received` header.
    #[error("the message has no Received header")]
    NoHeader,
    /// A header is none of those that the known mail servers write.
    #[error("the Received header {hop} from the top is not understood: {header}")]
    NotUnderstood {
        /// Which one, from 1.
        hop: usize,
        /// How it begins.
        header: String,
    },
    /// The mail came from an address that is not public and not configured as ours.
    #[error(
        "the Received header {hop} from the top names {address}, which is not public; if it is a relay of ours, name it in evidence.own_relays"
    )]
    NotPublic {
        /// Which one, from 1.
        hop: usize,
        /// The address.
        address: IpAddr,
    },
    /// The mail was made by a program on a trusted host.
    #[error(
        "the Received header {hop} from the top says that the mail was made on that host itself"
    )]
    Local {
        /// Which one, from 1.
        hop: usize,
    },
    /// All headers are of own relays and known forwarders.
    #[error("the mail never was outside of own relays and known forwarders")]
    NeverOutside,
    /// A forwarder, complaints of which are dropped.
    #[error("the mail came through {0}, complaints of which are dropped")]
    Dropped(Network),
}

/// Who sent the mail with these `Received` headers, the topmost first, folded or not.
///
/// # Errors
/// Why nobody can be blamed.
pub fn offender<'a>(
    received: impl IntoIterator<Item = &'a str>,
    trust: &Trust,
) -> Result<Found, NoSource> {
    let mut any = false;
    for (hop_number, text) in (1..=MAX_HOPS).zip(received) {
        any = true;
        let address = match hop(text) {
            Some(Hop::From(address)) => address,
            Some(Hop::Inside) => continue,
            Some(Hop::Local) => return Err(NoSource::Local { hop: hop_number }),
            None => {
                return Err(NoSource::NotUnderstood {
                    hop: hop_number,
                    header: excerpt(text),
                });
            }
        };
        match trust.standing(address) {
            Standing::Own | Standing::Forwarder => {}
            Standing::Dropped(network) => return Err(NoSource::Dropped(network)),
            Standing::NotPublic => {
                return Err(NoSource::NotPublic {
                    hop: hop_number,
                    address,
                });
            }
            Standing::Outside => {
                return Ok(Found {
                    address,
                    at: text.rsplit_once(';').and_then(|(_, date)| parse_date(date)),
                });
            }
        }
    }
    Err(if any {
        NoSource::NeverOutside
    } else {
        NoSource::NoHeader
    })
}

/// A date as mail has it (RFC 5322 section 3.3).
pub(super) fn parse_date(text: &str) -> Option<Timestamp> {
    static PARSER: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let unfolded = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    PARSER.parse_timestamp(&unfolded).ok()
}

/// The beginning of a header, on one line and without control characters.
fn excerpt(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words
        .chars()
        .filter(|c| !c.is_control())
        .take(120)
        .collect()
}

#[cfg(test)]
mod tests;
