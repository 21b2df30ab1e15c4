//! The table of sources and what is counted of them.
//!
//! In: a source that opened or closed a connection. Out: its count. All of it under the lock of
//! its bucket, where nothing may be called.

use aya_ebpf::helpers::generated::{bpf_spin_lock, bpf_spin_unlock};
use gate_common::{Bucket, Config, Count, Source, WAYS};

use crate::maps;

/// What a connection that opened made of its source's count.
pub struct Opened {
    /// Connections that are open now.
    pub open: u32,
    /// Whether it is the first, and the source has not been reported this second.
    pub is_first: bool,
}

/// A bucket, locked.
struct Locked(*mut Bucket);

impl Locked {
    /// The bucket of `source`.
    #[inline(always)]
    fn of(config: &Config, source: Source) -> Option<Self> {
        let bucket = maps::SOURCES.get_ptr_mut(source.bucket(config.buckets))?;
        // SAFETY: the element lives as long as its map, and has its lock at its beginning.
        unsafe { bpf_spin_lock((&raw mut (*bucket).lock).cast()) };
        Some(Self(bucket))
    }

    #[inline(always)]
    fn unlock(self) {
        // SAFETY: it is locked.
        unsafe { bpf_spin_unlock((&raw mut (*self.0).lock).cast()) };
    }

    #[inline(always)]
    fn source(&self, way: usize) -> Source {
        // SAFETY: `way` is below WAYS; nobody else writes while this holds the lock.
        unsafe {
            (&raw const (*self.0).sources)
                .cast::<Source>()
                .add(way)
                .read_volatile()
        }
    }

    #[inline(always)]
    fn count(&self, way: usize) -> *mut Count {
        // SAFETY: as in `source`.
        unsafe { (&raw mut (*self.0).counts).cast::<Count>().add(way) }
    }

    /// Where `source` is.
    #[inline(always)]
    fn find(&self, source: Source) -> Option<*mut Count> {
        for way in 0..WAYS {
            if self.source(way) == source {
                return Some(self.count(way));
            }
        }
        None
    }

    /// Gives `source` a place: a free one, or that of the source without open connections whose
    /// window ended first.
    #[inline(always)]
    fn admit(&self, source: Source) -> Option<*mut Count> {
        let mut place = None;
        let mut oldest = u64::MAX;
        for way in 0..WAYS {
            let count = self.count(way);
            // SAFETY: under the lock.
            let (open, until) = unsafe { ((*count).open, (*count).until) };
            if open == 0 && until < oldest {
                oldest = until;
                place = Some(way);
            }
        }
        let way = place?;
        let count = self.count(way);
        // SAFETY: under the lock. Word by word: nothing may be called, and a copy may be a call.
        unsafe {
            (&raw mut (*self.0).sources)
                .cast::<Source>()
                .add(way)
                .write_volatile(source);
            (&raw mut (*count).open).write_volatile(0);
            (&raw mut (*count).until).write_volatile(0);
            (&raw mut (*count).opened).write_volatile(0);
            (&raw mut (*count).reported).write_volatile(0);
        }
        Some(count)
    }
}

/// Counts a connection that opened at `now`; `None` where there is no room for its source.
#[inline(always)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "seconds may wrap after 136 years"
)]
pub fn opened(config: &Config, source: Source, now: u64) -> Option<Opened> {
    let second = (now / 1_000_000_000) as u32;
    let window = u64::from(config.limits.window) * 1_000_000;
    let bucket = Locked::of(config, source)?;
    let place = bucket.find(source).or_else(|| bucket.admit(source));
    let Some(count) = place else {
        // SAFETY: under the lock.
        unsafe { (*bucket.0).uncounted += 1 };
        bucket.unlock();
        return None;
    };
    // SAFETY: under the lock.
    let opened = unsafe {
        (*bucket.0).opened += 1;
        (*count).open += 1;
        (*count).changes += 1;
        if now >= (*count).until {
            (*count).until = now + window;
            (*count).opened = 0;
        }
        (*count).opened += 1;
        let is_first = (*count).open == 1 && (*count).reported != second;
        if is_first {
            (*count).reported = second;
        }
        Opened {
            open: (*count).open,
            is_first,
        }
    };
    bucket.unlock();
    Some(opened)
}

/// Counts a connection off.
#[inline(always)]
pub fn closed(config: &Config, source: Source) {
    let Some(bucket) = Locked::of(config, source) else {
        return;
    };
    if let Some(count) = bucket.find(source) {
        // SAFETY: under the lock.
        unsafe {
            (*bucket.0).closed += 1;
            (*count).open -= u32::from((*count).open != 0);
            (*count).changes += 1;
        }
    }
    bucket.unlock();
}

/// Notes that a connection of `source` is not counted.
#[inline(always)]
pub fn uncounted(config: &Config, source: Source) {
    if let Some(bucket) = Locked::of(config, source) {
        // SAFETY: under the lock.
        unsafe { (*bucket.0).uncounted += 1 };
        bucket.unlock();
    }
}

/// Notes that a report about `source` found no room.
#[inline(always)]
pub fn lost(config: &Config, source: Source) {
    if let Some(bucket) = Locked::of(config, source) {
        // SAFETY: under the lock.
        unsafe { (*bucket.0).lost += 1 };
        bucket.unlock();
    }
}
