//! The IPv4 arrays, written in place while programs read them.
//!
//! # Why no reader ever sees a wrong decision
//!
//! A program reads the byte of its /24 in level 1, and then at most what that byte names. Both
//! before and after a change, what level 1 names holds all there is to tell, and there are only
//! three kinds of change:
//!
//! - **Level 1 alone**: one byte, written at once. A program sees the former decision or the next.
//! - **One word for one address**: a slot is added, taken away or given another decision, or a byte
//!   of a leaf. This is done in place only where no address depends on two of the words that
//!   change ([`in_place`]), so again each address has the former decision or the next.
//! - **Everything else is written elsewhere first**: to free slots of another bucket, or to a free
//!   leaf, which nobody reads; then level 1 is turned to it, after it (release order). A program
//!   that had read level 1 before goes on reading the former slots or leaf, which stay as they are
//!   until a grace period has passed: only then are they free ([`Store::reclaim`]).
//!
//! So at every instant every address has the decision of the former table or that of the next:
//! who is allowed in both passes (invariant 1), who is listed in both does not (invariant 2).
//! Where there is no room, level 1 says [`Decision::ASK`], and the tries, which keep the same two
//! promises in their own order of changes, decide.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU8, AtomicU32, Ordering},
};

use gate_common::index::{
    Decision,
    v4::{BUCKET, CHOICES, LEAF, LEAF_CHOICES, Level1, OWNER, hash, owner, place},
};

use super::content::{Content, Payload, Slots, named};

/// A leaf stays one until the /24 has this few slots to tell, so that it does not move to and fro.
const LEAF_UNTIL: usize = BUCKET / 2;

/// What nobody may find any more, once the programs that run now have ended.
#[derive(Clone, Copy, Debug)]
enum Stale {
    /// The slots of a /24 at a choice.
    Slots { network: u32, choice: u32 },
    /// The leaf at a place.
    Leaf(u32),
    /// One slot that no /24 claims.
    Slot(usize),
}

/// What the writer knows of the arrays beyond what they say themselves.
#[derive(Debug)]
pub(in super::super) struct State {
    /// Leaves in use, a bit each.
    leaves: Vec<u64>,
    /// Leaves in use.
    leaves_used: u64,
    /// Slots in use.
    slots_used: u64,
    /// /24s for which there was no room.
    fallbacks: BTreeSet<u32>,
    stale: Vec<Stale>,
}

impl State {
    /// For arrays that are all zero, of so many leaves.
    pub(in super::super) fn new(leaves: u32) -> Self {
        Self {
            leaves: vec![0; (leaves as usize).div_ceil(64)],
            leaves_used: 0,
            slots_used: 0,
            fallbacks: BTreeSet::new(),
            stale: Vec::new(),
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

    /// /24s for which there was no room: the tries decide about them.
    pub(in super::super) fn fallbacks(&self) -> &BTreeSet<u32> {
        &self.fallbacks
    }

    /// Whether a grace period would free something.
    pub(in super::super) fn has_stale(&self) -> bool {
        !self.stale.is_empty()
    }
}

/// The arrays, mapped, with their writer's state.
pub(in super::super) struct Store<'m> {
    level1: &'m [AtomicU8],
    slots: &'m [AtomicU32],
    leaves: &'m [AtomicU8],
    state: &'m mut State,
}

impl<'m> Store<'m> {
    /// The arrays, with the state that was made for them.
    pub(in super::super) fn new(
        level1: &'m [AtomicU8],
        slots: &'m [AtomicU32],
        leaves: &'m [AtomicU8],
        state: &'m mut State,
    ) -> Self {
        Self {
            level1,
            slots,
            leaves,
            state,
        }
    }

    /// Learns the state from arrays that an earlier daemon wrote; what it had begun and not
    /// finished becomes stale.
    pub(in super::super) fn adopt(&mut self) {
        *self.state = State::new(self.leaf_places());
        let mut claimed = vec![0u16; self.buckets() as usize];
        for (network, byte) in (0u32..).zip(self.level1) {
            match Level1::from_byte(byte.load(Ordering::Relaxed)) {
                Level1::Whole(_) => {}
                Level1::Leaf { choice } => {
                    self.take_leaf(place(hash(network), choice, self.leaf_places()));
                }
                Level1::Bucket { choice, .. } => {
                    let (bucket, owner) = self.bucket_of(network, choice);
                    for (index, slot) in self.bucket(bucket).iter().enumerate() {
                        if slot.load(Ordering::Relaxed) & OWNER == owner {
                            claimed[bucket as usize] |= 1 << index;
                        }
                    }
                }
            }
        }
        for (index, slot) in self.slots.iter().enumerate() {
            if slot.load(Ordering::Relaxed) == 0 {
                continue;
            }
            self.state.slots_used += 1;
            if claimed[index / BUCKET] & 1 << (index % BUCKET) == 0 {
                self.state.stale.push(Stale::Slot(index));
            }
        }
    }

    /// The /24s of a /16 that level 1 does not call clean.
    pub(in super::super) fn occupied(&self, network: u16) -> super::model::Networks {
        let first = usize::from(network) << 8;
        let mut networks = [0; 4];
        for (third, byte) in self.level1[first..first + 256].iter().enumerate() {
            if byte.load(Ordering::Relaxed) != Level1::Whole(Decision::CLEAN).byte() {
                networks[third / 64] |= 1 << (third % 64);
            }
        }
        networks
    }

    /// Makes the decisions for a /24 those of `content`.
    pub(in super::super) fn put(&mut self, network: u32, content: &Content) {
        let former = Level1::from_byte(self.level1[network as usize].load(Ordering::Relaxed));
        let next = match (content, former) {
            (Content::Whole(decision), _) => Some(Level1::Whole(*decision)),
            (
                Content::Slots { default, slots },
                Level1::Bucket {
                    choice,
                    default: is,
                },
            ) if *default == is && self.amend(network, choice, slots) => {
                return;
            }
            (Content::Slots { slots, .. }, Level1::Leaf { choice })
                if slots.as_slice().len() > LEAF_UNTIL =>
            {
                return self.amend_leaf(network, choice, &content.leaf());
            }
            (Content::Leaf(leaf), Level1::Leaf { choice }) => {
                return self.amend_leaf(network, choice, leaf);
            }
            (Content::Slots { default, slots }, _) => self
                .place_slots(network, former, *default, slots)
                .or_else(|| self.place_leaf(network, &content.leaf())),
            (Content::Leaf(leaf), _) => self.place_leaf(network, leaf),
        };
        self.turn(
            network,
            former,
            next.unwrap_or(Level1::Whole(Decision::ASK)),
        );
    }

    /// Frees what is stale: a grace period has passed since it became so.
    pub(in super::super) fn reclaim(&mut self) {
        for stale in std::mem::take(&mut self.state.stale) {
            match stale {
                Stale::Slots { network, choice } => {
                    let (bucket, owner) = self.bucket_of(network, choice);
                    for slot in self.bucket(bucket) {
                        if is_owned(slot, owner) {
                            slot.store(0, Ordering::Relaxed);
                            self.state.slots_used -= 1;
                        }
                    }
                }
                Stale::Leaf(place) => {
                    self.state.leaves[place as usize / 64] &= !(1 << (place % 64));
                    self.state.leaves_used -= 1;
                }
                Stale::Slot(index) => {
                    self.slots[index].store(0, Ordering::Relaxed);
                    self.state.slots_used -= 1;
                }
            }
        }
    }

    /// Turns level 1 to what is written; what it named before becomes stale.
    fn turn(&mut self, network: u32, former: Level1, next: Level1) {
        if next == Level1::Whole(Decision::ASK) {
            self.state.fallbacks.insert(network);
        }
        if former == next {
            return;
        }
        // Release: the slots or the leaf are in memory before this names them.
        self.level1[network as usize].store(next.byte(), Ordering::Release);
        match former {
            Level1::Bucket { choice, .. } => {
                self.state.stale.push(Stale::Slots { network, choice });
            }
            Level1::Leaf { choice } => {
                let place = place(hash(network), choice, self.leaf_places());
                self.state.stale.push(Stale::Leaf(place));
            }
            Level1::Whole(Decision::ASK) => {
                self.state.fallbacks.remove(&network);
            }
            Level1::Whole(_) => {}
        }
    }

    /// Makes the slots of a /24 these where they are; false if that cannot be done in place.
    fn amend(&mut self, network: u32, choice: u32, next: &Slots) -> bool {
        let (bucket, owner) = self.bucket_of(network, choice);
        let mut changes: Vec<(Payload, Payload)> = Vec::new();
        let mut former = Slots::EMPTY;
        let mut free = 0;
        for slot in self.bucket(bucket) {
            if is_owned(slot, owner) {
                former.push(slot.load(Ordering::Relaxed) & !OWNER);
            } else if slot.load(Ordering::Relaxed) == 0 {
                free += 1;
            }
        }
        let name = |payload: &Payload| payload >> 4;
        for &payload in former.as_slice() {
            match next
                .as_slice()
                .iter()
                .find(|other| name(other) == name(&payload))
            {
                Some(&same) if same == payload => {}
                Some(&other) => changes.push((payload, other)),
                None => changes.push((payload, 0)),
            }
        }
        for &payload in next.as_slice() {
            if !former
                .as_slice()
                .iter()
                .any(|other| name(other) == name(&payload))
            {
                changes.push((0, payload));
            }
        }
        let added = changes.iter().filter(|(from, _)| *from == 0).count();
        if added > free || !in_place(&changes) {
            return false;
        }
        for (from, to) in changes {
            let from = if from == 0 { 0 } else { owner | from };
            let to = if to == 0 { 0 } else { owner | to };
            let slot = self
                .bucket(bucket)
                .iter()
                .find(|slot| slot.load(Ordering::Relaxed) == from)
                .expect("free slots were counted, and the others were found there");
            slot.store(to, Ordering::Release);
            self.state.slots_used += u64::from(from == 0);
            self.state.slots_used -= u64::from(to == 0);
        }
        true
    }

    fn amend_leaf(&self, network: u32, choice: u32, leaf: &[u8; LEAF]) {
        let place = place(hash(network), choice, self.leaf_places());
        for (byte, &next) in self.leaf(place).iter().zip(leaf) {
            if byte.load(Ordering::Relaxed) != next {
                byte.store(next, Ordering::Release);
            }
        }
    }

    /// Writes the slots to free ones of another bucket than the former.
    fn place_slots(
        &mut self,
        network: u32,
        former: Level1,
        default: Decision,
        slots: &Slots,
    ) -> Option<Level1> {
        let mut best = (0, 0);
        for choice in 0..CHOICES {
            if matches!(former, Level1::Bucket { choice: former, .. } if former == choice) {
                continue;
            }
            let (bucket, _) = self.bucket_of(network, choice);
            let free = self
                .bucket(bucket)
                .iter()
                .filter(|slot| slot.load(Ordering::Relaxed) == 0);
            let free = free.count();
            if free > best.0 {
                best = (free, choice);
            }
            if free > BUCKET * 3 / 4 {
                break;
            }
        }
        let (free, choice) = best;
        if free < slots.as_slice().len() {
            return None;
        }
        let (bucket, owner) = self.bucket_of(network, choice);
        let empty = self
            .bucket(bucket)
            .iter()
            .filter(|slot| slot.load(Ordering::Relaxed) == 0);
        for (slot, &payload) in empty.zip(slots.as_slice()) {
            slot.store(owner | payload, Ordering::Relaxed);
        }
        self.state.slots_used += slots.as_slice().len() as u64;
        Some(Level1::Bucket { choice, default })
    }

    /// Writes a leaf to a free place.
    fn place_leaf(&mut self, network: u32, leaf: &[u8; LEAF]) -> Option<Level1> {
        for choice in 0..LEAF_CHOICES {
            let place = place(hash(network), choice, self.leaf_places());
            if self.state.leaves[place as usize / 64] & 1 << (place % 64) == 0 {
                self.take_leaf(place);
                self.amend_leaf(network, choice, leaf);
                return Some(Level1::Leaf { choice });
            }
        }
        None
    }

    fn take_leaf(&mut self, place: u32) {
        self.state.leaves[place as usize / 64] |= 1 << (place % 64);
        self.state.leaves_used += 1;
    }

    fn buckets(&self) -> u32 {
        u32::try_from(self.slots.len() / BUCKET).expect("a map counts its entries in 32 bits")
    }

    fn leaf_places(&self) -> u32 {
        u32::try_from(self.leaves.len() / LEAF).expect("a map counts its entries in 32 bits")
    }

    /// The bucket of a /24 at a choice, and what marks its slots there.
    fn bucket_of(&self, network: u32, choice: u32) -> (u32, u32) {
        let hash = hash(network);
        (place(hash, choice, self.buckets()), owner(hash, choice))
    }

    fn bucket(&self, bucket: u32) -> &'m [AtomicU32] {
        &self.slots[bucket as usize * BUCKET..][..BUCKET]
    }

    fn leaf(&self, place: u32) -> &'m [AtomicU8] {
        &self.leaves[place as usize * LEAF..][..LEAF]
    }
}

fn is_owned(slot: &AtomicU32, owner: u32) -> bool {
    let slot = slot.load(Ordering::Relaxed);
    slot != 0 && slot & OWNER == owner
}

/// Whether no address depends on two of these changes: no two slots of them name the same.
fn in_place(changes: &[(Payload, Payload)]) -> bool {
    let mut seen = [false; 256];
    changes.iter().all(|&(from, to)| {
        let of = &mut seen[named(if to == 0 { from } else { to })];
        let first = of.iter().all(|seen| !seen);
        of.fill(true);
        first
    })
}
