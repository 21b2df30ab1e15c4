//! How zones stand, story by story.

use std::net::Ipv4Addr;

use super::*;

const TIMING: Timing = Timing {
    interval: Duration::from_hours(1),
    pause: Duration::from_hours(2),
};

const LISTS: Why = Why::ListsTestPoint(IpAddr::V4(Ipv4Addr::LOCALHOST));
const EMPTY: Why = Why::MissesTestPoint(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)));
const SILENT: Why = Why::Silent(Failure::Timeout);

/// Tripped over sources that were weighed since then.
const fn tripped(since: Instant) -> Why {
    Why::Tripped(Trip {
        listed: 200,
        of: 200,
        backed: 0,
        since,
    })
}

/// What a step of a story is.
#[derive(Clone, Copy)]
enum Step {
    Test(Test),
    Saw(Why),
    Control(Test),
}

/// How the zone stands after each step, which comes when a test is due (what is seen comes one
/// minute after the step before): `state, minutes until the next test`.
fn story(steps: &[Step]) -> Vec<String> {
    let mut now = Instant::now();
    let mut health = Health::new(now);
    let mut told = Vec::new();
    for step in steps {
        match *step {
            Step::Test(test) => {
                now = health.due();
                health.test(test, now, TIMING);
            }
            Step::Saw(why) => {
                now += Duration::from_mins(1);
                health.saw(why, now, TIMING);
            }
            Step::Control(test) => {
                now += Duration::from_mins(1);
                health.control(test, now, TIMING);
            }
        }
        let state = match health.state() {
            State::Untested => "untested",
            State::InService { .. } => "in service",
            State::Held { why, .. } if why.proves() => "held: proven",
            State::Held { .. } => "held",
        };
        let minutes = health.due().saturating_duration_since(now).as_secs() / 60;
        told.push(format!("{state}, {minutes}"));
    }
    told
}

const PASS: Step = Step::Test(Test::Passed);
const SHED: Step = Step::Test(Test::NotAsked);

const fn fail(why: Why) -> Step {
    Step::Test(Test::Failed(why))
}

fn told(stories: &[(&[Step], &[&str])]) {
    for (steps, expected) in stories {
        assert_eq!(story(steps), *expected);
    }
}

#[test]
fn what_proves_nothing_holds_the_second_time() {
    told(&[
        (&[PASS, PASS], &["in service, 60", "in service, 60"]),
        // Once silent is not held, twice is; two passes in a row bring it back.
        (
            &[
                PASS,
                fail(SILENT),
                PASS,
                fail(SILENT),
                fail(SILENT),
                PASS,
                PASS,
            ],
            &[
                "in service, 60",
                "in service, 5",
                "in service, 60",
                "in service, 5",
                "held, 5",
                "held, 5",
                "in service, 60",
            ],
        ),
        // Different failures that prove nothing count together.
        (
            &[PASS, fail(SILENT), fail(EMPTY)],
            &["in service, 60", "in service, 5", "held, 5"],
        ),
    ]);
}

#[test]
fn what_proves_it_holds_at_once_and_the_start_is_patient() {
    told(&[
        // What proves it holds at once; a failure between the passes begins anew.
        (
            &[PASS, fail(LISTS), PASS, fail(LISTS), PASS, PASS],
            &[
                "in service, 60",
                "held: proven, 5",
                "held: proven, 5",
                "held: proven, 10",
                "held: proven, 5",
                "in service, 60",
            ],
        ),
        // Waits double, up to four intervals.
        (
            &[
                fail(LISTS),
                fail(LISTS),
                fail(LISTS),
                fail(LISTS),
                fail(LISTS),
                fail(LISTS),
                fail(LISTS),
                fail(LISTS),
            ],
            &[
                "held: proven, 5",
                "held: proven, 10",
                "held: proven, 20",
                "held: proven, 40",
                "held: proven, 80",
                "held: proven, 160",
                "held: proven, 240",
                "held: proven, 240",
            ],
        ),
        // Untested, it is asked about nobody; one pass is enough.
        (
            &[SHED, fail(SILENT), PASS],
            &["untested, 0", "untested, 0", "in service, 60"],
        ),
        // Where the network is not there at the start, soon again, and never held for it.
        (
            &[fail(SILENT), fail(SILENT), fail(SILENT), fail(SILENT), PASS],
            &[
                "untested, 0",
                "untested, 1",
                "untested, 2",
                "untested, 4",
                "in service, 60",
            ],
        ),
        (&[fail(EMPTY), fail(EMPTY)], &["untested, 5", "held, 5"]),
        // A test that was not asked tells nothing.
        (
            &[PASS, fail(SILENT), SHED, fail(SILENT)],
            &[
                "in service, 60",
                "in service, 5",
                "in service, 5",
                "held, 5",
            ],
        ),
    ]);
}

#[test]
fn what_answers_and_controls_show() {
    use Step::{Control, Saw};
    let tripped = tripped(Instant::now());
    told(&[
        // What an answer shows holds at once; the breaker for its pause.
        (
            &[PASS, Saw(LISTS), PASS, PASS],
            &[
                "in service, 60",
                "held: proven, 5",
                "held: proven, 5",
                "in service, 60",
            ],
        ),
        (
            &[PASS, Saw(tripped), PASS, PASS],
            &[
                "in service, 60",
                "held: proven, 120",
                "held: proven, 5",
                "in service, 60",
            ],
        ),
        // On hold already, nothing changes.
        (
            &[PASS, Saw(tripped), Saw(LISTS)],
            &["in service, 60", "held: proven, 120", "held: proven, 119"],
        ),
        (&[Saw(LISTS)], &["untested, 0"]),
        // A control that fails holds at once; one without an answer brings the test forward.
        (
            &[PASS, Control(Test::Passed)],
            &["in service, 60", "in service, 59"],
        ),
        (
            &[PASS, Control(Test::Failed(LISTS))],
            &["in service, 60", "held: proven, 5"],
        ),
        (
            &[PASS, Control(Test::Failed(SILENT)), fail(SILENT)],
            &["in service, 60", "in service, 0", "in service, 5"],
        ),
        (
            &[PASS, Control(Test::NotAsked)],
            &["in service, 60", "in service, 59"],
        ),
    ]);
}

#[test]
fn a_reload_tests_again_what_may_be_mended() {
    let now = Instant::now();
    let later = now + Duration::from_secs(1);
    for (why, hurried) in [(LISTS, true), (SILENT, true), (tripped(now), false)] {
        let mut health = Health::new(now);
        health.test(Test::Passed, now, TIMING);
        health.saw(why, now, TIMING);
        let due = health.due();
        health.hurry(later);
        assert_eq!(health.due(), if hurried { later } else { due }, "{why}");
    }
    let mut health = Health::new(now);
    health.test(Test::Passed, now, TIMING);
    health.hurry(later);
    assert_eq!(health.due(), now + TIMING.interval);
}

#[test]
fn a_control_is_good_for_a_while() {
    let now = Instant::now();
    let within = Duration::from_secs(10);
    let mut health = Health::new(now);
    assert!(!health.controlled(now, within));
    health.test(Test::Passed, now, TIMING);
    assert!(health.controlled(now + Duration::from_secs(9), within));
    assert!(!health.controlled(now + within, within));
    health.control(Test::Passed, now + within, TIMING);
    assert!(health.controlled(now + within, within));
    health.saw(LISTS, now + within, TIMING);
    assert!(!health.controlled(now + within, within));
}

#[test]
fn silence_brings_the_next_test_forward() {
    let now = Instant::now();
    let mut health = Health::new(now);
    health.test(Test::Passed, now, TIMING);
    for _ in 1..UNANSWERED {
        assert!(!health.looked_up(false, now));
    }
    health.looked_up(true, now);
    for _ in 1..UNANSWERED {
        assert!(!health.looked_up(false, now));
    }
    assert_eq!(health.due(), now + TIMING.interval);
    assert!(health.looked_up(false, now));
    assert_eq!(health.due(), now);
    // Once: the test will tell.
    assert!(!health.looked_up(false, now));
}

/// Steps, each at a minute.
type Story<'a> = &'a [(u64, Step)];

/// From when on the zone is doubted after these steps, at these minutes, in minutes.
fn doubted(steps: Story<'_>) -> Option<i64> {
    let begun = Instant::now() + Duration::from_hours(100);
    let mut health = Health::new(begun);
    for &(minute, step) in steps {
        let now = begun + Duration::from_mins(minute);
        match step {
            Step::Test(test) => health.test(test, now, TIMING),
            Step::Saw(why) => {
                // The window of the breaker reaches back two days.
                let why = match why {
                    Why::Tripped(trip) => Why::Tripped(Trip {
                        since: now.checked_sub(Duration::from_hours(48)).unwrap(),
                        ..trip
                    }),
                    why => why,
                };
                health.saw(why, now, TIMING)
            }
            Step::Control(test) => health.control(test, now, TIMING),
        };
    }
    let State::Held { doubted, .. } = health.state() else {
        return None;
    };
    let from = doubted?;
    let before = begun.saturating_duration_since(from).as_secs() / 60;
    let after = from.saturating_duration_since(begun).as_secs() / 60;
    Some(after.cast_signed() - before.cast_signed())
}

#[test]
fn from_when_on_a_zone_that_lists_everybody_is_doubted() {
    use Step::{Control, Saw};
    const DAY: u64 = 24 * 60;
    let tripped = tripped(Instant::now());
    let cases: [(Story<'_>, Option<i64>); 10] = [
        // In order an hour ago at least.
        (&[(0, PASS), (90, fail(LISTS))], Some(0)),
        (&[(0, PASS), (80, PASS), (90, fail(LISTS))], Some(30)),
        (
            &[
                (0, PASS),
                (20, Control(Test::Passed)),
                (90, Control(Test::Failed(LISTS))),
            ],
            Some(20),
        ),
        // Not tested for long, or never in order.
        (&[(0, PASS), (90, SHED), (DAY, fail(LISTS))], Some(0)),
        (&[(90, fail(LISTS))], Some(30)),
        // It tripped over sources of two days; a minute more is doubted.
        (&[(0, PASS), (3000, Saw(tripped))], Some(119)),
        // What its tests show later takes nothing of that back.
        (
            &[(0, PASS), (3000, Saw(tripped)), (3120, fail(SILENT))],
            Some(119),
        ),
        (
            &[
                (0, PASS),
                (2999, PASS),
                (3000, Saw(tripped)),
                (3120, fail(LISTS)),
            ],
            Some(119),
        ),
        // On hold for something else first.
        (&[(0, PASS), (60, fail(EMPTY)), (65, fail(EMPTY))], None),
        (
            &[
                (0, PASS),
                (60, fail(EMPTY)),
                (65, fail(EMPTY)),
                (75, fail(LISTS)),
            ],
            Some(0),
        ),
    ];
    for (number, (steps, expected)) in cases.into_iter().enumerate() {
        assert_eq!(doubted(steps), expected, "{number}");
    }
}
