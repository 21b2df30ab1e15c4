//! Why an address passes or does not: all that matches it, and what counts.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{
    merge::precedence,
    rules::{Enforcement, Rules},
    shelter::{Shelter, shelters_of},
};
use crate::{
    book::{Book, Listing},
    network::Network,
};

/// What happens to a connection.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It gets through.
    Pass,
    /// The kernel drops it.
    Drop,
    /// The mail server refuses it.
    Reject,
}

impl Verdict {
    /// The name used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Drop => "drop",
            Self::Reject => "reject",
        }
    }
}

impl From<Enforcement> for Verdict {
    fn from(enforcement: Enforcement) -> Self {
        match enforcement {
            Enforcement::Drop => Self::Drop,
            Enforcement::Reject => Self::Reject,
            Enforcement::Observe => Self::Pass,
        }
    }
}

/// All that the plan knows of an address, in the mode `enforce`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The address asked about; an IPv4-mapped one as IPv4.
    pub address: IpAddr,
    /// What happens to its connections.
    pub verdict: Verdict,
    /// The listings that cover it. The first is the one that counts: where nothing shelters the
    /// address, the verdict is its; the others follow in the order in which they would count if
    /// those before them ended.
    pub matches: Vec<Match>,
    /// What lets it pass whatever lists it, the widest first.
    pub shelters: Vec<Shelter>,
}

/// A listing that covers an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Match {
    /// The listing.
    pub listing: Listing,
    /// What its reason does.
    pub enforcement: Enforcement,
    /// What would happen if the address had no other listing.
    pub verdict: Verdict,
}

impl Answer {
    /// Whether anything lists it, be it only to observe.
    pub fn listed(&self) -> bool {
        !self.matches.is_empty()
    }

    /// Whether it passes whatever lists it.
    pub fn allowed(&self) -> bool {
        !self.shelters.is_empty()
    }

    /// The listing that counts.
    pub fn winner(&self) -> Option<&Match> {
        self.matches.first()
    }
}

/// What happens to connections from `address`, and why.
///
/// An allow entry or a protected network wins over everything. Of the listings that cover the
/// address the strongest enforcement counts; then the longest prefix, as in the kernel; then the
/// order in which the listings of one network count: an operator's, the lower number of the
/// reason, the oldest.
pub fn answer(book: &Book, rules: &Rules, address: IpAddr) -> Answer {
    let address = address.to_canonical();
    let host = Network::host(address);
    let shelters = shelters_of(book, rules, host);
    let mut listings: Vec<_> = book.covering(host).collect();
    listings.sort_by(|one, other| precedence(one, other, rules));
    let matches: Vec<_> = listings
        .into_iter()
        .map(|listing| {
            let enforcement = rules.enforcement(listing.reason);
            let verdict = if shelters.is_empty() {
                enforcement.into()
            } else {
                Verdict::Pass
            };
            Match {
                listing,
                enforcement,
                verdict,
            }
        })
        .collect();
    Answer {
        address,
        verdict: matches.first().map_or(Verdict::Pass, |first| first.verdict),
        matches,
        shelters,
    }
}
