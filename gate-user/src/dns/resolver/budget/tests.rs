//! What a line lets through, without a clock, and that it calls those who wait, with one.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn limits(per_second: u32, at_once: u32, wait: Duration) -> Limits {
    Limits {
        per_second,
        at_once,
        wait,
    }
}

/// Who arrives when, since the beginning, and how long it is under way.
type Guest = (Duration, Urgency, Duration);

/// What became of guests.
#[derive(Default)]
struct Outcome {
    /// When they went, in that order, and how urgent they were.
    went: Vec<(Duration, Urgency)>,
    refused: Vec<Limit>,
    most_waiting: usize,
    most_under_way: u32,
}

/// Lets guests arrive at a line, in order of time, and serves it as a [`Line`] would.
fn serve(limits: Limits, guests: &[Guest]) -> Outcome {
    let begin = Instant::now();
    let mut state: State<usize> = State::new(limits);
    let mut outcome = Outcome::default();
    // When those under way are back.
    let mut back: Vec<Duration> = Vec::new();
    let mut arriving = guests.iter().enumerate().peekable();
    loop {
        let look = state
            .look_again()
            .map(|at| at.saturating_duration_since(begin));
        let home = back.iter().min().copied();
        let arrival = arriving.peek().map(|(_, guest)| guest.0);
        let Some(now) = [look, home, arrival].into_iter().flatten().min() else {
            return outcome;
        };
        if home == Some(now) {
            back.retain(|&at| at > now);
            state.under_way = u32::try_from(back.len()).unwrap();
        } else if look != Some(now)
            && let Some((i, &(_, urgency, long))) = arriving.next()
        {
            match state.arrive(begin + now, urgency) {
                Arrival::Go => {
                    outcome.went.push((now, urgency));
                    back.push(now + long);
                }
                Arrival::Wait => state.waiting(urgency).push_back(i),
                Arrival::Refused(limit) => outcome.refused.push(limit),
            }
        }
        while let Some(i) = state.call(begin + now, |_| true) {
            outcome.went.push((now, guests[i].1));
            back.push(now + guests[i].2);
        }
        let waiting = state.door.len() + state.background.len();
        outcome.most_waiting = outcome.most_waiting.max(waiting);
        outcome.most_under_way = outcome.most_under_way.max(state.under_way);
    }
}

/// The most that went in a second, wherever it begins.
fn most_in_a_second(went: &[(Duration, Urgency)]) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (last, &(at, _)) in went.iter().enumerate() {
        while went[first].0 + SECOND <= at {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

#[test]
fn ten_thousand_a_second_see_no_more_than_the_rate() {
    let guests: Vec<Guest> = (0..50_000)
        .map(|n| {
            (
                Duration::from_micros(100) * n,
                Urgency::Background,
                Duration::from_millis(20),
            )
        })
        .collect();
    for rate in [1, 2, 9, 10, 11, 50, 200, 1000, 7777] {
        let outcome = serve(limits(rate, u32::MAX, 2 * SECOND), &guests);
        assert!(most_in_a_second(&outcome.went) <= rate as usize, "{rate}");
        // Five seconds, and the two for which some have waited.
        let went = outcome.went.len();
        assert!(
            went * 100 >= (7 * rate * 89) as usize,
            "{went} of {rate} a second"
        );
        assert!(outcome.most_waiting <= 2 * rate as usize, "{rate}");
        assert_eq!(
            went + outcome.refused.len(),
            guests.len(),
            "everybody is told"
        );
    }
}

#[test]
fn what_is_under_way_is_bounded_too() {
    let guests: Vec<Guest> = (0..5000)
        .map(|n| (Duration::from_millis(1) * n, Urgency::Background, SECOND))
        .collect();
    let outcome = serve(limits(1000, 7, SECOND), &guests);
    assert_eq!(outcome.most_under_way, 7);
    assert!(outcome.refused.iter().all(|&limit| limit == Limit::AtOnce));
    assert!(outcome.most_waiting <= 1000);
}

#[test]
fn one_alone_never_waits() {
    for rate in [1, 50] {
        let guests: Vec<Guest> = (0..10)
            .map(|n| (SECOND * n, Urgency::Background, Duration::ZERO))
            .collect();
        let outcome = serve(limits(rate, 1, SECOND), &guests);
        let expected: Vec<Duration> = (0..10).map(|n| SECOND * n).collect();
        let went: Vec<Duration> = outcome.went.iter().map(|&(at, _)| at).collect();
        assert_eq!(went, expected);
    }
}

#[test]
fn the_door_goes_before_all_that_wait_in_the_background() {
    let mut guests: Vec<Guest> = vec![(Duration::ZERO, Urgency::Background, Duration::ZERO); 20];
    guests.extend([(Duration::from_millis(500), Urgency::Door, Duration::ZERO); 3]);
    let outcome = serve(limits(9, u32::MAX, 3 * SECOND), &guests);
    let first = outcome
        .went
        .iter()
        .position(|&(_, urgency)| urgency == Urgency::Door);
    let place = first.unwrap();
    assert!(
        outcome.went[..place]
            .iter()
            .all(|&(at, _)| at <= Duration::from_millis(500))
    );
    assert!(
        outcome.went[place..place + 3]
            .iter()
            .all(|&(_, urgency)| urgency == Urgency::Door)
    );
    assert_eq!(outcome.went.len(), 23);
}

#[test]
fn a_full_line_in_the_background_keeps_nobody_from_the_door() {
    let mut guests: Vec<Guest> = vec![(Duration::ZERO, Urgency::Background, Duration::ZERO); 1000];
    guests.push((Duration::from_millis(1), Urgency::Door, Duration::ZERO));
    let outcome = serve(limits(5, u32::MAX, SECOND), &guests);
    assert_eq!(outcome.refused.len(), 1000 - 1 - 5);
    assert_eq!(outcome.went[1].1, Urgency::Door);
}

proptest! {
    #[test]
    fn whoever_comes_whenever(
        rate in 1..300_u32,
        at_once in 1..50_u32,
        mut guests in prop::collection::vec((0..4_000_000_u64, any::<bool>(), 0..500_000_u64), 0..600),
    ) {
        guests.sort_unstable();
        let guests: Vec<Guest> = guests
            .into_iter()
            .map(|(at, door, long)| {
                let urgency = if door { Urgency::Door } else { Urgency::Background };
                (Duration::from_micros(at), urgency, Duration::from_micros(long))
            })
            .collect();
        let outcome = serve(limits(rate, at_once, SECOND), &guests);
        prop_assert!(most_in_a_second(&outcome.went) <= rate as usize);
        prop_assert!(outcome.most_under_way <= at_once);
        prop_assert!(outcome.most_waiting <= 2 * rate as usize);
        prop_assert_eq!(outcome.went.len() + outcome.refused.len(), guests.len());
    }
}

/// Lets tasks run until they wait.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_comes_back_makes_room() {
    let line = Line::new(limits(100_000, 1, 30 * SECOND));
    let first = line.pass(Urgency::Background).await.unwrap();
    let waiting = {
        let line = Arc::clone(&line);
        tokio::spawn(async move { line.pass(Urgency::Background).await.is_ok() })
    };
    let gone = {
        let line = Arc::clone(&line);
        tokio::spawn(async move { line.pass(Urgency::Door).await.is_ok() })
    };
    settle().await;
    assert_eq!(line.load(), (2, 1));
    gone.abort();
    settle().await;
    drop(first);
    assert!(waiting.await.unwrap());
    assert_eq!(line.load(), (0, 0), "who has gone took no place");
}

#[tokio::test]
async fn who_waits_too_long_is_told_why() {
    for (per_second, at_once, expected) in [(100_000, 1, Limit::AtOnce), (1, 100, Limit::PerSecond)]
    {
        let line = Line::new(limits(per_second, at_once, Duration::from_millis(50)));
        let _first = line.pass(Urgency::Background).await.unwrap();
        let begun = Instant::now();
        assert_eq!(line.pass(Urgency::Door).await.err(), Some(expected));
        assert!(begun.elapsed() >= Duration::from_millis(50));
    }
}

#[tokio::test]
async fn other_limits_count_at_once() {
    let line = Line::new(limits(1, 1, 30 * SECOND));
    let _first = line.pass(Urgency::Door).await.unwrap();
    let waiting = {
        let line = Arc::clone(&line);
        tokio::spawn(async move { line.pass(Urgency::Door).await.is_ok() })
    };
    settle().await;
    line.limit(limits(1000, 2, 30 * SECOND));
    assert!(waiting.await.unwrap());
}
