//! The four tries as one gate table: applying a difference, reading back, looking up.

use std::net::IpAddr;

use gate_common::{Entry, KeyV4, KeyV6, Reason};

use super::{
    KernelError, grace,
    trie::{Trie, TrieKey},
};
use crate::{
    network::Network,
    plan::{Diff, Table},
};

/// The tries of the gate.
#[derive(Debug)]
pub(super) struct Tables {
    /// `ALLOW_V4`.
    pub(super) allow_v4: Trie<KeyV4>,
    /// `ALLOW_V6`.
    pub(super) allow_v6: Trie<KeyV6>,
    /// `BLOCK_V4`.
    pub(super) block_v4: Trie<KeyV4>,
    /// `BLOCK_V6`.
    pub(super) block_v6: Trie<KeyV6>,
}

/// What the kernel's tries say of an address.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Lookup {
    /// The longest allow entry that covers it: this one wins.
    pub allowed: Option<Network>,
    /// The longest blocked network that covers it, with the reason.
    pub blocked: Option<(Network, Option<Reason>)>,
}

impl Tables {
    /// Carries out `diff`.
    ///
    /// The order is the one of [`Diff`]'s fields. An allow entry is in before anything closes
    /// and leaves after everything else, so no allowed source meets a block (invariant 1); a
    /// network is in before the one that covered it leaves, so no listed source finds a gap
    /// (invariant 2). Single insertions and deletions are atomic to a program that reads
    /// (kernel/bpf/lpm_trie.c: one `rcu_assign_pointer` each).
    ///
    /// That holds for programs that begin between two writes. One that runs meanwhile may have
    /// passed the place of what enters, now or with an earlier difference, and come too late for
    /// what leaves; and it asks for a block before it asks for what excepts from it. So before
    /// anything leaves, and before a block enters behind its allow entry, the programs that run
    /// come to their end.
    pub(super) fn apply(&self, diff: &Diff) -> Result<(), KernelError> {
        let allow: Vec<_> = diff
            .allow
            .iter()
            .map(|&network| (network, Entry::allow(network.prefix_len())))
            .collect();
        let left = insert(&self.allow_v4, &self.allow_v6, &allow)?;
        check_full(&left, &self.allow_v4, &self.allow_v6)?;
        if !diff.allow.is_empty() && !diff.block.is_empty() {
            grace::wait()?;
        }

        let block: Vec<_> = diff
            .block
            .iter()
            .map(|&(network, reason)| (network, Entry::block(reason, network.prefix_len())))
            .collect();
        let left = insert(&self.block_v4, &self.block_v6, &block)?;
        if !diff.unblock.is_empty() {
            grace::wait()?;
        }
        remove(&self.block_v4, &self.block_v6, &diff.unblock)?;
        // What found no room may find it now.
        let left = insert(&self.block_v4, &self.block_v6, &left)?;
        if !diff.disallow.is_empty() {
            grace::wait()?;
        }
        remove(&self.allow_v4, &self.allow_v6, &diff.disallow)?;
        check_full(&left, &self.block_v4, &self.block_v6)
    }

    /// What the tries hold. A block entry whose reason this version does not know is given as
    /// `manual`: it will differ from the plan, and be mended.
    pub(super) fn read_back(&self) -> Result<Table, KernelError> {
        let mut table = Table::default();
        for (network, _) in self
            .allow_v4
            .entries()?
            .into_iter()
            .chain(self.allow_v6.entries()?)
        {
            table.allow.insert(network);
        }
        for (network, entry) in self
            .block_v4
            .entries()?
            .into_iter()
            .chain(self.block_v6.entries()?)
        {
            table
                .block
                .insert(network, entry.reason().unwrap_or(Reason::Manual));
        }
        Ok(table)
    }

    /// What the tries say of `address`.
    pub(super) fn lookup(&self, address: IpAddr) -> Result<Lookup, KernelError> {
        let address = address.to_canonical();
        let (allowed, blocked) = match address {
            IpAddr::V4(_) => (
                self.allow_v4.lookup(address)?,
                self.block_v4.lookup(address)?,
            ),
            IpAddr::V6(_) => (
                self.allow_v6.lookup(address)?,
                self.block_v6.lookup(address)?,
            ),
        };
        Ok(Lookup {
            allowed: allowed.map(|(network, _)| network),
            blocked: blocked.map(|(network, entry)| (network, entry.reason())),
        })
    }
}

/// Inserts the entries, each into its family's trie; returns those that found no room.
fn insert(
    v4: &Trie<KeyV4>,
    v6: &Trie<KeyV6>,
    entries: &[(Network, Entry)],
) -> Result<Vec<(Network, Entry)>, KernelError> {
    let mut left = insert_family(v4, entries)?;
    left.extend(insert_family(v6, entries)?);
    Ok(left)
}

fn insert_family<K: TrieKey>(
    trie: &Trie<K>,
    entries: &[(Network, Entry)],
) -> Result<Vec<(Network, Entry)>, KernelError> {
    let keyed: Vec<(K, Entry)> = entries
        .iter()
        .filter_map(|&(network, entry)| Some((K::of(network)?, entry)))
        .collect();
    let mut rest = keyed.as_slice();
    let mut left = Vec::new();
    loop {
        let inserted = trie.insert(rest)?;
        if !inserted.full {
            return Ok(left);
        }
        // Later ones may still be taken: those that only change the value of an entry.
        let (key, entry) = rest[inserted.done];
        left.push((key.network(), entry));
        rest = &rest[inserted.done + 1..];
    }
}

fn remove(v4: &Trie<KeyV4>, v6: &Trie<KeyV6>, networks: &[Network]) -> Result<(), KernelError> {
    let keys: Vec<KeyV4> = networks
        .iter()
        .filter_map(|&network| KeyV4::of(network))
        .collect();
    v4.remove(&keys)?;
    let keys: Vec<KeyV6> = networks
        .iter()
        .filter_map(|&network| KeyV6::of(network))
        .collect();
    v6.remove(&keys)
}

/// An error if anything is left that found no room.
fn check_full(
    left: &[(Network, Entry)],
    v4: &Trie<KeyV4>,
    v6: &Trie<KeyV6>,
) -> Result<(), KernelError> {
    let Some(&(first, _)) = left.first() else {
        return Ok(());
    };
    let (map, capacity) = if first.is_v4() {
        (v4.name(), v4.map().info.max_entries)
    } else {
        (v6.name(), v6.map().info.max_entries)
    };
    Err(KernelError::Full {
        map,
        capacity,
        missing: left.len(),
        first,
    })
}
