//! What passes whatever lists it, told to whoever lists a network.

use super::rules::Rules;
use crate::{
    book::{AllowEntry, Book},
    network::Network,
};

/// Something that wins over every listing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Shelter {
    /// A network that is never blocked: the machine's own addresses, loopback, link-local,
    /// multicast.
    Protected(Network),
    /// An allow entry.
    Allowed(AllowEntry),
}

impl Shelter {
    /// The network that passes.
    pub fn network(&self) -> Network {
        match self {
            Self::Protected(network) => *network,
            Self::Allowed(entry) => entry.network,
        }
    }
}

/// What of a network will pass although it is listed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Exempt {
    /// What covers all of it, the widest first: the network is not planned at all.
    pub whole: Vec<Shelter>,
    /// What covers a part of it, sorted: the rest is blocked.
    pub parts: Vec<Shelter>,
}

impl Exempt {
    /// Whether nothing of the network passes.
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.parts.is_empty()
    }
}

/// What of `network` will pass however it is listed, and why: for whoever is about to list it.
pub fn exempt(book: &Book, rules: &Rules, network: Network) -> Exempt {
    let inside = |shelter: &Network| network.covers(*shelter) && *shelter != network;
    let mut parts: Vec<_> = rules
        .protected()
        .iter()
        .copied()
        .filter(inside)
        .map(Shelter::Protected)
        .chain(
            book.allow_within(network)
                .filter(|entry| inside(&entry.network))
                .map(Shelter::Allowed),
        )
        .collect();
    parts.sort_by_key(Shelter::network);
    Exempt {
        whole: shelters_of(book, rules, network),
        parts,
    }
}

/// What covers all of `network`, the widest first.
pub(super) fn shelters_of(book: &Book, rules: &Rules, network: Network) -> Vec<Shelter> {
    let mut shelters: Vec<_> = rules
        .protected()
        .iter()
        .copied()
        .filter(|protected| protected.covers(network))
        .map(Shelter::Protected)
        .chain(book.allow_covering(network).map(Shelter::Allowed))
        .collect();
    shelters.sort_by_key(|shelter| shelter.network().prefix_len());
    shelters
}
