//! How long answers took: durations in, a histogram out.

use std::{
    ops::AddAssign,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// How long answers took.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Latency {
    /// Of all together.
    pub sum: Duration,
    /// How many took no longer than each of [`BOUNDS`](Self::BOUNDS) and longer than the one
    /// before; the last are those that took longer than all.
    pub buckets: [u64; Self::BOUNDS.len() + 1],
}

impl Latency {
    /// The bounds of the buckets.
    pub const BOUNDS: [Duration; 10] = [
        Duration::from_millis(1),
        Duration::from_millis(3),
        Duration::from_millis(10),
        Duration::from_millis(30),
        Duration::from_millis(100),
        Duration::from_millis(200),
        Duration::from_millis(500),
        Duration::from_secs(1),
        Duration::from_secs(2),
        Duration::from_secs(5),
    ];

    /// How many answers there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The mean; `None` without an answer.
    pub fn mean(&self) -> Option<Duration> {
        let count = u32::try_from(self.count()).unwrap_or(u32::MAX);
        self.sum.checked_div(count)
    }
}

impl AddAssign<&Self> for Latency {
    fn add_assign(&mut self, other: &Self) {
        self.sum += other.sum;
        for (bucket, other) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket += other;
        }
    }
}

/// A [`Latency`] that grows; anybody may add to it at any time.
#[derive(Debug, Default)]
pub(crate) struct LatencyCounter {
    micros: AtomicU64,
    buckets: [AtomicU64; Latency::BOUNDS.len() + 1],
}

impl LatencyCounter {
    /// Adds an answer that took `time`.
    pub(crate) fn took(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Relaxed);
        let bucket = Latency::BOUNDS.partition_point(|&bound| bound < time);
        self.buckets[bucket].fetch_add(1, Relaxed);
    }

    /// The histogram of this moment.
    pub(crate) fn counted(&self) -> Latency {
        Latency {
            sum: Duration::from_micros(self.micros.load(Relaxed)),
            buckets: self.buckets.each_ref().map(|bucket| bucket.load(Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_in_the_first_bucket_that_takes_it() {
        let counter = LatencyCounter::default();
        for millis in [0, 1, 2, 5000, 5001] {
            counter.took(Duration::from_millis(millis));
        }
        let told = counter.counted();
        assert_eq!(told.buckets, [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(told.count(), 5);
        assert_eq!(told.sum, Duration::from_millis(10_004));
        assert_eq!(told.mean(), Some(told.sum / 5));
        assert_eq!(Latency::default().mean(), None);
    }
}
