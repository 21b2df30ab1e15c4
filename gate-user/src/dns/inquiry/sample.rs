//! Which addresses of a network are asked for their names.

use std::net::{IpAddr, Ipv4Addr};

use crate::network::Network;

/// How many addresses make a sample.
pub(super) const SIZE: u32 = 8;

/// Addresses spread over a /24, one in each eighth of it, never its first or last; none for any
/// other network. Which one of each eighth depends on the network alone: nobody can choose them
/// for it, and a second look sees the same.
pub(super) fn addresses(network: Network) -> Vec<IpAddr> {
    let IpAddr::V4(first) = network.address() else {
        return Vec::new();
    };
    if network.prefix_len() != 24 {
        return Vec::new();
    }
    let width = 256 / SIZE;
    (0..SIZE)
        .map(|eighth| {
            // Multiplicative hashing (Knuth, The Art of Computer Programming 3, section 6.4).
            let hash = (first.to_bits() + eighth).wrapping_mul(2_654_435_769) >> 16;
            let offset = 1 + hash % (width - 2);
            Ipv4Addr::from_bits(first.to_bits() + eighth * width + offset).into()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_its_network() {
        for network in ["192.0.2.0/24", "198.51.100.0/24", "255.255.255.0/24"] {
            let network: Network = network.parse().unwrap();
            let sample = addresses(network);
            assert_eq!(sample.len(), 8);
            for (eighth, address) in sample.iter().enumerate() {
                let IpAddr::V4(address) = address else {
                    panic!()
                };
                let last = usize::from(address.octets()[3]);
                assert_eq!(last / 32, eighth, "{address}");
                assert!(network.contains((*address).into()) && last != 0 && last != 255);
            }
        }
        for network in ["192.0.2.0/23", "192.0.2.1", "2001:db8::/48"] {
            assert!(addresses(network.parse().unwrap()).is_empty(), "{network}");
        }
    }
}
