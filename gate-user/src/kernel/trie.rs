//! One LPM trie, with networks for keys.

use std::{io, marker::PhantomData, net::IpAddr};

use aya::maps::MapData;
use bytemuck::{Pod, Zeroable as _};
use gate_common::{Entry, KeyV4, KeyV6};

use super::{KernelError, sys::RawMap};
use crate::network::Network;

/// How many keys go into one system call: enough that the call itself does not matter, few
/// enough that the kernel's copy of them stays small.
const CHUNK: usize = 4096;

/// A key of one address family.
pub(super) trait TrieKey: Pod {
    /// The network as a key, if it is of this family.
    fn of(network: Network) -> Option<Self>;
    /// The key as a network.
    fn network(&self) -> Network;
}

impl TrieKey for KeyV4 {
    fn of(network: Network) -> Option<Self> {
        match network.address() {
            IpAddr::V4(address) => Some(Self {
                prefix_len: network.prefix_len().into(),
                address: address.octets(),
            }),
            IpAddr::V6(_) => None,
        }
    }

    fn network(&self) -> Network {
        Network::containing(self.address.into(), prefix_len(self.prefix_len))
    }
}

impl TrieKey for KeyV6 {
    fn of(network: Network) -> Option<Self> {
        match network.address() {
            IpAddr::V6(address) => Some(Self {
                prefix_len: network.prefix_len().into(),
                address: address.octets(),
            }),
            IpAddr::V4(_) => None,
        }
    }

    fn network(&self) -> Network {
        Network::containing(self.address.into(), prefix_len(self.prefix_len))
    }
}

/// The kernel lets no longer prefix into a trie than its key has bits.
fn prefix_len(bits: u32) -> u8 {
    u8::try_from(bits).unwrap_or(u8::MAX)
}

/// An LPM trie of the kernel.
#[derive(Debug)]
pub(super) struct Trie<K> {
    name: &'static str,
    map: RawMap,
    key: PhantomData<K>,
}

/// How a batch of insertions ended.
pub(super) struct Inserted {
    /// How many were done, from the first on.
    pub(super) done: usize,
    /// Whether the next one found the trie full.
    pub(super) full: bool,
}

impl<K: TrieKey> Trie<K> {
    /// The trie of that name, loaded as `map`.
    pub(super) fn new(name: &'static str, map: &MapData) -> Result<Self, KernelError> {
        let map = RawMap::of(name, map)?;
        Ok(Self {
            name,
            map,
            key: PhantomData,
        })
    }

    /// Descriptor and layout.
    pub(super) fn map(&self) -> &RawMap {
        &self.map
    }

    /// The map's name.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    fn error(&self, what: &'static str, source: io::Error) -> KernelError {
        KernelError::Map {
            map: self.name,
            what,
            source,
        }
    }

    /// Sets the entries, in order, until one finds the trie full.
    pub(super) fn insert(&self, entries: &[(K, Entry)]) -> Result<Inserted, KernelError> {
        let mut done = 0;
        for chunk in entries.chunks(CHUNK) {
            let (keys, values): (Vec<K>, Vec<Entry>) = chunk.iter().copied().unzip();
            let (count, result) = self.map.update_batch(&keys, &values);
            done += count;
            match result {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => {
                    return Ok(Inserted { done, full: true });
                }
                Err(error) => return Err(self.error("inserting", error)),
            }
        }
        Ok(Inserted { done, full: false })
    }

    /// Removes the keys; one that is not there is no error.
    pub(super) fn remove(&self, keys: &[K]) -> Result<(), KernelError> {
        for chunk in keys.chunks(CHUNK) {
            let mut rest = chunk;
            while !rest.is_empty() {
                let (count, result) = self.map.delete_batch(rest);
                match result {
                    Ok(()) => break,
                    Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {
                        rest = &rest[(count + 1).min(rest.len())..];
                    }
                    Err(error) => return Err(self.error("deleting", error)),
                }
            }
        }
        Ok(())
    }

    /// All entries, in the trie's own order.
    pub(super) fn entries(&self) -> Result<Vec<(Network, Entry)>, KernelError> {
        let entries = self
            .map
            .entries::<K, Entry>(CHUNK)
            .map_err(|error| self.error("reading back", error))?;
        Ok(entries
            .into_iter()
            .map(|(key, entry)| (key.network(), entry))
            .collect())
    }

    /// The longest match for `address`: its network and value.
    pub(super) fn lookup(&self, address: IpAddr) -> Result<Option<(Network, Entry)>, KernelError> {
        let Some(key) = K::of(Network::host(address)) else {
            return Ok(None);
        };
        let mut entry = Entry::zeroed();
        let found = self
            .map
            .lookup(&key, bytemuck::bytes_of_mut(&mut entry), 1)
            .map_err(|error| self.error("looking up", error))?;
        Ok(found.then(|| (Network::containing(address, entry.prefix_len()), entry)))
    }
}
