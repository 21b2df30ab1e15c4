//! When a flood begins and ends, second by second.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn tick(syns: u64, overflows: u64) -> Tick {
    Tick {
        elapsed: SECOND,
        syns,
        overflows: Some(overflows),
    }
}

/// In which second, counted from 1, a flood begins for what cause, or ends, when `seconds` come one
/// after the other.
fn turns(
    detector: &mut Detector,
    config: &FloodConfig,
    seconds: impl IntoIterator<Item = Tick>,
) -> Vec<(usize, Option<Cause>)> {
    let told = seconds.into_iter().enumerate().filter_map(|(at, tick)| {
        let former = detector.cause();
        detector.step(tick, config);
        let cause = detector.cause();
        (cause != former).then_some((at + 1, cause))
    });
    told.collect()
}

/// `(seconds, SYNs, overflows)` each second.
fn course(parts: &[(usize, u64, u64)]) -> Vec<Tick> {
    let part = |&(seconds, syns, overflows): &_| vec![tick(syns, overflows); seconds];
    parts.iter().flat_map(part).collect()
}

#[test]
fn when_a_flood_begins_and_ends() {
    use Cause::{Overflows, Syns};
    // The defaults: 1000 SYNs a second for 10 s, or 10 overflows; below 250 for 60 s.
    let config = FloodConfig::default();
    for (what, parts, expected) in [
        ("an idle machine", &[(300, 0, 0)][..], vec![]),
        ("a busy mail server", &[(300, 900, 0)], vec![]),
        ("just below", &[(300, 999, 0)], vec![]),
        // Full from the fifth second on, and then for ten.
        ("just enough", &[(300, 1000, 0)], vec![(14, Some(Syns))]),
        (
            "a million a second",
            &[(20, 1_000_000, 0)],
            vec![(10, Some(Syns))],
        ),
        (
            "nine seconds of it",
            &[(60, 100, 0), (9, 1000, 0), (60, 100, 0)],
            vec![],
        ),
        (
            "one burst of any size",
            &[(20, 0, 0), (1, u64::MAX, 0), (60, 0, 0)],
            vec![],
        ),
        (
            "bursts apart",
            &[(1, 9000, 0), (9, 0, 0), (1, 9000, 0), (9, 0, 0)],
            vec![],
        ),
        (
            "it goes, and ends a minute after it went under a quarter",
            &[(20, 5000, 0), (100, 0, 0)],
            vec![(10, Some(Syns)), (84, None)],
        ),
        (
            "it sinks to what would not begin one",
            &[(20, 5000, 0), (300, 500, 0)],
            vec![(10, Some(Syns))],
        ),
        (
            "it pauses for less than a minute",
            &[(20, 5000, 0), (50, 0, 0), (20, 5000, 0), (50, 0, 0)],
            vec![(10, Some(Syns))],
        ),
        ("another service overflows", &[(300, 100, 500)], vec![]),
        ("the mail server hangs", &[(300, 0, 500)], vec![]),
        (
            "the mail server does not keep up",
            &[(20, 400, 50)],
            vec![(13, Some(Overflows))],
        ),
        (
            "it catches up, and SYNs stay",
            &[(20, 400, 50), (300, 400, 0)],
            vec![(13, Some(Overflows))],
        ),
        (
            "a queue that was full for a moment",
            &[(60, 400, 0), (2, 400, 50), (60, 400, 0)],
            vec![],
        ),
    ] {
        let found = turns(&mut Detector::new(None), &config, course(parts));
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn overflows_may_be_left_out() {
    let config = FloodConfig {
        enter_overflows: 0,
        ..FloodConfig::default()
    };
    let found = turns(
        &mut Detector::new(None),
        &config,
        course(&[(300, 400, 500)]),
    );
    assert_eq!(found, []);
}

#[test]
fn without_the_kernels_word_on_overflows_syns_decide() {
    let config = FloodConfig::default();
    let mut detector = Detector::new(None);
    let untold = Tick {
        overflows: None,
        ..tick(1000, 0)
    };
    let found = turns(&mut detector, &config, vec![untold; 20]);
    assert_eq!(found, [(14, Some(Cause::Syns))]);
    let expected = Rates {
        syns: 1000,
        overflows: None,
    };
    assert_eq!(detector.rates(), expected);
}

#[test]
fn a_flood_that_was_under_way_ends_like_any_other() {
    let config = FloodConfig::default();
    let mut detector = Detector::new(Some(Cause::Overflows));
    assert_eq!(detector.cause(), Some(Cause::Overflows));
    let found = turns(&mut detector, &config, course(&[(100, 0, 0)]));
    assert_eq!(found, [(60, None)]);
    assert_eq!(detector.cause(), None);
}

#[test]
fn looks_that_come_late_are_no_flood() {
    let config = FloodConfig::default();
    let late = |syns| Tick {
        elapsed: SECOND * 30,
        ..tick(syns, 0)
    };
    let mut detector = Detector::new(None);
    let found = turns(&mut detector, &config, [late(29_999), late(29_999)]);
    assert_eq!(found, []);
    assert_eq!(detector.rates().syns, 999);
    assert_eq!(
        turns(&mut detector, &config, [late(30_000)]),
        [(1, Some(Cause::Syns))]
    );
}

#[test]
fn a_rate_is_the_mean_of_the_window() {
    let config = FloodConfig::default();
    let mut detector = Detector::new(None);
    for (syns, rate) in [
        (500, 100),
        (500, 200),
        (0, 200),
        (0, 200),
        (0, 200),
        (0, 100),
    ] {
        detector.step(tick(syns, 0), &config);
        assert_eq!(detector.rates().syns, rate);
    }
}

prop_compose! {
    /// Any thresholds that a configuration can hold, within what a test can wait for.
    fn thresholds()(
        enter_syns in 2u32..5000,
        share in 0.01..1.0,
        enter_overflows in 0u32..100,
        enter in 1u64..20,
        leave in 1u64..90,
    ) -> FloodConfig {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a u32")]
        let leave_syns = ((f64::from(enter_syns) * share) as u32).clamp(1, enter_syns - 1);
        FloodConfig {
            enter_syns,
            leave_syns,
            enter_overflows,
            enter_after: SECOND * u32::try_from(enter).unwrap_or(1),
            leave_after: SECOND * u32::try_from(leave).unwrap_or(1),
            ..FloodConfig::default()
        }
    }
}

fn seconds(duration: Duration) -> usize {
    usize::try_from(duration.as_secs()).unwrap_or(usize::MAX)
}

proptest! {
    #[test]
    fn turns_alternate_and_keep_their_distance(
        config in thresholds(),
        course in prop::collection::vec((0u64..20_000, 0u64..200), 0..400),
    ) {
        let ticks = course.into_iter().map(|(syns, overflows)| tick(syns, overflows));
        let mut last = (0, None);
        for (at, turn) in turns(&mut Detector::new(None), &config, ticks) {
            let distance = match (last.1, turn) {
                (None, Some(_)) => config.enter_after,
                (Some(_), None) => config.leave_after,
                _ => return Err(TestCaseError::fail(format!("{turn:?} twice"))),
            };
            prop_assert!(at - last.0 >= seconds(distance), "{:?} to {turn:?} at {at}", last);
            last = (at, turn);
        }
    }

    #[test]
    fn less_than_leave_syns_is_never_a_flood_and_ends_any(
        config in thresholds(),
        course in prop::collection::vec((0.0..1.0, 0u64..1_000_000), 100..200),
    ) {
        let ticks = |leave: u32| course.iter().map(move |&(share, overflows)| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a u32")]
            let syns = (f64::from(leave) * share) as u64;
            tick(syns.min(u64::from(leave) - 1), overflows)
        });
        let calm = turns(&mut Detector::new(None), &config, ticks(config.leave_syns));
        prop_assert_eq!(calm, []);
        let mut flooded = Detector::new(Some(Cause::Syns));
        let ended = turns(&mut flooded, &config, ticks(config.leave_syns));
        prop_assert_eq!(ended, [(seconds(config.leave_after), None)]);
    }

    #[test]
    fn a_lasting_flood_begins_in_time_and_does_not_end(
        config in thresholds(),
        course in prop::collection::vec(0u64..100_000, 100..200),
    ) {
        let ticks = course.iter().map(|more| tick(u64::from(config.enter_syns) + more, 0));
        let found = turns(&mut Detector::new(None), &config, ticks);
        let soon = seconds(config.enter_after);
        prop_assert_eq!(found.len(), 1);
        prop_assert!((soon..soon + seconds(WINDOW)).contains(&found[0].0), "{found:?}");
    }

    #[test]
    fn one_burst_is_no_flood(
        config in thresholds(),
        burst: u64,
        at in 0usize..60,
    ) {
        prop_assume!(config.enter_after > WINDOW);
        let mut ticks = course(&[(120, 0, 0)]);
        ticks[at] = tick(burst, burst);
        prop_assert_eq!(turns(&mut Detector::new(None), &config, ticks), []);
    }
}
