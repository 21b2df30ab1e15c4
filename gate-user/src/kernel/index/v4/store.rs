//! The IPv4 arrays, written in place while programs read them.
//!
//! # Why no reader ever sees a wrong decision
//!
//! A program reads the head, then the byte of its /20 in the half that the head names, and then at
//! most the bucket that the byte names, and a leaf that a slot in it names. There are four kinds of
//! change:
//!
//! - **The byte of a /20 alone**: written at once. A program sees the former decision or the next.
//! - **One word for one address**: a slot is added, taken away or given another decision, or a byte
//!   of a leaf. This is done in place only where no address depends on two of the words that
//!   change ([`in_place`]), so again each address has the former decision or the next. Nor is a
//!   slot taken away while others are so fresh that a program may have passed their place before
//!   they were there: one on its way since the table before last would find neither.
//! - **Everything else is written elsewhere first**: to free slots of other buckets, or to a free
//!   leaf, which nobody reads; then the byte is turned to it, after it (release order). A program
//!   that had read the byte before goes on reading the former slots or leaf, which stay as they
//!   are until a grace period has passed: only then are they free ([`Store::reclaim`]).
//! - **All of it anew** ([`Store::rebuild`]): for another number of buckets, or after a start. It
//!   is written to the half that nobody reads, and the head is turned to it. Programs on their way
//!   through the former half find it as it was, until a grace period has passed.
//!
//! So at every instant every address has the decision of the former table or that of the next:
//! who is allowed in both passes (invariant 1), who is listed in both does not (invariant 2).
//! Where there is no room, the byte says [`Decision::ASK`], and the tries, which keep the same two
//! promises in their own order of changes, decide.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use gate_common::index::{
    Decision,
    v4::{
        BUCKET, CHOICES, Head, LEAF, LEAF_CHOICES, MAX_BITS, MIN_BITS, OWNER, ROOTS, Root, bucket,
        hash, leaf, leaf_at, leaf_choice, node, owner, owner_hash,
    },
};

use super::{
    bucket::{Bucket, is_free},
    content::{Content, Slots, changes, in_place, payload},
    model::{Model, Place},
    state::{Stale, State},
};

/// The arrays, mapped, with their writer's state.
pub(in super::super) struct Store<'m> {
    head: &'m AtomicU32,
    /// Two halves.
    roots: &'m [AtomicU8],
    /// Two halves.
    slots: &'m [AtomicU32],
    leaves: &'m [AtomicU8],
    state: &'m mut State,
}

impl<'m> Store<'m> {
    /// The arrays, with the state that was made for them.
    pub(in super::super) fn new(
        head: &'m AtomicU32,
        roots: &'m [AtomicU8],
        slots: &'m [AtomicU32],
        leaves: &'m [AtomicU8],
        state: &'m mut State,
    ) -> Self {
        Self {
            head,
            roots,
            slots,
            leaves,
            state,
        }
    }

    /// Learns which half and which leaves are read in arrays that an earlier daemon wrote, if any
    /// did, and clears the other half. Whatever else it was about to do is forgotten: a rebuild
    /// has to follow. A grace period has passed since it could write.
    pub(in super::super) fn adopt(&mut self) {
        *self.state = State::new(self.leaf_places());
        let head = Head(self.head.load(Ordering::Relaxed));
        if head.is_written() && (MIN_BITS..=self.max_bits()).contains(&head.bits()) {
            self.state.head = head;
            for index in 0..BUCKET << head.bits() {
                let slot = self.half(head.half())[index].load(Ordering::Relaxed);
                self.state.slots_used += u64::from(!is_free(slot));
                if let Some(place) = self.leaf_of(slot, index / BUCKET, head.bits()) {
                    self.state.take_leaf(place);
                }
            }
        }
        for slot in self.half(1 - head.half()) {
            slot.store(0, Ordering::Relaxed);
        }
    }

    /// How many buckets, by their logarithm, so many slots should have: twice the room they need.
    pub(in super::super) fn bits_for(&self, slots: u64) -> u32 {
        let buckets = (slots * 2).div_ceil(BUCKET as u64).max(1);
        (u64::BITS - (buckets - 1).leading_zeros()).clamp(MIN_BITS, self.max_bits())
    }

    /// Whether so many slots need more buckets than there are in force, and there can be more.
    pub(in super::super) fn outgrows(&self, slots: u64) -> bool {
        let bits = self.state.head.bits();
        let room = (BUCKET as u64) << bits;
        !self.state.head.is_written() || (slots * 8 > room * 5 && bits < self.max_bits())
    }

    /// Whether what is in use would do with a small part of the buckets in force.
    pub(in super::super) fn is_oversized(&self) -> bool {
        let bits = self.state.head.bits();
        bits > MIN_BITS && self.state.slots_used * 16 < (BUCKET as u64) << bits
    }

    /// Writes all that `model` holds to the half that nobody reads, for `1 << bits` buckets, and
    /// turns to it. What was read before becomes stale.
    pub(in super::super) fn rebuild(&mut self, model: &Model, bits: u32) {
        let former = self.state.head;
        let next = Head::new(1 - former.half() as usize, bits);
        self.state.begin_half(next);
        for network in 0..=u16::MAX {
            let first = usize::from(network) << 4;
            if model.is_occupied(network) {
                model.places(network, &super::ALL, |place| self.put_new(place));
            } else {
                for root in &self.roots_of(next)[first..first + 16] {
                    root.store(Root::Whole(Decision::CLEAN).byte(), Ordering::Relaxed);
                }
            }
        }
        // Release: all of the half is in memory before this names it.
        self.head.store(next.0, Ordering::Release);
        if former.is_written() {
            self.state.stale.push(Stale::Half(former));
        }
    }

    /// Writes a /20 to a half that nobody reads.
    fn put_new(&mut self, place: &Place<'_>) {
        let root = self.write(place, None);
        self.root(place.number)
            .store(root.byte(), Ordering::Relaxed);
    }

    /// Makes the decisions for a /20 those of `place`.
    pub(in super::super) fn put(&mut self, place: &Place<'_>) {
        let former = Root::from_byte(self.root(place.number).load(Ordering::Relaxed));
        let avoid = match former {
            Root::Slots { choice, default } => {
                let same = default == place.default && !place.contents.is_empty();
                if same && self.amend(place, choice) {
                    return;
                }
                Some(choice)
            }
            Root::Whole(_) => None,
        };
        let next = self.write(place, avoid);
        if former == next {
            return;
        }
        // Release: the slots and leaves are in memory before this names them.
        self.root(place.number)
            .store(next.byte(), Ordering::Release);
        if let Some(choice) = avoid {
            self.state.stale.push(Stale::Slots {
                place: place.number,
                choice,
            });
        }
    }

    /// Frees what is stale: a grace period has passed since it became so.
    pub(in super::super) fn reclaim(&mut self) {
        self.state.is_fresh = false;
        for stale in std::mem::take(&mut self.state.stale) {
            match stale {
                Stale::Slots { place, choice } => {
                    for network in place << 4..(place + 1) << 4 {
                        let (bucket, owner) = self.bucket_of(network, choice);
                        for &payload in self.take_out(bucket, owner).as_slice() {
                            if let Some(choice) = leaf_choice(node(payload)) {
                                let place = leaf(hash(network), choice, self.leaf_places());
                                self.state.free_leaf(place);
                            }
                        }
                    }
                }
                Stale::Half(head) => {
                    for index in 0..BUCKET << head.bits() {
                        let word = &self.half(head.half())[index];
                        let slot = word.load(Ordering::Relaxed);
                        if slot == 0 {
                            continue;
                        }
                        word.store(0, Ordering::Relaxed);
                        if let Some(place) = self.leaf_of(slot, index / BUCKET, head.bits()) {
                            self.state.free_leaf(place);
                        }
                    }
                }
            }
        }
    }

    /// Frees the slots of an owner; which there were.
    fn take_out(&mut self, bucket: Bucket<'m>, owner: u32) -> Slots {
        let mut slots = Slots::EMPTY;
        for (index, slot) in bucket.owned(owner) {
            slots.push(slot & !OWNER);
            bucket.free(index);
        }
        self.state.slots_used -= slots.as_slice().len() as u64;
        slots
    }

    /// Makes the slots of a /20 those of `place` where they are; false if that cannot be done for
    /// all, and then what has been done is right already.
    fn amend(&mut self, place: &Place<'_>, choice: u32) -> bool {
        let mut contents = place.contents.iter().peekable();
        (0..16).all(|third| {
            let network = place.number << 4 | third;
            let content = contents.next_if(|(of, _)| *of == network);
            if place.touched & 1 << third == 0 {
                return true;
            }
            let content = content.map_or(&Content::NOTHING, |(_, content)| content);
            self.amend_network(network, choice, content)
        })
    }

    fn amend_network(&mut self, network: u32, choice: u32, content: &Content) -> bool {
        let (bucket, owner) = self.bucket_of(network, choice);
        let mut former = Slots::EMPTY;
        for (_, slot) in bucket.owned(owner) {
            former.push(slot & !OWNER);
        }
        let former_leaf = former
            .as_slice()
            .iter()
            .find_map(|&payload| leaf_choice(node(payload)));
        let next = match (content, former_leaf) {
            (Content::Leaf(leaf), Some(choice)) => {
                self.write_leaf(network, choice, leaf);
                return true;
            }
            (Content::Slots(next), None) => next,
            _ => return false,
        };
        let changes = changes(&former, next);
        let added = changes.iter().filter(|(from, _)| *from == 0).count();
        let removed = changes.iter().filter(|(_, to)| *to == 0).count();
        if bucket.used() + added > BUCKET
            || !in_place(&changes)
            || (removed > 0 && self.state.is_fresh)
        {
            return false;
        }
        for (from, to) in changes {
            match (from, to) {
                (0, to) => bucket.add(hash(network), owner | to),
                (from, 0) => bucket.remove(owner | from),
                (from, to) => bucket.replace(owner | from, owner | to),
            }
        }
        self.state.is_fresh |= added > 0;
        self.state.slots_used += added as u64;
        self.state.slots_used -= removed as u64;
        true
    }

    /// Writes what is to be told of a /20 where nobody reads, at another choice than `avoid`;
    /// returns the root that names it.
    fn write(&mut self, place: &Place<'_>, avoid: Option<u32>) -> Root {
        self.state.fallbacks.remove(&place.number);
        if place.contents.is_empty() {
            return Root::Whole(place.default);
        }
        let mut leaves = Vec::new();
        let mut wanted = Vec::with_capacity(place.contents.len());
        for &(network, content) in place.contents {
            let slots = match content {
                Content::Slots(slots) => Some(slots),
                Content::Leaf(leaf) => self.place_leaf(network, &leaf).map(|(choice, place)| {
                    leaves.push(place);
                    let mut slots = Slots::EMPTY;
                    slots.push(payload(leaf_at(choice), Decision::ASK));
                    slots
                }),
            };
            wanted.extend(slots.map(|slots| (network, slots)));
        }
        let choice = (wanted.len() == place.contents.len())
            .then(|| self.place_slots(&wanted, avoid))
            .flatten();
        if let Some(choice) = choice {
            return Root::Slots {
                choice,
                default: place.default,
            };
        }
        for place in leaves {
            self.state.free_leaf(place);
        }
        self.state.fallbacks.insert(place.number);
        Root::Whole(Decision::ASK)
    }

    /// Writes slots to free ones of their buckets at one choice, which it returns: the first that
    /// leaves some room in all of them, or else the first that has it.
    fn place_slots(&mut self, wanted: &[(u32, Slots)], avoid: Option<u32>) -> Option<u32> {
        for limit in [BUCKET * 3 / 4, BUCKET] {
            for choice in (0..CHOICES).filter(|&choice| avoid != Some(choice)) {
                let fits = wanted.iter().position(|(network, slots)| {
                    !self.place_network(*network, choice, slots, limit)
                });
                let Some(failed) = fits else {
                    return Some(choice);
                };
                // Nothing names these: nobody has read them.
                for (network, _) in &wanted[..failed] {
                    let (bucket, owner) = self.bucket_of(*network, choice);
                    self.take_out(bucket, owner);
                }
            }
        }
        None
    }

    /// Writes the slots of a /24 to its bucket at a choice, if that has room up to `limit`.
    fn place_network(&mut self, network: u32, choice: u32, slots: &Slots, limit: usize) -> bool {
        let (bucket, owner) = self.bucket_of(network, choice);
        let slots = slots.as_slice();
        if bucket.used() + slots.len() > limit {
            return false;
        }
        for &payload in slots {
            bucket.add(hash(network), owner | payload);
        }
        self.state.slots_used += slots.len() as u64;
        true
    }

    /// Writes a leaf to a free place; at which choice, and which place that is.
    fn place_leaf(&mut self, network: u32, content: &[u8; LEAF]) -> Option<(u32, u32)> {
        let places = self.leaf_places();
        let (choice, place) = (0..LEAF_CHOICES)
            .map(|choice| (choice, leaf(hash(network), choice, places)))
            .find(|&(_, place)| !self.state.has_leaf(place))?;
        self.state.take_leaf(place);
        self.write_leaf(network, choice, content);
        Some((choice, place))
    }

    fn write_leaf(&self, network: u32, choice: u32, content: &[u8; LEAF]) {
        let place = leaf(hash(network), choice, self.leaf_places()) as usize;
        for (byte, &next) in self.leaves[place * LEAF..][..LEAF].iter().zip(content) {
            if byte.load(Ordering::Relaxed) != next {
                byte.store(next, Ordering::Release);
            }
        }
    }

    /// The place of the leaf that a slot in this one of `1 << bits` buckets speaks of, if it does.
    fn leaf_of(&self, slot: u32, in_bucket: usize, bits: u32) -> Option<u32> {
        let choice = leaf_choice(node(slot))?;
        let hash = owner_hash(slot, in_bucket as u32, bits);
        Some(leaf(hash, choice, self.leaf_places()))
    }

    /// Logarithm of the most buckets that these arrays can hold.
    fn max_bits(&self) -> u32 {
        (self.slots.len() / 2 / BUCKET).ilog2().min(MAX_BITS)
    }

    fn leaf_places(&self) -> u32 {
        u32::try_from(self.leaves.len() / LEAF).expect("a map counts its entries in 32 bits")
    }

    /// The slots of a half.
    fn half(&self, half: u32) -> &'m [AtomicU32] {
        let size = self.slots.len() / 2;
        &self.slots[half as usize * size..][..size]
    }

    fn roots_of(&self, head: Head) -> &'m [AtomicU8] {
        &self.roots[head.half() as usize * ROOTS..][..ROOTS]
    }

    fn root(&self, place: u32) -> &'m AtomicU8 {
        &self.roots_of(self.state.head)[place as usize]
    }

    /// The bucket of a /24 at a choice, and what marks its slots there.
    fn bucket_of(&self, network: u32, choice: u32) -> (Bucket<'m>, u32) {
        let (hash, head) = (hash(network), self.state.head);
        let bucket = bucket(hash, choice, head.bits()) as usize;
        let slots = &self.half(head.half())[bucket * BUCKET..][..BUCKET];
        (Bucket(slots), owner(hash, choice))
    }
}
