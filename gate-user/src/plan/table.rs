//! The whole plan.

use super::{
    diff::Table,
    merge::{drop_reason, sheltered},
    rules::Rules,
};
use crate::book::Book;

/// What the kernel should hold for `book`.
///
/// The block table holds every network that a listing with enforcement
/// [`Drop`](super::Enforcement::Drop) names, with the reason of the listing that counts, also
/// inside a wider one, so that the end of the wider opens no gap (invariant 2). It holds no
/// network that lies wholly in an allow entry or a protected network (invariant 8). One that
/// merely contains such is held, and the allow table, which wins, holds every allow entry and
/// every protected network (invariant 1).
pub fn table(book: &Book, rules: &Rules) -> Table {
    let mut listed = book.listed().peekable();
    let block = std::iter::from_fn(|| {
        let network = listed.peek()?.network();
        let of_network =
            std::iter::from_fn(|| listed.next_if(|listed| listed.network() == network));
        Some((network, drop_reason(of_network, rules)))
    });
    Table {
        allow: book
            .allowed()
            .chain(rules.protected().iter().copied())
            .collect(),
        block: block
            .filter_map(|(network, reason)| Some((network, reason?)))
            .filter(|&(network, _)| !sheltered(network, book, rules))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        book::{
            Change, NewAllow, NewListing, Origin,
            testing::{Sandbox, allowance, feed, listing, net},
        },
        network::Network,
        plan::Enforcement,
    };
    use gate_common::Reason;

    fn list(network: &str) -> Change {
        Change::List(NewListing {
            force: true,
            ..listing(network)
        })
    }

    fn list_for(network: &str, reason: Reason) -> Change {
        Change::List(NewListing {
            reason,
            origin: Origin::Ptr,
            ..listing(network)
        })
    }

    fn allow(network: &str) -> Change {
        Change::Allow(NewAllow {
            force: true,
            ..allowance(network)
        })
    }

    /// What the block table holds after those changes, in one line.
    fn block(changes: Vec<Change>) -> String {
        let mut sandbox = Sandbox::default();
        sandbox.apply(changes, 10).unwrap();
        let own: Network = net("203.0.113.25");
        let configured = |reason| (reason == Reason::NoBounce).then_some(Enforcement::Observe);
        let table = table(&sandbox.book, &Rules::new(configured, [own]));
        assert!(table.allow.contains(&own));
        let lines = table.block.iter();
        let lines = lines.map(|(network, reason)| format!("{network} {}", reason.code()));
        lines.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_the_kernel_should_block() {
        for (changes, expected) in [
            (vec![], ""),
            (vec![list("192.0.2.0/24")], "192.0.2.0/24 manual"),
            // One inside another keeps its own entry: invariant 2, when the wider ends.
            (
                vec![list("192.0.2.0/24"), feed("a", &[("192.0.2.7", "")])],
                "192.0.2.0/24 manual, 192.0.2.7/32 feed",
            ),
            (
                vec![list("2001:db8::/32"), list("2001:db8:1::/48")],
                "2001:db8::/32 manual, 2001:db8:1::/48 manual",
            ),
            // Only what is to be dropped.
            (vec![list_for("192.0.2.7", Reason::Generic)], ""),
            (vec![list_for("192.0.2.7", Reason::NoBounce)], ""),
            (
                vec![list_for("192.0.2.7", Reason::Generic), list("192.0.2.7")],
                "192.0.2.7/32 manual",
            ),
            // Invariant 8: what lies in an allow entry, or is protected.
            (vec![list("192.0.2.7"), allow("192.0.2.7")], ""),
            (vec![list("192.0.2.7"), allow("192.0.2.0/24")], ""),
            (vec![list("192.0.2.7"), allow("0.0.0.0/0")], ""),
            (
                vec![list("2001:db8::1"), allow("0.0.0.0/0")],
                "2001:db8::1/128 manual",
            ),
            (vec![list("127.0.0.1"), list("127.0.0.0/8")], ""),
            (
                vec![list("169.254.7.0/24"), list("fe80::/10"), list("::1")],
                "",
            ),
            (
                vec![list("224.0.0.0/8"), list("ff00::/8"), list("0.0.0.0/8")],
                "",
            ),
            (vec![list("203.0.113.25")], ""),
            // What merely contains such is blocked; the allow table wins.
            (
                vec![list("192.0.2.0/24"), allow("192.0.2.7")],
                "192.0.2.0/24 manual",
            ),
            (vec![list("203.0.113.0/24")], "203.0.113.0/24 manual"),
            (vec![list("0.0.0.0/0")], "0.0.0.0/0 manual"),
        ] {
            let text = format!("{changes:?}");
            assert_eq!(block(changes), expected, "{text}");
        }
    }

    #[test]
    fn what_the_kernel_should_allow() {
        let mut sandbox = Sandbox::default();
        let configured = Change::Configure {
            allow: vec![net("192.0.2.0/24"), net("127.0.0.0/8")],
        };
        let changes = vec![allow("192.0.2.0/24"), allow("192.0.2.7"), configured];
        sandbox.apply(changes, 10).unwrap();
        let table = table(&sandbox.book, &Rules::default());
        let mut expected: std::collections::BTreeSet<_> = Rules::always_protected().into();
        expected.extend([net("192.0.2.0/24"), net("192.0.2.7")]);
        assert_eq!(table.allow, expected);
    }
}
