//! A count over the last so-and-so long, in two numbers.

use std::time::Duration;

/// What happened in the current window, and in the one before. The count of any moment takes of the
/// one before as large a part as still lies within the time: exact if that was spread evenly, and
/// never more than what both hold.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Window {
    /// Which window it is, counted in windows.
    number: u64,
    current: u32,
    former: u32,
}

impl Window {
    /// Counts `change` more, or fewer, at `now`; the window lasts `length`.
    pub(crate) fn add(&mut self, change: i64, length: Duration, now: Duration) {
        *self = self.at(length, now);
        let current = i64::from(self.current).saturating_add(change).max(0);
        self.current = u32::try_from(current).unwrap_or(u32::MAX);
    }

    /// How many in the `length` before `now`.
    pub(crate) fn count(self, length: Duration, now: Duration) -> u32 {
        let window = self.at(length, now);
        let length = millis(length);
        let left = length - millis(now) % length;
        let former = u128::from(window.former) * u128::from(left) / u128::from(length);
        let former = u32::try_from(former).unwrap_or(u32::MAX);
        window.current.saturating_add(former)
    }

    /// The window as it is at `now`.
    fn at(self, length: Duration, now: Duration) -> Self {
        let number = millis(now) / millis(length);
        match number.checked_sub(self.number) {
            Some(0) => self,
            Some(1) => Self {
                number,
                current: 0,
                former: self.current,
            },
            // Long ago, or numbered by another length before a reload.
            _ => Self {
                number,
                current: 0,
                former: 0,
            },
        }
    }
}

/// In milliseconds, one at least.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis())
        .unwrap_or(u64::MAX)
        .max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn what_was_counted_fades() {
        let mut window = Window::default();
        let at = Duration::from_secs;
        window.add(60, MINUTE, at(3600));
        for (now, count) in [
            (3600, 60),
            (3659, 60),
            (3660, 60),
            (3690, 30),
            (3719, 1),
            (3720, 0),
            (9999, 0),
        ] {
            assert_eq!(window.count(MINUTE, at(now)), count, "{now}");
        }
        window.add(10, MINUTE, at(3690));
        assert_eq!(window.count(MINUTE, at(3690)), 40);
        window.add(-100, MINUTE, at(3690));
        assert_eq!(window.count(MINUTE, at(3690)), 30);
    }

    proptest! {
        /// It counts what happened in the last minute at least in half, and nothing older than two.
        #[test]
        fn it_is_near_to_what_happened(times in prop::collection::vec(0_u64..600, 1..100)) {
            let mut times = times;
            times.sort_unstable();
            let mut window = Window::default();
            for time in &times {
                window.add(1, MINUTE, Duration::from_secs(*time));
            }
            let now = *times.last().unwrap();
            let count = window.count(MINUTE, Duration::from_secs(now));
            let within = |length| times.iter().filter(|time| *time + length > now).count();
            prop_assert!(count as usize <= within(120));
            let of_this_window = times.iter().filter(|time| *time / 60 == now / 60).count();
            prop_assert!(count as usize >= of_this_window);
        }

        #[test]
        fn no_numbers_panic(changes in prop::collection::vec((any::<i64>(), 0..u64::MAX / 1000, 1_u64..1000), 0..20)) {
            let mut window = Window::default();
            for (change, now, length) in changes {
                let (length, now) = (Duration::from_secs(length), Duration::from_secs(now));
                window.add(change, length, now);
                let _ = window.count(length, now);
            }
        }
    }
}
