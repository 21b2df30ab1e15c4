//! The tries of exceptions from the limits.
//!
//! In: the networks that have other limits. Out: what the programs look up. They are few, so the
//! whole of them is compared and the difference is written.

use aya::Ebpf;
use bytemuck::Pod;
use gate_common::{KeyV4, KeyV6, Limits, names};

use super::{KernelError, maps::data, sys::RawMap, trie::TrieKey};
use crate::network::Network;

/// Keys in one system call.
const CHUNK: usize = 4096;

/// The two tries.
#[derive(Debug)]
pub(super) struct Exceptions {
    v4: RawMap,
    v6: RawMap,
}

impl Exceptions {
    pub(super) fn new(ebpf: &Ebpf) -> Result<Self, KernelError> {
        let map = |name| RawMap::of(name, data(ebpf, name)?);
        Ok(Self {
            v4: map(names::LIMITS_V4)?,
            v6: map(names::LIMITS_V6)?,
        })
    }

    /// The maps.
    pub(super) fn maps(&self) -> [&RawMap; 2] {
        [&self.v4, &self.v6]
    }

    /// Makes `wanted` all that there is. A network that stays an exception is one all the while.
    pub(super) fn set(&self, wanted: &[(Network, Limits)]) -> Result<(), KernelError> {
        set::<KeyV4>(&self.v4, names::LIMITS_V4, wanted)?;
        set::<KeyV6>(&self.v6, names::LIMITS_V6, wanted)
    }
}

fn set<K: TrieKey + Pod + PartialEq>(
    map: &RawMap,
    name: &'static str,
    wanted: &[(Network, Limits)],
) -> Result<(), KernelError> {
    let failed = |what| {
        move |source| KernelError::Map {
            map: name,
            what,
            source,
        }
    };
    let wanted: Vec<(K, Limits)> = wanted
        .iter()
        .filter_map(|&(network, limits)| {
            let prefix_len = network.prefix_len().into();
            Some((
                K::of(network)?,
                Limits {
                    prefix_len,
                    ..limits
                },
            ))
        })
        .collect();
    let there: Vec<(K, Limits)> = map.entries(CHUNK).map_err(failed("reading back"))?;
    let fresh = wanted.iter().filter(|entry| !there.contains(entry));
    let (keys, values): (Vec<K>, Vec<Limits>) = fresh.copied().unzip();
    map.update_batch(&keys, &values)
        .1
        .map_err(failed("inserting"))?;
    let is_wanted = |key: &K| wanted.iter().any(|(wanted, _)| wanted == key);
    let gone = there
        .iter()
        .map(|&(key, _)| key)
        .filter(|key| !is_wanted(key));
    let gone: Vec<K> = gone.collect();
    map.delete_batch(&gone).1.map_err(failed("deleting"))
}
