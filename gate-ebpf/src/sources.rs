//! The table of sources and what is counted of them.
//!
//! In: a source that opened or closed a connection, or what userspace knows better. Out: its count,
//! and the limits that it reached. All of it under the lock of its bucket, where nothing may be
//! called.

use aya_ebpf::helpers::generated::{bpf_spin_lock, bpf_spin_unlock};
use gate_common::{Bucket, Config, Correction, Count, Limits, Source, WAYS};

use crate::maps;

/// What a connection that opened made of its source's count.
pub struct Opened {
    /// Connections that are open now.
    pub open: u32,
    /// Connections opened in the window.
    pub opened: u32,
    /// Whether it is the first, and the source has not been reported this second.
    pub is_first: bool,
    /// Whether the source has reached a limit, and that has not been reported this second.
    pub reached: Reached,
}

/// The limits that a source has just reached.
#[derive(Clone, Copy, Default)]
pub struct Reached {
    /// Connections open at once.
    pub connections: bool,
    /// Connections opened in the window.
    pub rate: bool,
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
        // `changes` goes on: whoever knows the former source's takes it for no one's.
        unsafe {
            (&raw mut (*self.0).sources)
                .cast::<Source>()
                .add(way)
                .write_volatile(source);
            (&raw mut (*count).open).write_volatile(0);
            (&raw mut (*count).until).write_volatile(0);
            (&raw mut (*count).opened).write_volatile(0);
            (&raw mut (*count).told).write_volatile(0);
            (&raw mut (*count).reached).write_volatile(0);
        }
        Some(count)
    }
}

/// Adds connections opened at `now` to the window of `count`.
///
/// # Safety
///
/// `count` is a count whose bucket is locked.
#[inline(always)]
unsafe fn add_opened(count: *mut Count, more: u32, limits: &Limits, now: u64) {
    // SAFETY: the caller's.
    unsafe {
        if now >= (*count).until {
            (*count).until = now + u64::from(limits.window) * 1_000_000;
            (*count).opened = 0;
        }
        (*count).opened += more;
    }
}

/// Whether `before` connections were under `limit` (0 for none), and `now` are not.
#[inline(always)]
const fn reaches(before: u32, now: u32, limit: u32) -> bool {
    limit != 0 && before < limit && now >= limit
}

/// Counts a connection that opened at `now`; `None` where there is no room for its source.
#[inline(always)]
pub fn opened(config: &Config, limits: &Limits, source: Source, now: u64) -> Option<Opened> {
    let second = second(now);
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
        add_opened(count, 1, limits, now);
        let (open, opened) = ((*count).open, (*count).opened);
        let is_first = open == 1 && (*count).told != second;
        if is_first {
            (*count).told = second;
        }
        let mut reached = Reached {
            connections: reaches(open - 1, open, limits.connections),
            rate: reaches(opened - 1, opened, limits.rate),
        };
        if (*count).reached == second {
            reached = Reached::default();
        } else if reached.connections || reached.rate {
            (*count).reached = second;
        }
        Opened {
            open,
            opened,
            is_first,
            reached,
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

/// Sets a count, if nothing has happened to it since userspace looked; see [`Correction`].
#[inline(always)]
pub fn correct(config: &Config, limits: &Limits, correction: &Correction, now: u64) -> u32 {
    let source = correction.source;
    let Some(bucket) = Locked::of(config, source) else {
        return Correction::NO_ROOM;
    };
    let found = bucket.find(source);
    let known = match found {
        // SAFETY: under the lock.
        Some(count) => correction.absent == 0 && unsafe { (*count).changes } == correction.changes,
        None => correction.absent != 0,
    };
    let answer = if !known {
        Correction::CHANGED
    } else if let Some(count) = found.or_else(|| bucket.admit(source)) {
        // SAFETY: under the lock.
        unsafe {
            let before = (*count).open;
            (*count).open = correction.open;
            (*count).changes += 1;
            let mut answer = Correction::DONE;
            if reaches(before, correction.open, limits.connections) {
                answer |= Correction::CONNECTIONS;
            }
            if correction.opened != 0 {
                add_opened(count, correction.opened, limits, now);
                let opened = (*count).opened;
                if reaches(opened - correction.opened, opened, limits.rate) {
                    answer |= Correction::RATE;
                }
            }
            answer
        }
    } else {
        Correction::NO_ROOM
    };
    bucket.unlock();
    answer
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

/// The count of `source`, without the lock: for who only looks, or notes when it was reported.
#[inline(always)]
pub fn look(config: &Config, source: Source) -> Option<*mut Count> {
    let bucket = Locked(maps::SOURCES.get_ptr_mut(source.bucket(config.buckets))?);
    bucket.find(source)
}

/// The second of the kernel's monotonic clock.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "it wraps after 136 years")]
pub const fn second(now: u64) -> u32 {
    (now / 1_000_000_000) as u32
}
