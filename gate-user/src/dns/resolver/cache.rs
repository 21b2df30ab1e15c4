//! Answers kept for a while: bounded in number, each until a time of its own.
//!
//! hickory's own cache would keep whole messages, so that a number of entries bounds no memory,
//! and no failures; what is kept here is no more than what was made of an answer.

use std::{
    collections::HashMap,
    hash::Hash,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

/// Values kept until a time of their own.
///
/// Two generations: what is used goes to the young one; when that holds half of what may be kept,
/// it becomes the old one, and what was old and not used since is forgotten.
#[derive(Debug)]
pub(super) struct Cache<K, V>(Mutex<Generations<K, V>>);

#[derive(Debug)]
struct Generations<K, V> {
    half: usize,
    young: HashMap<K, (V, Instant)>,
    old: HashMap<K, (V, Instant)>,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// A cache of at most so many entries; at least two.
    pub(super) fn new(entries: usize) -> Self {
        Self(Mutex::new(Generations {
            half: (entries / 2).max(1),
            young: HashMap::new(),
            old: HashMap::new(),
        }))
    }

    fn generations(&self) -> MutexGuard<'_, Generations<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another bound from now on.
    pub(super) fn resize(&self, entries: usize) {
        let mut generations = self.generations();
        generations.half = (entries / 2).max(1);
        if generations.young.len() > generations.half {
            generations.young = HashMap::new();
        }
        if generations.old.len() > generations.half {
            generations.old = HashMap::new();
        }
    }

    /// What is kept of `key`, and until when; nothing whose time has come.
    pub(super) fn get(&self, key: &K, now: Instant) -> Option<(V, Instant)>
    where
        K: Clone,
    {
        let mut generations = self.generations();
        if let Some((value, until)) = generations.young.get(key) {
            let kept = (value.clone(), *until);
            return (kept.1 > now).then_some(kept);
        }
        let kept = generations.old.remove(key)?;
        if kept.1 <= now {
            return None;
        }
        generations.insert(key.clone(), kept.clone());
        Some(kept)
    }

    /// Keeps `value` until `until`.
    pub(super) fn insert(&self, key: K, value: V, until: Instant) {
        let mut generations = self.generations();
        generations.old.remove(&key);
        generations.insert(key, (value, until));
    }

    /// How many are kept, those included whose time has come.
    pub(super) fn len(&self) -> usize {
        let generations = self.generations();
        generations.young.len() + generations.old.len()
    }
}

impl<K: Eq + Hash, V> Generations<K, V> {
    fn insert(&mut self, key: K, kept: (V, Instant)) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, kept);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_value_is_kept_until_its_time() {
        let now = Instant::now();
        let cache = Cache::new(10);
        let until = now + Duration::from_secs(5);
        cache.insert("a", 1, until);
        assert_eq!(cache.get(&"a", now), Some((1, until)));
        assert_eq!(cache.get(&"a", until), None);
        assert_eq!(cache.get(&"b", now), None);
        let later = until + Duration::from_secs(1);
        cache.insert("a", 2, later);
        assert_eq!(cache.get(&"a", until), Some((2, later)));
    }

    #[test]
    fn it_never_holds_more_than_its_bound_and_keeps_what_is_used() {
        let now = Instant::now();
        let until = now + Duration::from_secs(5);
        for bound in [2, 3, 100, 1000] {
            let cache = Cache::new(bound);
            cache.insert(0, 0, until);
            for n in 1..10_000 {
                cache.insert(n, n, until);
                assert!(cache.len() <= bound, "{} of {bound}", cache.len());
                assert_eq!(cache.get(&n, now), Some((n, until)));
                if bound > 3 {
                    assert_eq!(cache.get(&0, now), Some((0, until)), "used all the time");
                }
            }
            assert!(cache.len() >= bound / 2);
            assert_eq!(cache.get(&1, now), None, "not used since");
        }
    }

    #[test]
    fn a_smaller_bound_holds_at_once() {
        let until = Instant::now() + Duration::from_secs(5);
        let cache = Cache::new(1000);
        for n in 0..1000 {
            cache.insert(n, n, until);
        }
        cache.resize(100);
        assert!(cache.len() <= 100);
        for n in 0..1000 {
            cache.insert(n, n, until);
            assert!(cache.len() <= 100);
        }
    }
}
