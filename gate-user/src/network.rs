//! Networks as gate writes them: a CIDR prefix whose host bits are zero.
//!
//! In: what operators and feeds write. Out: [`Network`], or an error that names the network meant.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A CIDR prefix, host bits zero. An IPv4 network written as IPv4-mapped IPv6
/// (`::ffff:192.0.2.0/120`, RFC 4291 section 2.5.5.2) is the IPv4 network.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

/// Why a text or a prefix is no [`Network`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// Neither an address nor `address/length`.
    #[error(
        "`{text}` is not a network: expected an address, or address/length such as 192.0.2.0/24 or 2001:db8::/32"
    )]
    Syntax {
        /// What was given.
        text: String,
    },
    /// The address has bits set behind the prefix.
    #[error("`{given}` has host bits set: the network is {meant}, the address alone is {address}")]
    HostBits {
        /// What was given.
        given: IpNet,
        /// The network that holds the address.
        meant: Network,
        /// The address.
        address: IpAddr,
    },
}

impl Network {
    /// The network of `prefix_len` bits that holds `address`; host bits are cleared.
    ///
    /// A length beyond the family's (32 or 128 bits) is taken as the family's.
    pub fn containing(address: IpAddr, prefix_len: u8) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::v4(v4, prefix_len),
            IpAddr::V6(v6) => Self::v6(v6, prefix_len),
        }
    }

    /// The address alone: a /32 or a /128.
    pub fn host(address: IpAddr) -> Self {
        Self::containing(address, 128)
    }

    /// The source that `address` belongs to: an IPv4 address, or the /64 of an IPv6 address.
    pub fn source(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::v4(v4, 32),
            IpAddr::V6(v6) => Self::v6(v6, 64),
        }
    }

    /// The network around `address` that counts as one visitor, one reporter, one who asks: an IPv4
    /// /24, an IPv6 /48.
    pub fn around(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::v4(v4, 24),
            IpAddr::V6(v6) => Self::v6(v6, 48),
        }
    }

    fn v4(address: Ipv4Addr, prefix_len: u8) -> Self {
        Self(
            Ipv4Net::new_assert(address, prefix_len.min(32))
                .trunc()
                .into(),
        )
    }

    fn v6(address: Ipv6Addr, prefix_len: u8) -> Self {
        Self(
            Ipv6Net::new_assert(address, prefix_len.min(128))
                .trunc()
                .into(),
        )
    }

    /// The network as an `ipnet` prefix, host bits zero.
    pub fn ipnet(self) -> IpNet {
        self.0
    }

    /// The first address.
    pub fn address(self) -> IpAddr {
        self.0.addr()
    }

    /// Length of the prefix in bits.
    pub fn prefix_len(self) -> u8 {
        self.0.prefix_len()
    }

    /// Whether this is an IPv4 network.
    pub fn is_v4(self) -> bool {
        matches!(self.0, IpNet::V4(_))
    }

    /// Whether `address` is in the network; an IPv4-mapped address is taken as IPv4.
    pub fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether all of `other` is in the network.
    pub fn covers(self, other: Self) -> bool {
        // Host bits are zero, so the first bit that differs tells; it is asked for every mail client.
        let (same, inner) = match (self.0, other.0) {
            (IpNet::V4(outer), IpNet::V4(inner)) => {
                let differ = outer.addr().to_bits() ^ inner.addr().to_bits();
                (differ.leading_zeros(), inner.prefix_len())
            }
            (IpNet::V6(outer), IpNet::V6(inner)) => {
                let differ = outer.addr().to_bits() ^ inner.addr().to_bits();
                (differ.leading_zeros(), inner.prefix_len())
            }
            _ => return false,
        };
        let outer = self.prefix_len();
        outer <= inner && u32::from(outer) <= same
    }
}

impl TryFrom<IpNet> for Network {
    type Error = NetworkError;

    fn try_from(given: IpNet) -> Result<Self, NetworkError> {
        let canonical = match given {
            IpNet::V6(v6) if v6.prefix_len() >= 96 && v6.addr().to_ipv4_mapped().is_some() => {
                let v4 = v6.addr().to_canonical();
                IpNet::new_assert(v4, v6.prefix_len() - 96)
            }
            other => other,
        };
        let meant = Self(canonical.trunc());
        if canonical.addr() == meant.address() {
            Ok(meant)
        } else {
            Err(NetworkError::HostBits {
                given,
                meant,
                address: canonical.addr(),
            })
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let text = text.trim();
        let syntax = || NetworkError::Syntax {
            text: text.to_owned(),
        };
        let Some((address, length)) = text.split_once('/') else {
            return text.parse().map(Self::host).map_err(|_| syntax());
        };
        // `u8` would also take a sign.
        if !length.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(syntax());
        }
        let address = address.parse().map_err(|_| syntax())?;
        let length = length.parse().map_err(|_| syntax())?;
        IpNet::new(address, length)
            .map_err(|_| syntax())?
            .try_into()
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Self, NetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

/// `address/length`, always with the length.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_a_network() {
        for (text, expected) in [
            ("192.0.2.7", "192.0.2.7/32"),
            (" 192.0.2.0/24\n", "192.0.2.0/24"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(
                text.parse::<Network>().unwrap().to_string(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "x",
            "192.0.2",
            "192.0.2.0/33",
            "2001:db8::/129",
            "192.0.2.0/-1",
            "192.0.2.0/+24",
            "192.0.2.0/",
            "/24",
            "192.0.02.0/24",
            "192.0.2.0 /24",
            "1.2.3.4/24/24",
        ] {
            let error = text.parse::<Network>().unwrap_err();
            assert!(
                matches!(error, NetworkError::Syntax { .. }),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn host_bits_name_the_network_meant() {
        let error = "192.0.2.7/24".parse::<Network>().unwrap_err().to_string();
        assert!(error.contains("192.0.2.0/24"), "{error}");
        let error = "::ffff:192.0.2.7/120"
            .parse::<Network>()
            .unwrap_err()
            .to_string();
        assert!(error.contains("192.0.2.0/24"), "{error}");
    }

    #[test]
    fn a_source_is_an_address_or_a_slash_64() {
        let source = |text: &str| Network::source(text.parse().unwrap()).to_string();
        assert_eq!(source("192.0.2.7"), "192.0.2.7/32");
        assert_eq!(source("::ffff:192.0.2.7"), "192.0.2.7/32");
        assert_eq!(source("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    }

    /// A network of any length, and one that begins as it does and goes on otherwise, of any length as
    /// well: both ways round, and equal ones among them.
    fn neighbours() -> impl Strategy<Value = (Network, Network)> {
        let v4 = (any::<u32>(), any::<u32>(), 0..=32_u8, 0..=32_u8, 0..=32_u32).prop_map(
            |(bits, other, one, another, same)| {
                let near = bits ^ other.checked_shr(same).unwrap_or(0);
                let network = |bits, length| Network::v4(Ipv4Addr::from_bits(bits), length);
                (network(bits, one), network(near, another))
            },
        );
        let v6 = (
            any::<u128>(),
            any::<u128>(),
            0..=128_u8,
            0..=128_u8,
            0..=128_u32,
        )
            .prop_map(|(bits, other, one, another, same)| {
                let near = bits ^ other.checked_shr(same).unwrap_or(0);
                let network = |bits, length| Network::v6(Ipv6Addr::from_bits(bits), length);
                (network(bits, one), network(near, another))
            });
        prop_oneof![v4, v6]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn it_covers_what_ipnet_says_it_contains((one, another) in neighbours()) {
            for (outer, inner) in [(one, another), (another, one), (one, one)] {
                let contains = outer.ipnet().contains(&inner.ipnet());
                prop_assert_eq!(outer.covers(inner), contains, "{} and {}", outer, inner);
            }
        }

        #[test]
        fn it_covers_nothing_of_the_other_family(
            (one, _) in neighbours(),
            (another, _) in neighbours(),
        ) {
            let contains = one.ipnet().contains(&another.ipnet());
            prop_assert_eq!(one.covers(another), contains, "{} and {}", one, another);
            let same_family = one.is_v4() == another.is_v4();
            prop_assert!(same_family || !one.covers(another), "{one} and {another}");
        }
    }

    #[test]
    fn everything_covers_its_family_and_an_address_itself() {
        let net = |text: &str| text.parse::<Network>().unwrap();
        let all = ["0.0.0.0/0", "255.255.255.255/32", "::/0", "ffff::ffff/128"].map(net);
        for outer in all {
            for inner in all {
                let contains = outer.ipnet().contains(&inner.ipnet());
                assert_eq!(outer.covers(inner), contains, "{outer} and {inner}");
                let expected =
                    outer == inner || (outer.prefix_len() == 0 && outer.is_v4() == inner.is_v4());
                assert_eq!(outer.covers(inner), expected, "{outer} and {inner}");
            }
        }
    }
}
