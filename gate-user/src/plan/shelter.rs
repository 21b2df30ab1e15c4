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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::{
        Change,
        testing::{Sandbox, allowance, net},
    };

    #[test]
    fn what_of_a_network_will_pass() {
        let mut sandbox = Sandbox::default();
        let allowed = ["192.0.2.0/24", "192.0.2.7", "198.51.100.64/26"];
        let changes = allowed.map(|network| Change::Allow(allowance(network)));
        sandbox.apply(changes.into(), 10).unwrap();
        let rules = Rules::new(|_| None, [net("198.51.100.25"), net("2001:db8::25")]);
        for (network, whole, parts) in [
            ("203.0.113.0/24", "", ""),
            ("192.0.2.7", "allow 192.0.2.0/24, allow 192.0.2.7/32", ""),
            ("192.0.2.0/24", "allow 192.0.2.0/24", "allow 192.0.2.7/32"),
            ("192.0.2.0/23", "", "allow 192.0.2.0/24, allow 192.0.2.7/32"),
            (
                "198.51.100.0/24",
                "",
                "own 198.51.100.25/32, allow 198.51.100.64/26",
            ),
            ("198.51.100.25", "own 198.51.100.25/32", ""),
            ("127.0.0.1", "own 127.0.0.0/8", ""),
            ("240.0.0.0/4", "", "own 255.255.255.255/32"),
            ("2001:db8::/32", "", "own 2001:db8::25/128"),
        ] {
            let exempt = exempt(&sandbox.book, &rules, net(network));
            let text = |shelters: &[Shelter]| {
                let line = |shelter: &Shelter| match shelter {
                    Shelter::Protected(network) => format!("own {network}"),
                    Shelter::Allowed(entry) => format!("allow {}", entry.network),
                };
                shelters.iter().map(line).collect::<Vec<_>>().join(", ")
            };
            assert_eq!(text(&exempt.whole), whole, "{network}");
            assert_eq!(text(&exempt.parts), parts, "{network}");
            assert_eq!(
                exempt.is_empty(),
                whole.is_empty() && parts.is_empty(),
                "{network}"
            );
        }
    }
}
