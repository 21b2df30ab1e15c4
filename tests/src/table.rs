//! A gate table to test frames against, and the addresses that stand for each place in it.

use std::net::{IpAddr, Ipv4Addr};

use gate_common::{Family, Mode, Reason, index::v4};
use gate_user::network::Network;

use crate::{
    packet::Packet,
    xdp::{Gate, Outcome},
};

/// Every network that [`gate`] lists.
pub const LISTED: [(&str, Reason); 8] = [
    ("192.0.2.0/24", Reason::Feed),
    ("192.0.2.99", Reason::Manual),
    ("203.0.113.66", Reason::Dnsbl),
    ("198.51.100.0/28", Reason::Rollup),
    ("2001:db8:bad::/48", Reason::Feed),
    ("2001:db8:bad:99::/64", Reason::Manual),
    ("2001:db8:a110:66::/64", Reason::Dnsbl),
    ("2001:db8:b07::/48", Reason::Rollup),
];

/// Every network that [`gate`] allows.
pub const ALLOWED: [&str; 6] = [
    "192.0.2.192/26",
    "203.0.113.0/24",
    "198.51.100.0/28",
    "2001:db8:bad:a110::/64",
    "2001:db8:a110::/48",
    "2001:db8:b07::/48",
];

/// Addresses of one family, and how they stand in the table.
pub struct Sources {
    /// The family.
    pub family: Family,
    /// In a network listed for `feed`.
    pub listed: &'static str,
    /// In that network, and listed for itself for `manual`.
    pub listed_closer: &'static str,
    /// In that network, and in an allowed one inside it.
    pub allowed_in_listed: &'static str,
    /// Listed for itself inside an allowed network.
    pub listed_in_allowed: &'static str,
    /// Both listed and allowed by the same network.
    pub listed_and_allowed: &'static str,
    /// Allowed, not listed.
    pub allowed: &'static str,
    /// Nowhere.
    pub unlisted: &'static str,
}

/// The IPv4 addresses.
pub const V4: Sources = Sources {
    family: Family::V4,
    listed: "192.0.2.7",
    listed_closer: "192.0.2.99",
    allowed_in_listed: "192.0.2.200",
    listed_in_allowed: "203.0.113.66",
    listed_and_allowed: "198.51.100.1",
    allowed: "203.0.113.67",
    unlisted: "192.0.3.0",
};

/// The IPv6 addresses.
pub const V6: Sources = Sources {
    family: Family::V6,
    listed: "2001:db8:bad::7",
    listed_closer: "2001:db8:bad:99::9",
    allowed_in_listed: "2001:db8:bad:a110::7",
    listed_in_allowed: "2001:db8:a110:66::1",
    listed_and_allowed: "2001:db8:b07::1",
    allowed: "2001:db8:a110:67::1",
    unlisted: "2001:db8:bae::",
};

impl Sources {
    /// All of them.
    pub fn all(&self) -> [&'static str; 7] {
        [
            self.listed,
            self.listed_closer,
            self.allowed_in_listed,
            self.listed_in_allowed,
            self.listed_and_allowed,
            self.allowed,
            self.unlisted,
        ]
    }

    /// What becomes of a SYN from [`listed`](Self::listed) in mode `enforce`.
    pub fn dropped(&self) -> Outcome {
        Outcome::Dropped(self.family, Reason::Feed)
    }

    /// What becomes of a SYN from [`unlisted`](Self::unlisted).
    pub fn passed(&self) -> Outcome {
        Outcome::Passed(self.family)
    }

    /// What becomes of a SYN from an allowed source that is listed.
    pub fn allowed(&self) -> Outcome {
        Outcome::Allowed(self.family)
    }

    /// What becomes of a packet that cannot be parsed.
    pub fn malformed(&self) -> Outcome {
        Outcome::Malformed(self.family)
    }
}

/// A gate with this table, guarding port 25, in that mode.
pub fn gate(mode: Mode) -> Gate {
    let mut gate = Gate::load();
    gate.configure(mode, 0, &[25]);
    for (network, reason) in LISTED {
        gate.list(network, reason);
    }
    for network in ALLOWED {
        gate.allow(network);
    }
    gate
}

/// What the table says of a SYN to a guarded port in mode `enforce`, by looking through all of it.
///
/// # Panics
///
/// If the table holds something that is no network.
pub fn expected(source: IpAddr) -> Outcome {
    let covers = |network: &str| {
        let network: Network = network.parse().expect("the table holds networks");
        network.contains(source).then_some(network.prefix_len())
    };
    let family = if source.is_ipv4() {
        Family::V4
    } else {
        Family::V6
    };
    let closest = LISTED
        .iter()
        .filter_map(|(network, reason)| Some((covers(network)?, reason)))
        .max_by_key(|(prefix_len, _)| *prefix_len);
    match closest {
        None => Outcome::Passed(family),
        Some(_) if ALLOWED.iter().any(|network| covers(network).is_some()) => {
            Outcome::Allowed(family)
        }
        Some((_, reason)) => Outcome::Dropped(family, *reason),
    }
}

/// Runs each case, and tells of all that went wrong, not of the first alone.
///
/// # Panics
///
/// If any went wrong.
pub fn check(gate: &mut Gate, cases: &[(&str, Packet, Outcome)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(what, packet, expected)| {
            let outcome = gate.judge(&packet.frame());
            (outcome != *expected).then(|| format!("{what}: {outcome:?}, expected {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Listed addresses that fill a part of the index: more /24s that need a leaf than there are
/// places for theirs. Each of the /24s is given by its first address, and every second of its first
/// 64 addresses is listed.
pub fn crowd() -> Vec<Ipv4Addr> {
    // All of it is public.
    (0x0b_0000..0x64_0000)
        .filter(|&network| v4::leaf(v4::hash(network), 0, v4::LEAVES) == 0)
        .map(|network| Ipv4Addr::from_bits(network << 8))
        .collect()
}

/// The listed addresses of [`crowd`].
pub fn crowded(crowd: &[Ipv4Addr]) -> impl Iterator<Item = Ipv4Addr> {
    let every_second = |first: &Ipv4Addr| {
        let first = first.to_bits();
        (0..32).map(move |number| Ipv4Addr::from_bits(first + number * 2))
    };
    crowd.iter().flat_map(every_second)
}
