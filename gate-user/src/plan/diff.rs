//! Gate tables as values, and the difference that turns one into the other.

use std::collections::{BTreeMap, BTreeSet};

use gate_common::Reason;

use crate::network::Network;

/// A whole gate table: what the kernel should hold, or does hold.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Table {
    /// Allow entries.
    pub allow: BTreeSet<Network>,
    /// Blocked networks with the reason that is counted for them.
    pub block: BTreeMap<Network, Reason>,
}

/// What is to be done to a gate table. Each list is sorted and holds a network once.
///
/// The fields stand in the order in which [`kernel`](crate::kernel) must carry them out, so that
/// at every instant an allowed source passes and a network that stays listed stays blocked:
/// first what opens for the allowed, then what closes, then what opens, and the end of an
/// allowance last (invariants 1 and 2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Diff {
    /// Allow entries to add.
    pub allow: Vec<Network>,
    /// Networks to block, or to block for another reason.
    pub block: Vec<(Network, Reason)>,
    /// Networks to block no longer.
    pub unblock: Vec<Network>,
    /// Allow entries to take away.
    pub disallow: Vec<Network>,
}

impl Diff {
    /// What turns the table `from` into the table `to`.
    pub fn between(from: &Table, to: &Table) -> Self {
        Self {
            allow: to.allow.difference(&from.allow).copied().collect(),
            block: to
                .block
                .iter()
                .filter(|&(network, reason)| from.block.get(network) != Some(reason))
                .map(|(network, reason)| (*network, *reason))
                .collect(),
            unblock: from
                .block
                .keys()
                .filter(|network| !to.block.contains_key(network))
                .copied()
                .collect(),
            disallow: from.allow.difference(&to.allow).copied().collect(),
        }
    }

    /// Carries it out on `table`.
    pub fn apply(&self, table: &mut Table) {
        table.allow.extend(&self.allow);
        table.block.extend(self.block.iter().copied());
        for network in &self.unblock {
            table.block.remove(network);
        }
        for network in &self.disallow {
            table.allow.remove(network);
        }
    }

    /// How many changes it holds.
    pub fn len(&self) -> usize {
        self.allow.len() + self.block.len() + self.unblock.len() + self.disallow.len()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
