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
    /// It may be; the word becomes this.
    Taken(u64),
    /// It is one too many.
    Spent,
    /// The word is another source's, and that has something to wait for still; this is the word
    /// that begins anew.
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
