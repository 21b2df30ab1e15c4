//! The tries of exceptions from the limits.
//!
//! In: the networks that have other limits. Out: what the programs look up. They are few, so the
//! whole of them is compared and the difference is written.

use aya::Ebpf;
use bytemuck::Pod;
use gate_common::{KeyV4, KeyV6, Limits, names};

use super::{KernelError, maps::data, sys::RawMap, trie::TrieKey};
use crate::network::Network;

/// What marks an exception that is made for one source by its score, beside the prefix length.
const BY_SCORE: u32 = 1 << 8;

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

    /// Makes `wanted` all that there is but for single sources' by their score. A network that stays
    /// an exception is one all the while.
    pub(super) fn set(&self, wanted: &[(Network, Limits)]) -> Result<(), KernelError> {
        set::<KeyV4>(&self.v4, names::LIMITS_V4, wanted)?;
        set::<KeyV6>(&self.v6, names::LIMITS_V6, wanted)
    }

    /// Gives one source other limits, by its score, or none of its own any more.
    pub(super) fn set_by_score(
        &self,
        source: Network,
        limits: Option<Limits>,
    ) -> Result<(), KernelError> {
        if source.is_v4() {
            set_one::<KeyV4>(&self.v4, names::LIMITS_V4, source, limits)
        } else {
            set_one::<KeyV6>(&self.v6, names::LIMITS_V6, source, limits)
        }
    }

    /// Forgets what sources were given by their score.
    pub(super) fn clear_by_score(&self) -> Result<(), KernelError> {
        clear::<KeyV4>(&self.v4, names::LIMITS_V4)?;
        clear::<KeyV6>(&self.v6, names::LIMITS_V6)
    }
}

fn set_one<K: TrieKey>(
    map: &RawMap,
    name: &'static str,
    source: Network,
    limits: Option<Limits>,
) -> Result<(), KernelError> {
    let Some(key) = K::of(source) else {
        return Ok(());
    };
    let result = match limits {
        Some(limits) => {
            let prefix_len = u32::from(source.prefix_len()) | BY_SCORE;
            map.update(
                &key,
                &Limits {
                    prefix_len,
                    ..limits
                },
            )
        }
        None => map
            .delete_batch(&[key])
            .1
            .or_else(|error| match error.raw_os_error() {
                Some(libc::ENOENT) => Ok(()),
                _ => Err(error),
            }),
    };
    result.map_err(|source| KernelError::Map {
        map: name,
        what: "setting the limits of a source",
        source,
    })
}

fn clear<K: TrieKey>(map: &RawMap, name: &'static str) -> Result<(), KernelError> {
    let failed = |what| {
        move |source| KernelError::Map {
            map: name,
            what,
            source,
        }
    };
    let there: Vec<(K, Limits)> = map.entries(CHUNK).map_err(failed("reading back"))?;
    let marked = there
        .iter()
        .filter(|(_, limits)| limits.prefix_len & BY_SCORE != 0);
    let keys: Vec<K> = marked.map(|&(key, _)| key).collect();
    map.delete_batch(&keys).1.map_err(failed("deleting"))
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
    let there = there
        .iter()
        .filter(|(_, limits)| limits.prefix_len & BY_SCORE == 0);
    let is_wanted = |key: &K| wanted.iter().any(|(wanted, _)| wanted == key);
    let gone = there.map(|&(key, _)| key).filter(|key| !is_wanted(key));
    let gone: Vec<K> = gone.collect();
    map.delete_batch(&gone).1.map_err(failed("deleting"))
}
