//! Token buckets of one word, for tables that need no lock.
//!
//! The generic cell rate algorithm (ITU-T I.371, annex A): of each source one number is kept, the
//! time at which it has nothing to wait for. A packet that comes earlier than that, by more than a
//! burst allows, is one too many. The number and a mark of the source share a word, which is read
//! and written at once: two CPUs that meet there may let one packet more through, and never mix up
//! two sources.

use bytemuck::{Pod, Zeroable};

/// Bits of the time in a word. What the unit is, the map says.
const TIME_BITS: u32 = 40;
const TIME: u64 = (1 << TIME_BITS) - 1;

/// How often something may happen.
#[derive(Clone, Copy, Debug, Default, Eq, Pod, PartialEq, Zeroable)]
#[repr(C)]
pub struct Rate {
    /// Units of time for each; 0 where there is no rate.
    pub interval: u32,
    /// How many units a source may be ahead: a burst, less its first.
    pub tolerance: u32,
}

/// What came of asking for one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Take {
    /// It may be, and the word becomes this.
    Taken(u64),
    /// It is one too many.
    Spent,
    /// The word is another source's, which has something to wait for still; for this one to begin in
    /// its place, the word becomes this.
    Others(u64),
}

impl Rate {
    /// `count` in `units` of time, and as many at once. A rate that is too fast for the unit is
    /// one a unit.
    #[must_use]
    pub const fn new(count: u32, units: u32) -> Self {
        if count == 0 {
            return Self {
                interval: 0,
                tolerance: 0,
            };
        }
        let interval = if count > units { 1 } else { units / count };
        Self {
            interval,
            tolerance: interval.saturating_mul(count - 1),
        }
    }

    /// Takes one at `now` for the source with that `mark` (its lower 24 bits count), of the bucket
    /// that `word` is.
    #[must_use]
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a few instructions")]
    pub const fn take(self, word: u64, mark: u64, now: u64) -> Take {
        let mark = mark << TIME_BITS;
        let most = self.interval as u64 + self.tolerance as u64;
        let now = now & TIME;
        let ahead = (word & TIME).wrapping_sub(now) & TIME;
        // A time that is past shows as one far ahead; so does one of a clock that has gone round.
        let ahead = if ahead > most { 0 } else { ahead };
        let fresh = mark | (now + self.interval as u64) & TIME;
        if word & !TIME != mark {
            return if ahead == 0 {
                Take::Taken(fresh)
            } else {
                Take::Others(fresh)
            };
        }
        if ahead > self.tolerance as u64 {
            return Take::Spent;
        }
        Take::Taken(mark | (now + ahead + self.interval as u64) & TIME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: u64 = 0x00ab_cdef;

    /// What becomes of one at each of `times`, by the same source.
    fn taken(rate: Rate, times: &[u64]) -> [bool; 8] {
        let mut word = 0;
        let mut taken = [false; 8];
        for (&now, taken) in times.iter().zip(&mut taken) {
            if let Take::Taken(next) | Take::Others(next) = rate.take(word, MARK, now) {
                word = next;
                *taken = true;
            }
        }
        taken
    }

    #[test]
    fn a_burst_then_one_by_one() {
        // Three in 30 units.
        let rate = Rate::new(3, 30);
        for (times, expected) in [
            (
                [100; 8],
                [true, true, true, false, false, false, false, false],
            ),
            (
                [100, 100, 100, 109, 110, 110, 119, 120],
                [true, true, true, false, true, false, false, true],
            ),
            // The clock goes round: its 40 bits, and the 64 that it is cut from.
            (
                [
                    TIME,
                    TIME,
                    TIME,
                    TIME,
                    TIME + 10,
                    TIME + 11,
                    TIME + 40,
                    TIME + 40,
                ],
                [true, true, true, false, true, false, true, true],
            ),
            // Long after, whatever is in the word is past.
            (
                [0, 0, 0, TIME / 2, TIME / 2, TIME / 2, TIME / 2, TIME],
                [true, true, true, true, true, true, false, true],
            ),
        ] {
            assert_eq!(taken(rate, &times), expected, "{times:?}");
        }
    }

    #[test]
    fn another_source_is_told_apart() {
        let rate = Rate::new(1, 100);
        let Take::Taken(word) = rate.take(0, MARK, 1000) else {
            panic!("the first is taken");
        };
        assert_eq!(rate.take(word, MARK, 1050), Take::Spent);
        assert!(matches!(rate.take(word, 1, 1050), Take::Others(_)));
        assert!(matches!(rate.take(word, 1, 1100), Take::Taken(_)));
        // Of a mark, 24 bits count.
        assert_eq!(rate.take(word, MARK | 1 << 24, 1050), Take::Spent);
    }

    #[test]
    fn a_rate_that_is_too_fast_for_its_unit_is_one_a_unit() {
        for (count, units, interval, tolerance) in [
            (0, 5, 0, 0),
            (1, 3_600_000, 3_600_000, 0),
            (60, 60_000, 1000, 59_000),
            (7, 3, 1, 6),
        ] {
            let expected = Rate {
                interval,
                tolerance,
            };
            assert_eq!(Rate::new(count, units), expected, "{count}/{units}");
        }
    }
}
