//! What the writer of the IPv4 arrays knows of them beyond what they say themselves.

use std::collections::BTreeSet;

use gate_common::index::v4::Head;

/// What nobody may find any more, once the programs that run now have ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stale {
    /// The slots of a /20 at a choice, and the leaves that they name.
    Slots { place: u32, choice: u32 },
    /// A half that was in force, and the leaves that it names.
    Half(Head),
}

/// See the module.
#[derive(Debug)]
pub(in super::super) struct State {
    /// The half in force and its buckets.
    pub(super) head: Head,
    /// Slots in use in that half.
    pub(super) slots_used: u64,
    /// /20s for which there was no room.
    pub(super) fallbacks: BTreeSet<u32>,
    pub(super) stale: Vec<Stale>,
    /// Whether slots were added where programs look since the last grace period.
    pub(super) is_fresh: bool,
    /// Leaves in use, a bit each.
    leaves: Vec<u64>,
    leaves_used: u64,
}

impl State {
    /// For arrays that are all zero, of so many leaves.
    pub(in super::super) fn new(leaves: u32) -> Self {
        Self {
            head: Head::default(),
            slots_used: 0,
            fallbacks: BTreeSet::new(),
            stale: Vec::new(),
            is_fresh: false,
            leaves: vec![0; (leaves as usize).div_ceil(64)],
            leaves_used: 0,
        }
    }

    /// Slots in use.
    pub(in super::super) fn slots_used(&self) -> u64 {
        self.slots_used
    }

    /// Leaves in use.
    pub(in super::super) fn leaves_used(&self) -> u64 {
        self.leaves_used
    }

    /// /20s for which there was no room: the tries decide about them.
    pub(in super::super) fn fallbacks(&self) -> &BTreeSet<u32> {
        &self.fallbacks
    }

    /// Whether a grace period would free something.
    pub(in super::super) fn has_stale(&self) -> bool {
        !self.stale.is_empty()
    }

    /// Turns to an empty half.
    pub(super) fn begin_half(&mut self, head: Head) {
        self.head = head;
        self.slots_used = 0;
        self.is_fresh = false;
        self.fallbacks.clear();
    }

    pub(super) fn has_leaf(&self, place: u32) -> bool {
        self.leaves[place as usize / 64] & 1 << (place % 64) != 0
    }

    pub(super) fn take_leaf(&mut self, place: u32) {
        self.leaves_used += u64::from(!self.has_leaf(place));
        self.leaves[place as usize / 64] |= 1 << (place % 64);
    }

    pub(super) fn free_leaf(&mut self, place: u32) {
        self.leaves_used -= u64::from(self.has_leaf(place));
        self.leaves[place as usize / 64] &= !(1 << (place % 64));
    }
}
