//! One record of evidence: what was seen of one source, when, and who says so.

use std::{fmt, net::IpAddr, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{clock::second_down, network::Network};

/// Longest text, in bytes, that says who gave evidence; [`Evidence::new`] cuts what is longer.
pub const MAX_FROM: usize = 128;

/// One record of evidence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evidence {
    /// The address that connected, IPv4-mapped IPv6 as IPv4.
    address: IpAddr,
    /// When it was seen: when the mail arrived, not when somebody complained of it; whole seconds.
    at: Timestamp,
    /// Who says so: a complaint's reporter (`fbl@example.net`), a verdict's source (`rspamd`).
    from: Arc<str>,
    /// What was seen.
    kind: Kind,
    /// What the same record has in common with its repetition; `None` for a record of which two
    /// are two.
    digest: Option<Digest>,
}

/// What was seen of a source.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Somebody complained of its mail.
    Complaint {
        /// Messages complained of, 1 or more (RFC 5965 section 3.2, `Incidents`).
        incidents: u32,
        /// Whether the mail came to a spam trap, an address that never asked for any.
        trap: bool,
    },
    /// The filter called its mail spam.
    Spam {
        /// Messages.
        count: u32,
    },
    /// The filter called its mail good.
    Ham {
        /// Messages.
        count: u32,
    },
    /// Bounces to its mail could not be delivered.
    Bounce {
        /// Messages.
        count: u32,
    },
}

impl Kind {
    /// The name: `complaint`, `trap`, `spam`, `ham` or `bounce`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complaint { trap: false, .. } => "complaint",
            Self::Complaint { trap: true, .. } => "trap",
            Self::Spam { .. } => "spam",
            Self::Ham { .. } => "ham",
            Self::Bounce { .. } => "bounce",
        }
    }

    /// How many messages it is about.
    pub const fn count(self) -> u32 {
        match self {
            Self::Complaint {
                incidents: count, ..
            }
            | Self::Spam { count }
            | Self::Ham { count }
            | Self::Bounce { count } => count,
        }
    }
}

impl Evidence {
    /// A record. An IPv4-mapped address becomes IPv4, `at` is cut to whole seconds, and `from` to
    /// [`MAX_FROM`] bytes.
    pub fn new(
        address: IpAddr,
        at: Timestamp,
        from: &str,
        kind: Kind,
        digest: Option<Digest>,
    ) -> Self {
        Self {
            address: address.to_canonical(),
            at: second_down(at),
            from: from[..from.floor_char_boundary(MAX_FROM)].into(),
            kind,
            digest,
        }
    }

    /// The address that connected.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The source that the address belongs to, which is what is scored and listed.
    pub fn source(&self) -> Network {
        Network::source(self.address)
    }

    /// When it was seen, in whole seconds.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Who says so.
    pub fn from(&self) -> &Arc<str> {
        &self.from
    }

    /// What was seen.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What a repetition has in common with it.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }
}

/// What makes a record the same as its repetition: 64 bits of a SHA-256. Compared among the
/// records of one source alone, so that nobody gains by finding two that collide.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Digest(i64);

impl Digest {
    /// Of these parts in this order; where one ends and the next begins counts.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let hash = hash.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        Self(i64::from_be_bytes(first))
    }

    /// As a number, as the store keeps it.
    pub fn to_i64(self) -> i64 {
        self.0
    }
}

/// In hexadecimal.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_of_one_source_and_second() {
        let at = "2026-10-12T00:00:00.9Z".parse().unwrap();
        let kind = Kind::Spam { count: 2 };
        for (address, source) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ] {
            let record = Evidence::new(address.parse().unwrap(), at, "rspamd", kind, None);
            assert_eq!(record.source(), source.parse().unwrap());
            assert_eq!(record.at().to_string(), "2026-10-12T00:00:00Z");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let name = "ü".repeat(MAX_FROM);
        let kind = Kind::Ham { count: 1 };
        let record = Evidence::new(
            [192, 0, 2, 7].into(),
            Timestamp::UNIX_EPOCH,
            &name,
            kind,
            None,
        );
        assert_eq!(&**record.from(), "ü".repeat(MAX_FROM / 2));
    }

    #[test]
    fn a_digest_is_of_the_parts_and_their_borders() {
        let digest = |parts: &[&str]| Digest::of(parts.iter().map(|part| part.as_bytes()));
        assert_eq!(digest(&["ab", "c"]), digest(&["ab", "c"]));
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["ab"]), digest(&["ab", ""]));
    }
}
