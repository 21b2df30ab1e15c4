//! Which addresses can be a source on the Internet at all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether `address` is of the public Internet: nobody is blamed at another, because it means
/// another machine in each network. After the IANA special-purpose address registries (RFC 6890).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224.., ..] // this network, private, loopback; multicast and reserved
            | [100, 64..=127, ..] // shared by a provider's customers, RFC 6598
            | [169, 254, ..] // link-local
            | [172, 16..=31, ..] // private
            | [192, 168, ..] // private
            | [192, 0, 0 | 2, _] // protocol assignments; documentation
            | [192, 88, 99, _] // 6to4 relays, RFC 7526
            | [198, 18..=19, ..] // benchmarks, RFC 2544
            | [198, 51, 100, _] // documentation, RFC 5737
            | [203, 0, 113, _] // documentation
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Protocol assignments, Teredo among them (RFC 2928); documentation.
        [0x2001, second, ..] => second > 0x1ff && second != 0xdb8,
        // 6to4: a tunnel, whose end is an IPv4 address.
        [0x2002, ..] => false,
        // Documentation, RFC 9637.
        [0x3fff, second, ..] => second > 0xfff,
        // All that is global today is in 2000::/3.
        [first, ..] => first >> 13 == 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_addresses_are_public() {
        for address in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "2001:200::1",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.1.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.1.2.3",
            "64:ff9b::1.1.1.1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:101:101::1",
            "3fff::1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }
}
