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
