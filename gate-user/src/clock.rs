//! Times in whole seconds, as the store keeps them and everybody shows them.

use jiff::Timestamp;

/// Now.
pub(crate) fn now() -> Timestamp {
    second_down(Timestamp::now())
}

/// The whole second that `at` is in.
pub(crate) fn second_down(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// The whole second that `at` is, or the next.
pub(crate) fn second_up(at: Timestamp) -> Timestamp {
    let second = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}
