//! What a DNS block list is asked: the name of an address in its zone, and of its test points.

use std::{
    fmt::Write as _,
    hash::{BuildHasher as _, RandomState},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::config::{Family, Zone};

/// The name of `address` in `zone`: its octets in reverse (RFC 5782 section 2.1), or its 32 nibbles
/// (section 2.4).
pub(super) fn name(address: IpAddr, zone: &Zone) -> String {
    let mut name = String::new();
    let nibbles = match address {
        IpAddr::V4(v4) => {
            for octet in v4.octets().iter().rev() {
                let _ = write!(name, "{octet}.");
            }
            0
        }
        IpAddr::V6(_) => 32,
    };
    if let IpAddr::V6(v6) = address {
        for nibble in 0..nibbles {
            let _ = write!(name, "{:x}.", (v6.to_bits() >> (4 * nibble)) & 0xf);
        }
    }
    name.push_str(zone.as_str());
    name
}

/// What every list of a family lists (RFC 5782 section 5).
pub(super) const fn listed_point(family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
        Family::Ipv6 => IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0x7f00, 2)),
    }
}

/// What no list of a family lists (RFC 5782 section 5).
pub(super) const fn unlisted_point(family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Family::Ipv6 => IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0x7f00, 1)),
    }
}

/// A name in `zone` that nobody can have listed: `gate-probe-` and 16 hex digits, new each time.
///
/// A random address would not do: whatever is no source (240.0.0.0/4, 192.0.2.0/24) is on lists of
/// bogons, and any other may be listed for what it did. This is the name of no address, so it says
/// what it is to say: a zone that has it answers whatever it is asked. And as nobody has asked it
/// before, no cache answers for the zone.
pub(super) fn probe(zone: &Zone) -> String {
    let random = RandomState::new().hash_one(0);
    format!("gate-probe-{random:016x}.{}", zone.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Site;

    fn zone() -> Zone {
        "bl.example".parse::<Site>().unwrap().zone
    }

    #[test]
    fn an_address_is_asked_backwards() {
        for (address, expected) in [
            ("192.0.2.99", "99.2.0.192"),
            ("127.0.0.2", "2.0.0.127"),
            (
                // The example of RFC 5782 section 2.4.
                "2001:db8:1:2:3:4:567:89ab",
                "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2",
            ),
        ] {
            let asked = name(address.parse().unwrap(), &zone());
            assert_eq!(asked, format!("{expected}.bl.example"));
        }
    }

    #[test]
    fn test_points_of_both_families() {
        for (point, expected) in [
            (listed_point(Family::Ipv4), "127.0.0.2"),
            (unlisted_point(Family::Ipv4), "127.0.0.1"),
            (listed_point(Family::Ipv6), "::ffff:127.0.0.2"),
            (unlisted_point(Family::Ipv6), "::ffff:127.0.0.1"),
        ] {
            assert_eq!(point.to_string(), expected);
        }
        // ::FFFF:7F00:2 of the RFC, digit by digit.
        assert_eq!(
            name(listed_point(Family::Ipv6), &zone()),
            "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.example"
        );
    }

    #[test]
    fn a_probe_is_no_address_and_never_the_same() {
        let (one, other) = (probe(&zone()), probe(&zone()));
        assert_ne!(one, other);
        let label = one.strip_suffix(".bl.example").unwrap();
        assert!(
            !label.contains('.') && label.starts_with("gate-probe-"),
            "{one}"
        );
    }
}
