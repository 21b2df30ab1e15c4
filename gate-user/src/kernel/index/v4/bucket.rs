//! A bucket of slots, changed while programs look through it.
//!
//! A program begins at the [`first`] slot of a /24 and ends at one that is 0. So no slot on the way
//! to one in use is ever 0: what is freed there becomes a [`TOMBSTONE`].

use std::sync::atomic::{AtomicU32, Ordering};

use gate_common::index::v4::{BUCKET, OWNER, TOMBSTONE, first};

/// The slots of one bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket<'m>(pub(super) &'m [AtomicU32]);

impl<'m> Bucket<'m> {
    /// How many slots are in use.
    pub(super) fn used(self) -> usize {
        let words = self.0.iter().map(|word| word.load(Ordering::Relaxed));
        words.filter(|&slot| !is_free(slot)).count()
    }

    /// The slots of that owner, each with its place.
    pub(super) fn owned(self, owner: u32) -> impl Iterator<Item = (usize, u32)> + use<'m> {
        let words = self.0.iter().map(|word| word.load(Ordering::Relaxed));
        words
            .enumerate()
            .filter(move |&(_, slot)| !is_free(slot) && slot & OWNER == owner)
    }

    /// Writes a slot of the /24 with that hash to the first free place on its way; there is one.
    pub(super) fn add(self, hash: u32, slot: u32) {
        let index = (0..BUCKET)
            .map(|number| (first(hash) + number) % BUCKET)
            .find(|&index| is_free(self.load(index)))
            .expect("who adds one has counted");
        self.store(index, slot);
    }

    /// Writes another slot in the place of one that is there.
    pub(super) fn replace(self, from: u32, to: u32) {
        self.store(self.place_of(from), to);
    }

    /// Frees a slot that is there.
    pub(super) fn remove(self, slot: u32) {
        self.free(self.place_of(slot));
    }

    /// Frees the slot at a place. Where something follows it, it must stay on the way; where
    /// nothing does, neither need those tombstones before it.
    pub(super) fn free(self, index: usize) {
        if self.load((index + 1) % BUCKET) != 0 {
            self.store(index, TOMBSTONE);
            return;
        }
        let mut index = index;
        loop {
            self.store(index, 0);
            index = (index + BUCKET - 1) % BUCKET;
            if self.load(index) != TOMBSTONE {
                return;
            }
        }
    }

    fn place_of(self, slot: u32) -> usize {
        (0..BUCKET)
            .find(|&index| self.load(index) == slot)
            .expect("it was found there")
    }

    fn load(self, index: usize) -> u32 {
        self.0[index].load(Ordering::Relaxed)
    }

    fn store(self, index: usize, slot: u32) {
        self.0[index].store(slot, Ordering::Release);
    }
}

/// Whether a slot speaks of nothing.
pub(super) fn is_free(slot: u32) -> bool {
    slot == 0 || slot == TOMBSTONE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(slots: &[u32]) -> Vec<AtomicU32> {
        (0..BUCKET)
            .map(|index| AtomicU32::new(slots.get(index).copied().unwrap_or(0)))
            .collect()
    }

    #[test]
    fn what_follows_a_freed_slot_is_found_still() {
        const T: u32 = TOMBSTONE;
        for (before, index, after) in [
            ([1, 2, 3, 0], 1, [1, T, 3, 0]),
            ([1, 2, 3, 0], 2, [1, 2, 0, 0]),
            ([1, T, 3, 0], 2, [1, 0, 0, 0]),
            ([T, T, 3, 0], 2, [0, 0, 0, 0]),
            ([1, T, 3, 4], 2, [1, T, T, 4]),
        ] {
            let words = bucket(&before);
            Bucket(&words).free(index);
            let found: Vec<u32> = words[..4]
                .iter()
                .map(|w| w.load(Ordering::Relaxed))
                .collect();
            assert_eq!(found, after, "{before:?} without {index}");
        }
    }

    #[test]
    fn a_way_goes_on_at_the_beginning() {
        let mut words = bucket(&[]);
        let last = (BUCKET - 1) as u32;
        Bucket(&words).add(last, 0x110);
        Bucket(&words).add(last, 0x120);
        assert_eq!(words[BUCKET - 1].get_mut(), &mut 0x110);
        assert_eq!(words[0].get_mut(), &mut 0x120);
        Bucket(&words).remove(0x110);
        assert_eq!(words[BUCKET - 1].get_mut(), &mut { TOMBSTONE });
        Bucket(&words).remove(0x120);
        assert!(words.iter_mut().all(|word| *word.get_mut() == 0));
    }
}
