//! Entries as the book keeps them in memory: what [`Listing`] and [`AllowEntry`] say, in less room.

use std::{cmp::Ordering, fmt, str::FromStr, sync::Arc};

use gate_common::Reason;
use jiff::Timestamp;

use super::listing::{AllowEntry, Listing, ListingId, Origin};
use crate::network::Network;

/// What an entry says of its network.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Standing {
    /// It always passes.
    Allowed,
    /// It is listed for that reason.
    Listed(Reason),
}

/// A text that names no [`Standing`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is neither `allow` nor the code of a reason")]
pub struct StandingError(String);

/// `allow`, or the code of the reason.
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed => "allow",
            Self::Listed(reason) => reason.code(),
        })
    }
}

impl FromStr for Standing {
    type Err = StandingError;

    fn from_str(text: &str) -> Result<Self, StandingError> {
        if text == "allow" {
            return Ok(Self::Allowed);
        }
        Reason::ALL
            .into_iter()
            .find(|reason| reason.code() == text)
            .map(Self::Listed)
            .ok_or_else(|| StandingError(text.to_owned()))
    }
}

/// When an entry ends by itself: whole seconds since 1970, or never, which comes after all others.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Expiry(i64);

impl Expiry {
    /// Never.
    pub(super) const NEVER: Self = Self(i64::MAX);

    /// At that time, which is in whole seconds; `None` for never.
    pub(super) fn new(at: Option<Timestamp>) -> Self {
        at.map_or(Self::NEVER, |at| Self(at.as_second()))
    }

    /// The time; `None` for never.
    pub(super) fn at(self) -> Option<Timestamp> {
        (self != Self::NEVER).then(|| second(self.0))
    }

    /// Seconds since 1970 for the store; `None` for never.
    pub(super) fn seconds(self) -> Option<i64> {
        (self != Self::NEVER).then_some(self.0)
    }
}

/// The timestamp of a second that came out of one.
fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

/// What the entries are sorted by, and of which there is at most one in force each.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Key {
    pub(super) network: Network,
    pub(super) standing: Standing,
    pub(super) origin: Arc<Origin>,
}

/// An entry in force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Record {
    pub(super) id: i64,
    since: i64,
    pub(super) expires: Expiry,
    pub(super) comment: Option<Arc<str>>,
    pub(super) evidence: Option<Arc<str>>,
    pub(super) origin: Arc<Origin>,
    pub(super) network: Network,
    pub(super) standing: Standing,
}

impl Record {
    /// A new entry, without comment, evidence or end.
    pub(super) fn new(id: i64, key: Key, since: Timestamp) -> Self {
        Self {
            id,
            since: since.as_second(),
            expires: Expiry::NEVER,
            comment: None,
            evidence: None,
            origin: key.origin,
            network: key.network,
            standing: key.standing,
        }
    }

    pub(super) fn key(&self) -> Key {
        Key {
            network: self.network,
            standing: self.standing,
            origin: Arc::clone(&self.origin),
        }
    }

    /// [`Key`]'s order, without making one.
    pub(super) fn cmp_key(&self, key: &Key) -> Ordering {
        self.network
            .cmp(&key.network)
            .then_with(|| self.standing.cmp(&key.standing))
            .then_with(|| self.origin.cmp(&key.origin))
    }

    pub(super) fn since(&self) -> Timestamp {
        second(self.since)
    }

    /// The listing, unless this is an allow entry.
    pub(super) fn listing(&self) -> Option<Listing> {
        let Standing::Listed(reason) = self.standing else {
            return None;
        };
        Some(Listing {
            id: ListingId(self.id),
            network: self.network,
            reason,
            origin: Origin::clone(&self.origin),
            comment: self.comment.clone(),
            evidence: self.evidence.clone(),
            since: self.since(),
            expires: self.expires.at(),
        })
    }

    /// The allow entry, unless this is a listing.
    pub(super) fn allow_entry(&self) -> Option<AllowEntry> {
        (self.standing == Standing::Allowed).then(|| AllowEntry {
            network: self.network,
            origin: Origin::clone(&self.origin),
            comment: self.comment.clone(),
            since: self.since(),
            expires: self.expires.at(),
        })
    }
}
