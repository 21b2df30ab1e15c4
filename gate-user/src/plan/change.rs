//! The plan's difference between two books, from what was touched alone.

use super::{
    diff::Diff,
    merge::{allowed, decide},
    rules::Rules,
};
use crate::{book::Book, network::Network};

/// What turns the table of `before` into the table of `after`.
///
/// `touched` are the networks of which an entry came, went or changed
/// ([`Applied::touched`](crate::book::Applied)), in any order. The cost grows with them, and
/// with the listings inside allow entries that came or went: those join or leave the table.
pub fn change(before: &Book, after: &Book, touched: &[Network], rules: &Rules) -> Diff {
    let mut diff = Diff::default();
    let mut candidates = touched.to_vec();
    for &network in touched {
        let (was, is) = (
            allowed(network, before, rules),
            allowed(network, after, rules),
        );
        if was == is {
            continue;
        }
        if is {
            diff.allow.push(network);
        } else {
            diff.disallow.push(network);
        }
        for book in [before, after] {
            candidates.extend(
                book.listed_within(network)
                    .map(crate::book::Listed::network),
            );
        }
    }
    candidates.sort_unstable();
    candidates.dedup();
    for network in candidates {
        let (was, is) = (
            decide(network, before, rules),
            decide(network, after, rules),
        );
        match is {
            Some(reason) if was != Some(reason) => diff.block.push((network, reason)),
            None if was.is_some() => diff.unblock.push(network),
            _ => {}
        }
    }
    for networks in [&mut diff.allow, &mut diff.disallow] {
        networks.sort_unstable();
        networks.dedup();
    }
    diff
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        book::{
            self,
            testing::{Sandbox, allowance, change as any_change, listing, net, network, reason},
        },
        plan::{Enforcement, Table, table},
    };

    fn rules() -> impl Strategy<Value = Rules> {
        let enforcement = prop::sample::select(vec![
            None,
            Some(Enforcement::Drop),
            Some(Enforcement::Reject),
            Some(Enforcement::Observe),
        ]);
        let own = prop::collection::vec(network(), 0..3);
        (reason(), enforcement, own).prop_map(|(reason, enforcement, own)| {
            // An own network is an address or a link's network, not half the Internet.
            let own = own.into_iter().filter(|network| network.prefix_len() >= 8);
            Rules::new(
                |other| if other == reason { enforcement } else { None },
                own,
            )
        })
    }

    fn batches() -> impl Strategy<Value = Vec<Vec<book::Change>>> {
        prop::collection::vec(prop::collection::vec(any_change(), 0..8), 1..20)
    }

    fn carry_out(table: &mut Table, diff: Diff) {
        table.allow.extend(diff.allow);
        table.block.extend(diff.block);
        for network in diff.unblock {
            table.block.remove(&network).expect("it was blocked");
        }
        for network in diff.disallow {
            assert!(table.allow.remove(&network), "it was allowed");
        }
    }

    /// Whether a listing of `network` says drop, and nothing lets all of it pass.
    fn must_block(book: &Book, rules: &Rules, network: Network) -> bool {
        book.at(network)
            .any(|listing| rules.enforcement(listing.reason) == Enforcement::Drop)
            && book.allow_covering(network).next().is_none()
            && !rules
                .protected()
                .iter()
                .any(|protected| protected.covers(network))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn it_is_the_difference_of_the_tables(rules in rules(), batches in batches()) {
            let mut sandbox = Sandbox::default();
            let mut kept = table(&sandbox.book, &rules);
            for (now, batch) in (990..).zip(batches) {
                let before = sandbox.book.clone();
                let Ok(applied) = sandbox.apply(batch, now) else { continue };
                let diff = change(&before, &sandbox.book, &applied.touched, &rules);
                let planned = table(&sandbox.book, &rules);
                prop_assert_eq!(&diff, &Diff::between(&kept, &planned));
                carry_out(&mut kept, diff);
                prop_assert_eq!(&kept, &planned);
            }
        }

        #[test]
        fn invariants_1_and_8_what_is_allowed_is_never_blocked(
            rules in rules(),
            batches in batches(),
        ) {
            let mut sandbox = Sandbox::default();
            for (now, batch) in (990..).zip(batches) {
                let _ = sandbox.apply(batch, now);
                let table = table(&sandbox.book, &rules);
                for entry in sandbox.book.allow_entries() {
                    prop_assert!(table.allow.contains(&entry.network));
                }
                for protected in rules.protected() {
                    prop_assert!(table.allow.contains(protected));
                }
                for blocked in table.block.keys() {
                    let covers = |allowed: &&Network| allowed.covers(*blocked);
                    prop_assert_eq!(table.allow.iter().find(covers), None, "of {}", blocked);
                }
            }
        }

        #[test]
        fn invariant_2_what_stays_listed_stays_blocked(
            rules in rules(),
            batches in batches(),
        ) {
            let mut sandbox = Sandbox::default();
            let mut kept = table(&sandbox.book, &rules);
            for (now, batch) in (990..).zip(batches) {
                let before = sandbox.book.clone();
                let Ok(applied) = sandbox.apply(batch, now) else { continue };
                let diff = change(&before, &sandbox.book, &applied.touched, &rules);
                for listing in before.listings() {
                    let network = listing.network;
                    let stays = must_block(&before, &rules, network)
                        && must_block(&sandbox.book, &rules, network);
                    if stays {
                        prop_assert!(kept.block.contains_key(&network), "{}", network);
                        prop_assert!(!diff.unblock.contains(&network), "{}", network);
                    }
                }
                carry_out(&mut kept, diff);
            }
        }
    }

    #[test]
    fn an_allow_entry_takes_what_is_in_it_out_of_the_table_and_back() {
        let rules = Rules::default();
        let mut sandbox = Sandbox::default();
        let listed = ["192.0.2.0/24", "192.0.2.7", "192.0.2.8", "198.51.100.1"];
        let changes = listed.map(|network| book::Change::List(listing(network)));
        sandbox.apply(changes.into(), 10).unwrap();
        let mut apply = |change_of_book| {
            let before = sandbox.book.clone();
            let applied = sandbox.apply(vec![change_of_book], 11).unwrap();
            change(&before, &sandbox.book, &applied.touched, &rules)
        };
        let inside = ["192.0.2.7", "192.0.2.8"].map(net);
        let allowed = apply(book::Change::Allow(allowance("192.0.2.0/28")));
        let expected = Diff {
            allow: vec![net("192.0.2.0/28")],
            unblock: inside.into(),
            ..Diff::default()
        };
        assert_eq!(allowed, expected);
        let ended = apply(book::Change::Disallow {
            network: net("192.0.2.0/28"),
            origin: None,
        });
        let expected = Diff {
            block: inside
                .map(|network| (network, gate_common::Reason::Manual))
                .into(),
            disallow: vec![net("192.0.2.0/28")],
            ..Diff::default()
        };
        assert_eq!(ended, expected);
    }
}
