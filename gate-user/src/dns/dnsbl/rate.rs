//! How often something happens: its count over the last minute.

use std::time::{Duration, Instant};

/// A minute, in slots.
const SLOTS: usize = 6;
const SLOT: Duration = Duration::from_secs(10);

/// Counts over the last minute, to a slot of ten seconds.
#[derive(Debug)]
pub(super) struct Rate {
    /// When the slot that is counted in began.
    began: Instant,
    /// That slot first.
    slots: [u64; SLOTS],
}

impl Rate {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            began: now,
            slots: [0; SLOTS],
        }
    }

    pub(super) fn count(&mut self, now: Instant) {
        self.turn(now);
        self.slots[0] += 1;
    }

    /// The count of the minute before `now`.
    pub(super) fn per_minute(&mut self, now: Instant) -> u64 {
        self.turn(now);
        self.slots.iter().sum()
    }

    fn turn(&mut self, now: Instant) {
        let mut turned = 0;
        while now.saturating_duration_since(self.began) >= SLOT {
            if turned == SLOTS {
                // All of it is older than a minute.
                self.began = now;
                return;
            }
            self.slots.rotate_right(1);
            self.slots[0] = 0;
            self.began += SLOT;
            turned += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_counted() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut rate = Rate::new(start);
        for second in 0..120 {
            rate.count(after(second));
        }
        for (second, expected) in [(119, 60), (130, 40), (169, 10), (179, 0), (9999, 0)] {
            assert_eq!(rate.per_minute(after(second)), expected, "{second}");
        }
        rate.count(after(10_000));
        assert_eq!(rate.per_minute(after(10_000)), 1);
    }
}
