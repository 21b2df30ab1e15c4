//! One decision for one network: which listing counts, and whether the kernel is to hold it.

use std::cmp::Ordering;

use gate_common::Reason;
use jiff::Timestamp;

use super::rules::{Enforcement, Rules};
use crate::{
    book::{Book, Listed, Listing, Origin},
    network::Network,
};

/// Where a listing stands among those of the same network: the least counts.
///
/// The strongest enforcement comes first; then what an operator said; then the reason with the
/// lower number; then what has been in force longest; then the origin by name, so that there is
/// always one winner.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Rank<'a> {
    enforcement: Enforcement,
    /// `false` sorts first.
    automatic: bool,
    reason: u8,
    since: Timestamp,
    origin: &'a Origin,
}

impl<'a> Rank<'a> {
    pub(super) fn of(listing: &'a Listing, rules: &Rules) -> Self {
        Self::new(listing.reason, &listing.origin, listing.since, rules)
    }

    fn of_listed(listed: Listed<'a>, rules: &Rules) -> Self {
        Self::new(listed.reason, listed.origin(), listed.since(), rules)
    }

    fn new(reason: Reason, origin: &'a Origin, since: Timestamp, rules: &Rules) -> Self {
        Self {
            enforcement: rules.enforcement(reason),
            automatic: *origin != Origin::Operator,
            reason: reason as u8,
            since,
            origin,
        }
    }
}

/// Which of the listings of an address counts: the strongest enforcement, then, as in the
/// kernel's trie, the longest prefix, then the order within one network.
pub(super) fn precedence(one: &Listing, other: &Listing, rules: &Rules) -> Ordering {
    let (one_rank, other_rank) = (Rank::of(one, rules), Rank::of(other, rules));
    one_rank
        .enforcement
        .cmp(&other_rank.enforcement)
        .then_with(|| {
            let lengths = (one.network.prefix_len(), other.network.prefix_len());
            lengths.1.cmp(&lengths.0)
        })
        .then_with(|| one_rank.cmp(&other_rank))
}

/// The reason for which the kernel is to drop what comes from a network with these listings;
/// `None` if none of them says drop.
pub(super) fn drop_reason<'a>(
    listings: impl Iterator<Item = Listed<'a>>,
    rules: &Rules,
) -> Option<Reason> {
    listings
        .filter(|listed| rules.enforcement(listed.reason) == Enforcement::Drop)
        .min_by_key(|listed| Rank::of_listed(*listed, rules))
        .map(|listed| listed.reason)
}

/// Whether all of `network` passes whatever lists it: such a network is not planned.
pub(super) fn sheltered(network: Network, book: &Book, rules: &Rules) -> bool {
    rules
        .protected()
        .iter()
        .any(|protected| protected.covers(network))
        || book.allows_all_of(network)
}

/// What the block table is to hold for `network`: the reason, or `None` for no entry.
pub fn decide(network: Network, book: &Book, rules: &Rules) -> Option<Reason> {
    let reason = drop_reason(book.listed_at(network), rules)?;
    (!sheltered(network, book, rules)).then_some(reason)
}

/// Whether the allow table is to hold `network`.
pub(super) fn allowed(network: Network, book: &Book, rules: &Rules) -> bool {
    rules.protected().binary_search(&network).is_ok() || book.allows(network)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::{
        Change, NewListing,
        testing::{Sandbox, listing, net},
    };

    /// Reason, origin, second of its beginning.
    type Said = (Reason, Origin, i64);

    /// One line for each pair: the first counts, in whatever order they came.
    #[test]
    fn which_listing_of_a_network_counts() {
        let rules = Rules::default();
        let cases: [(Said, Said, &str); 6] = [
            (
                (Reason::Manual, Origin::Dnsbl, 2),
                (Reason::Dynamic, Origin::Operator, 1),
                "drop before reject, whoever says so",
            ),
            (
                (Reason::Manual, Origin::Operator, 2),
                (Reason::DirectSpam, Origin::Complaints, 1),
                "an operator before a lower number",
            ),
            (
                (Reason::DirectSpam, Origin::Complaints, 2),
                (Reason::Dnsbl, Origin::Dnsbl, 1),
                "the lower number before the older",
            ),
            (
                (Reason::Feed, Origin::Feed("b".into()), 1),
                (Reason::Feed, Origin::Feed("a".into()), 2),
                "the older before the name",
            ),
            (
                (Reason::Feed, Origin::Feed("a".into()), 1),
                (Reason::Feed, Origin::Feed("b".into()), 1),
                "the name at last",
            ),
            (
                (Reason::Dynamic, Origin::Operator, 2),
                (Reason::Generic, Origin::Ptr, 1),
                "the same among those that reject",
            ),
        ];
        for (winner, loser, why) in cases {
            for pair in [[&winner, &loser], [&loser, &winner]] {
                let mut sandbox = Sandbox::default();
                for (reason, origin, since) in pair.into_iter().cloned() {
                    let new = NewListing {
                        reason,
                        origin,
                        ..listing("192.0.2.0/24")
                    };
                    sandbox.apply(vec![Change::List(new)], since).unwrap();
                }
                let listings = sandbox.book.at(net("192.0.2.0/24"));
                let first = listings.min_by(|one, other| precedence(one, other, &rules));
                let first = first.unwrap();
                let found = (first.reason, first.origin, first.since.as_second());
                assert_eq!(found, winner, "{why}");
                let drops = rules.enforcement(winner.0) == Enforcement::Drop;
                let planned = decide(net("192.0.2.0/24"), &sandbox.book, &rules);
                assert_eq!(planned, drops.then_some(winner.0), "{why}");
            }
        }
    }
}
