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
