//! How much of the address space a list covers.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

use crate::network::Network;

/// Addresses that IPv4 has.
const V4_COUNT: u128 = 1 << 32;
/// The first and the last of the global unicast addresses, 2000::/3 (RFC 4291 section 2.4, IANA).
const V6_FIRST: u128 = Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0).to_bits();
const V6_LAST: u128 = V6_FIRST | (V6_COUNT - 1);
const V6_COUNT: u128 = 1 << 125;

/// Shares of the address space, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Coverage {
    /// Of all IPv4 addresses.
    pub v4: f64,
    /// Of all global IPv6 addresses (2000::/3).
    pub v6: f64,
}

impl Coverage {
    /// What the networks cover together; what two of them cover counts once. They come in
    /// ascending order.
    pub(super) fn of_sorted(networks: impl Iterator<Item = Network>) -> Self {
        let mut v4 = Union::default();
        let mut v6 = Union::default();
        for network in networks {
            match network.ipnet() {
                IpNet::V4(net) => v4.add(bits(net.network().into()), bits(net.broadcast().into())),
                IpNet::V6(net) => {
                    let first = bits(net.network().into()).max(V6_FIRST);
                    let last = bits(net.broadcast().into()).min(V6_LAST);
                    v6.add(first, last);
                }
            }
        }
        Self {
            v4: share(v4.count, V4_COUNT),
            v6: share(v6.count, V6_COUNT),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share need not be exact to the address"
)]
fn share(part: u128, whole: u128) -> f64 {
    part as f64 / whole as f64
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Addresses in ranges that come in ascending order.
#[derive(Default)]
struct Union {
    count: u128,
    /// The first address behind the ranges so far.
    end: u128,
}

impl Union {
    fn add(&mut self, first: u128, last: u128) {
        let first = first.max(self.end);
        if first <= last {
            self.count += last - first + 1;
            self.end = last + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn coverage(networks: &[&str]) -> (f64, f64) {
        let mut networks: Vec<Network> = networks.iter().map(|n| n.parse().unwrap()).collect();
        networks.sort();
        let coverage = Coverage::of_sorted(networks.into_iter());
        (coverage.v4, coverage.v6)
    }

    #[test]
    fn shares_are_of_the_union() {
        for (networks, v4, v6) in [
            (&[][..], 0.0, 0.0),
            (&["0.0.0.0/0"], 1.0, 0.0),
            (&["0.0.0.0/0", "255.255.255.255"], 1.0, 0.0),
            (&["128.0.0.0/1", "128.0.0.0/2", "224.0.0.0/3"], 0.5, 0.0),
            (&["10.0.0.0/9", "10.128.0.0/9"], 1.0 / 256.0, 0.0),
            (
                &["10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8"],
                2.0 / 256.0,
                0.0,
            ),
            (&["::/0"], 0.0, 1.0),
            (&["2000::/3", "2001:db8::/32"], 0.0, 1.0),
            (&["2000::/4", "fc00::/7", "::/16"], 0.0, 0.5),
            (&["192.0.0.0/2", "3000::/4"], 0.25, 0.5),
        ] {
            assert_eq!(coverage(networks), (v4, v6), "{networks:?}");
        }
    }

    proptest! {
        /// Against a list of all addresses, within a /24.
        #[test]
        fn every_address_counts_once(
            parts in prop::collection::vec((any::<u8>(), 24..=32_u8), 0..12),
        ) {
            let mut networks: Vec<Network> = parts
                .iter()
                .map(|&(last, len)| Network::containing([192, 0, 2, last].into(), len))
                .collect();
            networks.sort();
            let covered = (0..=255)
                .filter(|&last| networks.iter().any(|n| n.contains([192, 0, 2, last].into())))
                .count() as u128;
            let coverage = Coverage::of_sorted(networks.into_iter());
            let expected = share(covered, V4_COUNT);
            prop_assert!((coverage.v4 - expected).abs() < f64::EPSILON);
        }
    }
}
