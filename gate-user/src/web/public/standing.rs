//! How an address stands, as far as everybody may know it: the reason, the day, and the way out. Never
//! what a listing rests on, which would tell a sender who complained, or which address is a trap; for
//! the same end there are days and no times.

use std::net::IpAddr;

use gate_common::Reason;
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    book::Origin,
    control::api::{Check, DnsFinding, Match, MatchKind},
    network::Network,
    plan::Enforcement,
    removal::{Recourse, recourse},
};

/// How an address stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Standing {
    pub(super) address: IpAddr,
    /// What its mail is refused for; nothing if it passes.
    pub(super) listings: Vec<Shown>,
}

/// A listing, as everybody may see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Shown {
    pub(super) network: Network,
    pub(super) reason: Reason,
    /// The day since when.
    pub(super) since: Option<String>,
    /// The day when it ends by itself.
    pub(super) ends: Option<String>,
    /// Whether not even a connection comes about.
    pub(super) dropped: bool,
    /// What a request can bring about.
    pub(super) recourse: Recourse,
    /// The list that it is on, where others keep it.
    pub(super) feed: Option<String>,
}

impl Standing {
    /// What may be told of `check`.
    pub(super) fn new(check: &Check) -> Self {
        let listings = check.matches.iter().filter_map(Shown::new);
        Self {
            address: check.address,
            listings: if check.allowed {
                Vec::new()
            } else {
                listings.collect()
            },
        }
    }

    /// Whether a request can bring anything about.
    pub(super) fn may_request(&self) -> bool {
        let mut listings = self.listings.iter();
        listings.any(|shown| shown.recourse != Recourse::None)
    }

    /// Whether it is listed for what DNS says of it.
    pub(super) fn rests_on_dns(&self) -> bool {
        let mut listings = self.listings.iter();
        listings.any(|shown| shown.recourse == Recourse::Dns)
    }
}

impl Shown {
    /// The listing, if that is one that refuses mail.
    fn new(found: &Match) -> Option<Self> {
        let enforcement = found.enforcement?;
        if found.kind != MatchKind::Listing || enforcement == Enforcement::Observe {
            return None;
        }
        let (reason, origin) = (found.reason?, found.origin.as_ref()?);
        Some(Self {
            network: found.network,
            reason,
            since: found.since.map(day),
            ends: found.expires.map(day),
            dropped: enforcement == Enforcement::Drop,
            recourse: recourse(reason, origin),
            feed: match origin {
                Origin::Feed(name) => Some(name.to_string()),
                _ => None,
            },
        })
    }
}

/// What DNS said, which is public: the name, and the lists.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Dns {
    pub(super) name: Option<String>,
    pub(super) lists: Vec<String>,
}

impl From<DnsFinding> for Dns {
    fn from(finding: DnsFinding) -> Self {
        let listing = finding.dnsbl.into_iter();
        let listing = listing.filter(|answer| answer.listed && !answer.overridden);
        Self {
            name: finding.ptr.and_then(|ptr| ptr.name),
            lists: listing.map(|answer| answer.list).collect(),
        }
    }
}

/// The day, in UTC.
fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}
