//! Whose word counts, and who is never blamed. In: the configuration and the machine's own
//! addresses. Out: what an address is to us.

use std::net::IpAddr;

use super::public::is_public;
use crate::{
    config::{Blame, EvidenceConfig, Forwarder},
    network::Network,
};

/// Own relays and known forwarders.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    own: Vec<Network>,
    /// The longest prefix first: it decides.
    forwarders: Vec<Forwarder>,
}

/// What an address is to us.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Anybody's: it can be blamed.
    Outside,
    /// Ours: an own relay, this machine, or loopback. What it writes is true.
    Own,
    /// A known forwarder: the hop behind it is blamed.
    Forwarder,
    /// A known forwarder, complaints of which are dropped.
    Dropped(Network),
    /// Private, reserved, of documentation or the like, and not configured as ours: it tells
    /// nothing, and what is behind it cannot be trusted.
    NotPublic,
}

impl Trust {
    /// What the configuration says, on a machine with the addresses `own`.
    pub fn new(config: &EvidenceConfig, own: impl IntoIterator<Item = IpAddr>) -> Self {
        let mut forwarders = config.forwarders.clone();
        forwarders.sort_by_key(|forwarder| std::cmp::Reverse(forwarder.network.prefix_len()));
        let own = own.into_iter().map(Network::host);
        Self {
            own: config.own_relays.iter().copied().chain(own).collect(),
            forwarders,
        }
    }

    /// The same without forwarders: they are anybody.
    pub(super) fn own_alone(&self) -> Self {
        Self {
            own: self.own.clone(),
            forwarders: Vec::new(),
        }
    }

    /// What `address` is to us.
    pub fn standing(&self, address: IpAddr) -> Standing {
        let address = address.to_canonical();
        if address.is_loopback() || self.own.iter().any(|own| own.contains(address)) {
            return Standing::Own;
        }
        let forwarder = self
            .forwarders
            .iter()
            .find(|forwarder| forwarder.network.contains(address));
        match forwarder {
            Some(forwarder) => match forwarder.blame {
                Blame::Behind => Standing::Forwarder,
                Blame::Nobody => Standing::Dropped(forwarder.network),
            },
            None if is_public(address) => Standing::Outside,
            None => Standing::NotPublic,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Own relays 10.0.0.0/8 and 5.5.5.0/24, and this machine 7.7.7.7; forwarders 6.6.0.0/16 and
    /// 2a00:6::/32, of which 6.6.6.0/24 is dropped.
    pub(crate) fn trust() -> Trust {
        Trust::new(&config(), ["7.7.7.7".parse().unwrap()])
    }

    /// The configuration of [`trust`].
    pub(crate) fn config() -> EvidenceConfig {
        let forwarder = |network: &str, blame| Forwarder {
            network: network.parse().unwrap(),
            blame,
        };
        EvidenceConfig {
            own_relays: vec!["10.0.0.0/8".parse().unwrap(), "5.5.5.0/24".parse().unwrap()],
            forwarders: vec![
                forwarder("6.6.0.0/16", Blame::Behind),
                forwarder("6.6.6.0/24", Blame::Nobody),
                forwarder("2a00:6::/32", Blame::Behind),
            ],
            ..EvidenceConfig::default()
        }
    }

    #[test]
    fn what_an_address_is_to_us() {
        let dropped = Standing::Dropped("6.6.6.0/24".parse().unwrap());
        for (address, expected) in [
            ("1.2.3.4", Standing::Outside),
            ("2a00:7::1", Standing::Outside),
            ("5.5.5.5", Standing::Own),
            ("::ffff:5.5.5.5", Standing::Own),
            ("7.7.7.7", Standing::Own),
            ("10.1.2.3", Standing::Own),
            ("127.0.0.1", Standing::Own),
            ("::1", Standing::Own),
            ("6.6.7.1", Standing::Forwarder),
            ("2a00:6::1", Standing::Forwarder),
            ("6.6.6.1", dropped),
            ("192.168.1.1", Standing::NotPublic),
            ("192.0.2.1", Standing::NotPublic),
            ("fe80::1", Standing::NotPublic),
        ] {
            let standing = trust().standing(address.parse().unwrap());
            assert_eq!(standing, expected, "{address}");
        }
    }
}
