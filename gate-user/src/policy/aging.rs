//! A map of bounded size that forgets what nobody has touched for longest.

use std::{collections::HashMap, hash::Hash};

/// A map in two generations. What is touched is in the young one; when that is full, it becomes the
/// old one, and what was old is forgotten. So it holds at least the last `generation` keys that were
/// touched, at most twice as many, and each touch costs the same.
#[derive(Debug)]
pub(crate) struct Aging<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    generation: usize,
}

impl<K: Copy + Eq + Hash, V: Default> Aging<K, V> {
    /// An empty one, of that many keys in a generation.
    pub(crate) fn new(generation: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            generation,
        }
    }

    /// What is known of `key`, which does not count as a touch.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// What is known of `key`, from now on the default if nothing is.
    pub(crate) fn touch(&mut self, key: K) -> &mut V {
        if !self.young.contains_key(&key) && self.young.len() >= self.generation {
            self.old = std::mem::take(&mut self.young);
        }
        let old = &mut self.old;
        self.young
            .entry(key)
            .or_insert_with(|| old.remove(&key).unwrap_or_default())
    }

    /// How many keys it holds.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_touched_stays_and_what_is_not_goes() {
        let mut map = Aging::new(10);
        *map.touch(0_u32) = 7;
        for key in 1..1000 {
            *map.touch(key) = key;
            *map.touch(0) += 1;
            assert!(map.len() <= 20);
        }
        assert_eq!(map.get(&0), Some(&(7 + 999)));
        assert_eq!(map.get(&999), Some(&999));
        assert_eq!(map.get(&995), Some(&995));
        assert_eq!(map.get(&900), None);
        assert_eq!(*map.touch(900), 0);
    }
}
