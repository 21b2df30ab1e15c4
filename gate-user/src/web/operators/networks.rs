//! The networks that sampled drops come from most: the sources of an IPv4 /24 or an IPv6 /48 together.

use std::{cmp::Reverse, collections::BTreeMap};

use serde::Serialize;

use crate::{control::api::Top, network::Network};

/// A network that is dropped often.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(super) struct Busy {
    /// It.
    network: Network,
    /// About how many of its SYNs were dropped.
    drops: u64,
    /// Of how many of its sources that is known.
    sources: u64,
}

/// The `limit` networks of `top` with the most drops.
pub(super) fn networks(top: &Top, limit: usize) -> Vec<Busy> {
    let mut sums: BTreeMap<Network, (u64, u64)> = BTreeMap::new();
    for source in &top.sources {
        let network = Network::around(source.address);
        let (drops, sources) = sums.entry(network).or_default();
        *drops += source.drops;
        *sources += 1;
    }
    let sums = sums.into_iter();
    let mut networks: Vec<Busy> = sums
        .map(|(network, (drops, sources))| Busy {
            network,
            drops,
            sources,
        })
        .collect();
    networks.sort_by_key(|network| Reverse(network.drops));
    networks.truncate(limit);
    networks
}

#[cfg(test)]
mod tests {
    use gate_common::Reason;
    use jiff::Timestamp;

    use super::*;
    use crate::control::api::TopSource;

    #[test]
    fn the_sources_of_a_network_count_together() {
        let source = |address: &str, drops| TopSource {
            address: address.parse().unwrap(),
            drops,
            reason: Reason::Manual,
            last: Timestamp::UNIX_EPOCH,
        };
        let top = Top {
            sample: 1,
            since: Timestamp::UNIX_EPOCH,
            sources: vec![
                source("198.51.100.1", 50),
                source("192.0.2.1", 30),
                source("192.0.2.9", 30),
                source("2001:db8:1:2::3", 10),
            ],
        };
        let found = networks(&top, 2);
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.network.to_string(), one.drops, one.sources))
            .collect();
        assert_eq!(
            found,
            [
                ("192.0.2.0/24".to_owned(), 60, 2),
                ("198.51.100.0/24".to_owned(), 50, 1),
            ]
        );
        assert_eq!(networks(&top, 9).len(), 3);
    }
}
