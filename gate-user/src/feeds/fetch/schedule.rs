//! When a list is fetched next: pure.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use super::FetchError;

/// The pause after the first failure, where the server was not even reached.
const RETRY: Duration = Duration::from_mins(1);
/// The longest that a server may have itself left alone, by `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// How often a list may be fetched.
#[derive(Clone, Copy, Debug)]
pub(in crate::feeds) struct Pace {
    /// As configured.
    pub(in crate::feeds) interval: Duration,
    /// The least between two fetches that reach the server.
    pub(in crate::feeds) floor: Duration,
}

impl Pace {
    /// The pause after a list came, `chance` (0 to 1) of a tenth longer than the interval: so that
    /// not all gates ask at once.
    pub(in crate::feeds) fn after_a_list(self, chance: f64) -> Duration {
        self.interval.max(self.floor).mul_f64(1.0 + chance / 10.0)
    }

    /// The pause after so many failures (1 and more) one behind the other, the last of which was
    /// `error`: doubled each time up to the interval, and as long as the server asks for.
    pub(in crate::feeds) fn after_a_failure(
        self,
        failures: u32,
        error: &FetchError,
        chance: f64,
    ) -> Duration {
        let first = if error.reached_the_server() {
            self.floor
        } else {
            RETRY
        };
        let doublings = failures.saturating_sub(1).min(16);
        let pause = first
            .saturating_mul(1 << doublings)
            .min(self.interval.max(first));
        let asked = error.retry_after().unwrap_or_default().min(MAX_RETRY_AFTER);
        pause.max(asked).mul_f64(1.0 + chance / 10.0)
    }
}

/// A number from 0 to 1, another one each time.
pub(in crate::feeds) fn chance() -> f64 {
    // The keys of each hasher are random.
    let random = RandomState::new().hash_one(());
    f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn pace(interval: Duration, floor: Duration) -> Pace {
        Pace { interval, floor }
    }

    fn minutes(minutes: u64) -> Duration {
        Duration::from_mins(minutes)
    }

    fn unreachable() -> FetchError {
        FetchError::NoAnswer {
            why: "connection refused".to_owned(),
        }
    }

    fn status(retry_after: Option<Duration>) -> FetchError {
        FetchError::Status {
            status: StatusCode::SERVICE_UNAVAILABLE,
            retry_after,
        }
    }

    #[test]
    fn a_list_is_fetched_again_after_its_interval_and_up_to_a_tenth_more() {
        let pace = pace(6 * HOUR, minutes(10));
        assert_eq!(pace.after_a_list(0.0), 6 * HOUR);
        assert_eq!(pace.after_a_list(1.0), 6 * HOUR + minutes(36));
        // Whatever is configured.
        let hasty = Pace {
            interval: Duration::from_secs(1),
            floor: HOUR,
        };
        assert_eq!(hasty.after_a_list(0.0), HOUR);
    }

    #[test]
    fn failures_are_repeated_at_ever_longer_pauses() {
        let pace = pace(6 * HOUR, minutes(10));
        for (error, expected) in [
            (unreachable(), [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]),
            (
                status(None),
                [10, 20, 40, 80, 160, 320, 360, 360, 360, 360, 360],
            ),
        ] {
            for (failures, expected) in (1..).zip(expected) {
                let pause = pace.after_a_failure(failures, &error, 0.0);
                assert_eq!(pause, minutes(expected), "{error} {failures}");
            }
            let pause = pace.after_a_failure(u32::MAX, &error, 1.0);
            assert_eq!(pause, minutes(396), "{error}");
        }
    }

    #[test]
    fn a_failure_reaches_the_server_no_sooner_than_its_floor() {
        let spamhaus = pace(HOUR, HOUR);
        assert_eq!(spamhaus.after_a_failure(1, &status(None), 0.0), HOUR);
        assert_eq!(spamhaus.after_a_failure(9, &status(None), 0.0), HOUR);
        assert_eq!(spamhaus.after_a_failure(1, &unreachable(), 0.0), minutes(1));
        assert_eq!(spamhaus.after_a_failure(9, &unreachable(), 0.0), HOUR);
    }

    #[test]
    fn a_server_may_ask_for_a_longer_pause_but_not_for_any() {
        let pace = pace(6 * HOUR, minutes(10));
        for (asked, expected) in [
            (Duration::ZERO, minutes(10)),
            (minutes(5), minutes(10)),
            (8 * HOUR, 8 * HOUR),
            (Duration::MAX, 24 * HOUR),
        ] {
            let pause = pace.after_a_failure(1, &status(Some(asked)), 0.0);
            assert_eq!(pause, expected, "{asked:?}");
        }
    }

    #[test]
    fn chance_is_a_share_and_varies() {
        let drawn: Vec<f64> = (0..100).map(|_| chance()).collect();
        assert!(drawn.iter().all(|share| (0.0..=1.0).contains(share)));
        assert!(drawn.iter().any(|share| *share < 0.5));
        assert!(drawn.iter().any(|share| *share > 0.5));
    }
}
