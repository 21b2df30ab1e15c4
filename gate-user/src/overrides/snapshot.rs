//! The overrides in memory, ready to be asked.

use std::net::IpAddr;

use super::rule::{Override, OverrideRule};
use crate::{network::Network, roster::Roster};

/// Every override in force. A clone is cheap, and what is changed later does not show in it.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    roster: Roster<OverrideRule>,
}

impl Overrides {
    /// The overrides that `roster` holds.
    pub fn new(roster: Roster<OverrideRule>) -> Self {
        Self { roster }
    }

    /// The rules.
    pub fn roster(&self) -> &Roster<OverrideRule> {
        &self.roster
    }

    /// The override because of which what `list` says of `address` does not count: of several that
    /// of the longest prefix, and there the one for this list alone. Case does not matter in the
    /// list's name.
    pub fn covers(&self, address: IpAddr, list: &str) -> Option<&Override> {
        let meant = |entry: &&Override| entry.rule.list.is_none() || entry.rule.is_for(list);
        self.covering(address)
            .filter(meant)
            .max_by_key(|entry| (entry.rule.network.prefix_len(), entry.rule.list.is_some()))
    }

    /// Every override of a network that `address` lies in, the longest prefix first.
    pub fn covering(&self, address: IpAddr) -> impl Iterator<Item = &Override> {
        let host = Network::host(address.to_canonical());
        let longest = if self.roster.is_empty() {
            None
        } else {
            Some(host.prefix_len())
        };
        let lengths = longest.into_iter().flat_map(|longest| (0..=longest).rev());
        lengths.flat_map(move |length| self.at(Network::containing(host.address(), length)))
    }

    /// Every override of exactly `network`.
    pub fn at(&self, network: Network) -> impl Iterator<Item = &Override> {
        // No list comes before every list.
        let first = OverrideRule {
            network,
            list: None,
        };
        let from = self.roster.from(first);
        from.take_while(move |entry| entry.rule.network == network)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{book::Origin, roster::Entry};

    fn overrides(rules: &[(&str, &str)]) -> Overrides {
        let entries = (1..).zip(rules).map(|(id, (network, list))| Entry {
            id,
            rule: OverrideRule {
                network: network.parse().unwrap(),
                list: (!list.is_empty()).then(|| list.parse().unwrap()),
            },
            origin: Origin::Operator,
            comment: None,
            since: Timestamp::UNIX_EPOCH,
            expires: None,
        });
        Overrides::new(Roster::of(entries))
    }

    #[test]
    fn the_longest_prefix_tells_and_there_the_list_itself() {
        let overrides = overrides(&[
            ("192.0.2.0/24", ""),
            ("192.0.2.0/24", "One"),
            ("192.0.2.7", "two"),
            ("198.51.100.0/24", "one"),
            ("2001:db8::/32", ""),
        ]);
        for (address, list, expected) in [
            ("192.0.2.8", "two", Some(1)),
            ("192.0.2.8", "one", Some(2)),
            ("192.0.2.7", "two", Some(3)),
            ("192.0.2.7", "ONE", Some(2)),
            ("192.0.2.7", "three", Some(1)),
            ("::ffff:192.0.2.7", "two", Some(3)),
            ("198.51.100.9", "one", Some(4)),
            ("198.51.100.9", "two", None),
            ("203.0.113.1", "one", None),
            ("2001:db8:1::1", "one", Some(5)),
            ("2001:db9::1", "one", None),
        ] {
            let found = overrides.covers(address.parse().unwrap(), list);
            assert_eq!(found.map(|entry| entry.id), expected, "{address} {list}");
        }
        let all = |address: &str| -> Vec<i64> {
            let all = overrides.covering(address.parse().unwrap());
            all.map(|entry| entry.id).collect()
        };
        assert_eq!(all("192.0.2.7"), [3, 1, 2]);
        assert_eq!(all("203.0.113.1"), [0; 0]);
    }

    #[test]
    fn none_overrides_nothing() {
        let none = Overrides::default();
        assert_eq!(none.covers([192, 0, 2, 1].into(), "one"), None);
    }
}
