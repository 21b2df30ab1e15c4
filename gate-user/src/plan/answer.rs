//! Why an address passes or does not: all that matches it, and what counts.

use std::net::IpAddr;

use schemars::JsonSchema;
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
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "PlanVerdict")]
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

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use gate_common::Reason;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        book::{
            Change, NewListing, Origin,
            testing::{Sandbox, allowance, change, feed, listing, net, network},
        },
        plan::table,
    };

    fn list_for(network: &str, reason: Reason) -> Change {
        Change::List(NewListing {
            reason,
            origin: Origin::Ptr,
            ..listing(network)
        })
    }

    #[test]
    fn what_happens_to_an_address_and_why() {
        let mut sandbox = Sandbox::default();
        let changes = vec![
            feed(
                "drop",
                &[("192.0.2.0/24", "SBL1"), ("2001:db8::/32", "SBL2")],
            ),
            Change::List(listing("192.0.2.7")),
            list_for("192.0.2.0/28", Reason::NoRdns),
            list_for("198.51.100.0/24", Reason::Dynamic),
            list_for("198.51.100.7", Reason::NoBounce),
            list_for("198.51.100.7", Reason::Generic),
            Change::Allow(allowance("192.0.2.8/30")),
        ];
        sandbox.apply(changes, 10).unwrap();
        let observe = |reason| (reason == Reason::NoBounce).then_some(Enforcement::Observe);
        let rules = Rules::new(observe, [net("198.51.100.25")]);
        for (address, verdict, winner, matches, allowed) in [
            ("203.0.113.1", "pass", "", 0, false),
            ("192.0.2.99", "drop", "192.0.2.0/24 feed", 1, false),
            ("::ffff:192.0.2.99", "drop", "192.0.2.0/24 feed", 1, false),
            // The longer prefix, as in the kernel; what rejects comes after what drops.
            ("192.0.2.7", "drop", "192.0.2.7/32 manual", 3, false),
            ("192.0.2.1", "drop", "192.0.2.0/24 feed", 2, false),
            ("192.0.2.9", "pass", "192.0.2.0/24 feed", 2, true),
            (
                "198.51.100.1",
                "reject",
                "198.51.100.0/24 dynamic",
                1,
                false,
            ),
            (
                "198.51.100.7",
                "reject",
                "198.51.100.7/32 generic",
                3,
                false,
            ),
            ("198.51.100.25", "pass", "198.51.100.0/24 dynamic", 1, true),
            ("127.0.0.1", "pass", "", 0, true),
            ("2001:db8::1", "drop", "2001:db8::/32 feed", 1, false),
            ("2001:db9::1", "pass", "", 0, false),
        ] {
            let answer = answer(&sandbox.book, &rules, address.parse().unwrap());
            assert_eq!(answer.verdict.as_str(), verdict, "{address}");
            let found = answer.winner().map(|first| &first.listing);
            let found = found.map(|first| format!("{} {}", first.network, first.reason.code()));
            assert_eq!(found.unwrap_or_default(), winner, "{address}");
            assert_eq!(answer.matches.len(), matches, "{address}");
            assert_eq!(answer.listed(), matches > 0, "{address}");
            assert_eq!(answer.allowed(), allowed, "{address}");
        }
    }

    #[test]
    fn each_match_says_what_it_would_do() {
        let mut sandbox = Sandbox::default();
        let changes = vec![
            Change::List(listing("192.0.2.0/24")),
            list_for("192.0.2.7", Reason::NoRdns),
            list_for("192.0.2.7", Reason::Forged),
        ];
        sandbox.apply(changes, 10).unwrap();
        let observe = |reason| (reason == Reason::Forged).then_some(Enforcement::Observe);
        let rules = Rules::new(observe, []);
        let address = "192.0.2.7".parse().unwrap();
        let verdicts = |sandbox: &Sandbox| {
            let matches = answer(&sandbox.book, &rules, address).matches;
            matches.iter().map(|each| each.verdict).collect::<Vec<_>>()
        };
        assert_eq!(
            verdicts(&sandbox),
            [Verdict::Drop, Verdict::Reject, Verdict::Pass]
        );
        let allow = Change::Allow(allowance("192.0.2.7"));
        sandbox.apply(vec![allow], 11).unwrap();
        assert_eq!(verdicts(&sandbox), [Verdict::Pass; 3]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        /// What is told is what the tables do, looked up as the kernel does.
        #[test]
        fn it_agrees_with_the_table(
            changes in prop::collection::vec(change(), 1..60),
            asked in prop::collection::vec(network(), 20),
        ) {
            let mut sandbox = Sandbox::default();
            sandbox.apply(changes, 990).unwrap();
            let rules = Rules::default();
            let table = table(&sandbox.book, &rules);
            for network in asked {
                // The first address of a network, or the one right before it.
                for address in [network.address(), before(network.address())] {
                    let covers = |network: &&Network| network.contains(address);
                    let allowed = table.allow.iter().any(|network| covers(&network));
                    let blocked = table.block.keys().filter(covers);
                    let longest = blocked.max_by_key(|network| network.prefix_len());
                    let dropped = longest.filter(|_| !allowed);
                    let answer = answer(&sandbox.book, &rules, address);
                    prop_assert_eq!(answer.allowed(), allowed, "{}", address);
                    let told = answer.winner().filter(|_| answer.verdict == Verdict::Drop);
                    let told = told.map(|winner| (winner.listing.network, winner.listing.reason));
                    let held = dropped.map(|network| (*network, table.block[network]));
                    prop_assert_eq!(told, held, "{}", address);
                }
            }
        }
    }

    fn before(address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(v4) => std::net::Ipv4Addr::from_bits(v4.to_bits().wrapping_sub(1)).into(),
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits().wrapping_sub(1)).into(),
        }
    }
}
