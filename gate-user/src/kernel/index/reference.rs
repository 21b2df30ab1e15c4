//! What the index is held against in its tests: the table asked network by network, and random
//! tables that lie in one another.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use gate_common::{Reason, index::Decision};
use proptest::prelude::*;

use crate::{
    network::Network,
    plan::{Diff, Table},
};

/// What `table` says of `address`, by looking at every network in it.
pub(super) fn decide(table: &Table, address: IpAddr) -> Decision {
    let listed = table
        .block
        .iter()
        .filter(|(network, _)| network.contains(address))
        .max_by_key(|(network, _)| network.prefix_len());
    let allowed = table.allow.iter().any(|network| network.contains(address));
    match listed {
        None => Decision::CLEAN,
        Some(_) if allowed => Decision::ALLOWED,
        Some((_, &reason)) => Decision::listed(reason),
    }
}

/// First and last address of every network, and those beside them.
pub(super) fn borders(table: &Table) -> Vec<IpAddr> {
    let networks = table.allow.iter().chain(table.block.keys());
    networks
        .flat_map(|network| match network.address() {
            IpAddr::V4(first) => {
                let first = first.to_bits();
                let size = 1u64 << (32 - network.prefix_len());
                let last = (u64::from(first) + size - 1) as u32;
                [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                    .map(|bits| IpAddr::from(Ipv4Addr::from_bits(bits)))
            }
            IpAddr::V6(first) => {
                let first = first.to_bits();
                let last = first
                    | u128::MAX
                        .checked_shr(network.prefix_len().into())
                        .unwrap_or(0);
                [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                    .map(|bits| IpAddr::from(Ipv6Addr::from_bits(bits)))
            }
        })
        .collect()
}

/// Networks of every length, crowded into few places so that they lie in one another.
pub(super) fn v4() -> BoxedStrategy<Network> {
    (
        0u32..3,
        any::<u32>(),
        prop_oneof![1 => 0u8..=32, 1 => 15u8..=24, 4 => 24u8..=32],
    )
        .prop_map(|(place, bits, len)| {
            let address = 0xc000_0200 + (place << 15) | bits & 0x1ff;
            Network::containing(Ipv4Addr::from_bits(address).into(), len)
        })
        .boxed()
}

/// The same for IPv6.
pub(super) fn v6() -> BoxedStrategy<Network> {
    let len = prop_oneof![1 => 0u8..=128, 2 => 18u8..=32, 4 => 32u8..=66];
    (0u128..3, any::<u64>(), len)
        .prop_map(|(place, bits, len)| {
            // The places share a /20; the bits vary around each level.
            let spread = u128::from(bits & 0x3_8103_1111_0703) << 62;
            let address = 0x2001_0db8_u128 << 96 | place << 98 | spread & (u128::MAX >> 32);
            Network::containing(Ipv6Addr::from_bits(address).into(), len)
        })
        .boxed()
}

/// Tables that follow one another.
pub(super) fn tables(
    network: BoxedStrategy<Network>,
    size: usize,
) -> impl Strategy<Value = Vec<Table>> {
    let reason = prop::sample::select(Reason::ALL.to_vec());
    let block = prop::collection::btree_map(network.clone(), reason, 0..size);
    let allow = prop::collection::btree_set(network, 0..size / 3);
    let table = (block, allow).prop_map(|(block, allow)| Table { allow, block });
    // Half of each table stays in the next, so that changes are small as well as large.
    prop::collection::vec(table, 1..5).prop_map(|fresh| {
        let mut last = Table::default();
        fresh
            .into_iter()
            .map(|mut table| {
                let kept = |index: usize| index.is_multiple_of(2);
                let block: BTreeMap<_, _> = last
                    .block
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| kept(*i))
                    .map(|(_, b)| b)
                    .collect();
                table.block.extend(
                    block
                        .into_iter()
                        .map(|(network, reason)| (*network, *reason)),
                );
                table.allow.extend(
                    last.allow
                        .iter()
                        .enumerate()
                        .filter(|(i, _)| kept(*i))
                        .map(|(_, a)| *a),
                );
                last = table.clone();
                table
            })
            .collect()
    })
}

/// The differences from nothing through all of `tables`.
pub(super) fn steps(tables: &[Table]) -> Vec<Diff> {
    let empty = Table::default();
    let before = std::iter::once(&empty).chain(tables);
    before
        .zip(tables)
        .map(|(from, to)| Diff::between(from, to))
        .collect()
}
