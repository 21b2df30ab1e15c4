//! The tables that are measured, and the sources that meet them.

use std::{
    collections::{BTreeSet, HashSet},
    net::{Ipv4Addr, Ipv6Addr},
};

use gate_common::Reason;
use gate_user::{
    network::Network,
    plan::{Diff, Table},
};

/// Numbers that only look random, the same in every run (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// A table of the benchmark.
pub(crate) struct List {
    /// Its networks, sorted.
    pub(crate) networks: Vec<Network>,
}

impl List {
    fn of(mut draw: impl FnMut() -> Network, size: usize) -> Self {
        let mut networks = BTreeSet::new();
        while networks.len() < size {
            networks.insert(draw());
        }
        Self {
            networks: networks.into_iter().collect(),
        }
    }

    /// Listed /24s.
    pub(crate) fn slash_24s(size: usize) -> Self {
        let mut random = Random::new(24);
        Self::of(|| v4(random.next() as u32, 24), size)
    }

    /// Listed addresses.
    pub(crate) fn addresses(size: usize) -> Self {
        let mut random = Random::new(32);
        Self::of(|| v4(random.next() as u32, 32), size)
    }

    /// Every length from /8 to /32, most of them /32s and /24s, as lists are.
    pub(crate) fn mixed(size: usize) -> Self {
        let mut random = Random::new(8);
        let draw = || {
            let bits = random.next();
            let len = match bits >> 32 & 0xffff {
                0..36_000 => 32,
                36_000..50_000 => 24,
                50_000..59_000 => 25 + (bits >> 48) % 7,
                59_000..65_400 => 18 + (bits >> 48) % 6,
                65_400..65_526 => 12 + (bits >> 48) % 6,
                _ => 8 + (bits >> 48) % 4,
            };
            v4(bits as u32, len as u8)
        };
        Self::of(draw, size)
    }

    /// IPv6: /32 to /64, in the space that registries have given out (2000::/3, most of its /32s
    /// empty), a third each of /32s, of /48s and of /64s, and some of every length between.
    pub(crate) fn v6(size: usize) -> Self {
        let mut random = Random::new(6);
        let draw = || {
            let bits = random.next();
            let len = match random.next() % 100 {
                0..20 => 32,
                20..55 => 48,
                55..90 => 64,
                other => 33 + other * 31 / 100,
            };
            let high = 0x2000_0000_0000_0000 | bits >> 3;
            Network::containing(
                Ipv6Addr::from_bits(u128::from(high) << 64).into(),
                u8::try_from(len).unwrap_or(64),
            )
        };
        Self::of(draw, size)
    }

    /// The table that blocks them.
    pub(crate) fn diff(&self) -> Diff {
        Diff {
            block: self
                .networks
                .iter()
                .map(|&network| (network, Reason::Feed))
                .collect(),
            ..Diff::default()
        }
    }

    /// What takes them all away.
    pub(crate) fn undo(&self) -> Diff {
        Diff {
            unblock: self.networks.clone(),
            ..Diff::default()
        }
    }

    /// The networks as text, one a line.
    pub(crate) fn text(&self) -> String {
        let lines: Vec<String> = self.networks.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    /// Sources from networks of the list, drawn network by network.
    pub(crate) fn listed(&self, count: usize) -> Vec<u128> {
        let mut random = Random::new(1);
        (0..count)
            .map(|_| {
                let network = self.networks[random.below(self.networks.len())];
                inside(network, &mut random)
            })
            .collect()
    }

    /// Sources that no network covers, drawn from all there are of their kind.
    pub(crate) fn clean(&self, count: usize) -> Vec<u128> {
        let table: HashSet<Network> = self.networks.iter().copied().collect();
        let lengths: BTreeSet<u8> = self
            .networks
            .iter()
            .map(|network| network.prefix_len())
            .collect();
        let is_v4 = self.networks.first().is_none_or(|network| network.is_v4());
        let mut random = Random::new(2);
        let mut sources = Vec::with_capacity(count);
        while sources.len() < count {
            let bits = random.next();
            let (bits, address) = if is_v4 {
                let bits = bits as u32;
                (u128::from(bits), Ipv4Addr::from_bits(bits).into())
            } else {
                let bits = u128::from(0x2000_0000_0000_0000 | bits >> 3) << 64;
                (bits, std::net::IpAddr::from(Ipv6Addr::from_bits(bits)))
            };
            let listed = lengths
                .iter()
                .any(|&len| table.contains(&Network::containing(address, len)));
            if !listed {
                sources.push(bits);
            }
        }
        sources
    }
}

fn v4(bits: u32, len: u8) -> Network {
    Network::containing(Ipv4Addr::from_bits(bits).into(), len)
}

/// An address in the network.
fn inside(network: Network, random: &mut Random) -> u128 {
    match network.address() {
        std::net::IpAddr::V4(address) => {
            let host = u32::MAX
                .checked_shr(network.prefix_len().into())
                .unwrap_or(0);
            u128::from(address.to_bits() | random.next() as u32 & host)
        }
        std::net::IpAddr::V6(address) => {
            let host = u128::MAX
                .checked_shr(network.prefix_len().into())
                .unwrap_or(0);
            address.to_bits() | u128::from(random.next()) << 64 & host
        }
    }
}

/// The difference between the list and one with `count` of its networks exchanged for others.
pub(crate) fn exchange(list: &List, count: usize) -> Diff {
    let mut random = Random::new(3);
    let step = list.networks.len() / (count / 2);
    let gone: Vec<Network> = list
        .networks
        .iter()
        .copied()
        .step_by(step)
        .take(count / 2)
        .collect();
    let mut new = BTreeSet::new();
    while new.len() < count / 2 {
        let network = v4(random.next() as u32, 32);
        if list.networks.binary_search(&network).is_err() {
            new.insert(network);
        }
    }
    Diff {
        block: new
            .into_iter()
            .map(|network| (network, Reason::Feed))
            .collect(),
        unblock: gone,
        ..Diff::default()
    }
}

/// An empty table, for the plan's own difference.
pub(crate) fn table(list: &List) -> Table {
    let mut table = Table::default();
    list.diff().apply(&mut table);
    table
}
