//! Token buckets: SYNs over a rate, and SYNs of listed sources that pass out of courtesy.

use std::{thread, time::Duration};

use gate_common::{Config, Event, EventKind, Limit, Mode, Rate, Reason, Verdict};
use gate_tests::{
    packet::Packet,
    table::{Sources, V4, V6, gate},
    xdp::{Gate, Outcome},
};
use rustix::time::{ClockId, clock_gettime};

/// Two an hour, in microseconds: the test is over before the next one.
const TWO: Rate = Rate {
    interval: 1_800_000_000,
    tolerance: 1_800_000_000,
};

fn config(mode: Mode) -> Config {
    Config::new(mode, 0, [25, 0, 0, 0, 0, 0, 0, 0])
}

fn judge(gate: &mut Gate, source: &str) -> Outcome {
    gate.judge(&Packet::syn(source).frame())
}

#[test]
fn syns_over_the_rate_are_dropped_and_reported_once_a_second() {
    for s in [V4, V6] {
        let mut gate = gate(Mode::Enforce);
        let throttled = Config {
            syn_rate: TWO,
            ..config(Mode::Enforce)
        };
        gate.write_config(&throttled);
        for _ in 0..2 {
            assert_eq!(judge(&mut gate, s.unlisted), Outcome::Passed(s.family));
        }
        let limited = Outcome::Limited(s.family, Limit::SynRate);
        for _ in 0..100 {
            assert_eq!(judge(&mut gate, s.unlisted), limited);
        }
        let reports = gate.events();
        // A hundred frames may take until the next second.
        assert!((1..=2).contains(&reports.len()), "{reports:?}");
        let Event {
            kind,
            what,
            verdict,
            count,
            ..
        } = reports[0];
        let drop = Verdict::Drop as u8;
        assert_eq!(
            (kind, what, verdict),
            (EventKind::Limited as u8, Limit::SynRate as u8, drop)
        );
        assert_eq!(count, 1);

        // Invariant 1: whoever is allowed is held to none. Whoever is listed is dropped as such.
        for _ in 0..10 {
            assert_eq!(judge(&mut gate, s.allowed), Outcome::Passed(s.family));
            let listed = Outcome::Dropped(s.family, Reason::Feed);
            assert_eq!(judge(&mut gate, s.listed), listed);
        }
        gate.write_config(&Config {
            syn_rate: TWO,
            ..config(Mode::Monitor)
        });
        let would = Outcome::WouldLimit(s.family, Limit::SynRate);
        assert_eq!(judge(&mut gate, s.unlisted), would);
    }
}

/// A report is of all that was dropped since the last one, so that none of it goes untold.
#[test]
fn a_report_carries_how_many_syns_were_dropped_since_the_last() {
    for s in [V4, V6] {
        let mut gate = gate(Mode::Enforce);
        gate.write_config(&Config {
            syn_rate: TWO,
            ..config(Mode::Enforce)
        });
        for _ in 0..2 {
            assert_eq!(judge(&mut gate, s.unlisted), Outcome::Passed(s.family));
        }
        let limited = Outcome::Limited(s.family, Limit::SynRate);
        let (mut dropped, mut told) = (0, 0);
        for more in [100, 1, 30, 1, 1] {
            for _ in 0..more {
                assert_eq!(judge(&mut gate, s.unlisted), limited);
            }
            dropped += more;
            for report in gate.events() {
                assert_eq!(report.kind, EventKind::Limited as u8);
                told += report.count;
            }
            // The frames of one turn may take until the next second; but for that, the first is told
            // of, and those after it are with the next turn.
            assert!(
                (dropped - more + 1..=dropped).contains(&told),
                "{told} of {dropped}"
            );
            next_second();
        }
        assert_eq!(told, dropped);
    }
}

/// Waits until the clock is in its next second, by which the program tells when to report.
fn next_second() {
    let second = || clock_gettime(ClockId::MonotonicCoarse).tv_sec;
    let before = second();
    while second() == before {
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn addresses_of_one_64_share_a_bucket_and_others_do_not() {
    let mut gate = gate(Mode::Enforce);
    gate.write_config(&Config {
        syn_rate: TWO,
        ..config(Mode::Enforce)
    });
    for (source, passes) in [
        ("2001:db8:1:2::1", true),
        ("2001:db8:1:2::2", true),
        ("2001:db8:1:2:ffff::3", false),
        ("2001:db8:1:3::1", true),
    ] {
        let passed = matches!(judge(&mut gate, source), Outcome::Passed(_));
        assert_eq!(passed, passes, "{source}");
    }
}

/// With courtesy for what a feed lists, and for nothing else.
fn courteous(mode: Mode, flood: u32) -> Config {
    let mut courtesy = [Rate::default(); Reason::SLOTS];
    courtesy[Reason::Feed.slot()] = TWO;
    Config {
        courtesy,
        flood,
        ..config(mode)
    }
}

#[test]
fn listed_sources_pass_so_often_by_the_reason_and_not_in_a_flood() {
    for s in [V4, V6] {
        let Sources {
            family,
            listed,
            listed_closer,
            ..
        } = s;
        let mut gate = gate(Mode::Enforce);
        let dropped = Outcome::Dropped(family, Reason::Feed);
        gate.write_config(&courteous(Mode::Enforce, 1));
        assert_eq!(judge(&mut gate, listed), dropped, "a flood");
        gate.write_config(&courteous(Mode::Monitor, 0));
        let would_drop = Outcome::WouldDrop(family, Reason::Feed);
        assert_eq!(judge(&mut gate, listed), would_drop, "it passes anyway");
        gate.write_config(&courteous(Mode::Enforce, 0));
        for _ in 0..2 {
            assert_eq!(judge(&mut gate, listed), Outcome::Courtesy(family));
        }
        assert_eq!(judge(&mut gate, listed), dropped);
        let other_reason = Outcome::Dropped(family, Reason::Manual);
        assert_eq!(judge(&mut gate, listed_closer), other_reason);
    }
}

/// However many sources are listed, or forged, no more pass than there are places, and those that
/// share a place do not take it from one another.
#[test]
fn courtesy_is_bounded() {
    let mut gate = Gate::load();
    gate.list("198.18.0.0/15", Reason::Feed);
    let mut one = courteous(Mode::Enforce, 0);
    one.courtesy[Reason::Feed.slot()] = Rate {
        tolerance: 0,
        ..TWO
    };
    gate.write_config(&one);
    let passed = (0..2000u32)
        .filter(|number| {
            let [.., c, d] = (number % 1000 + 0x0100).to_be_bytes();
            judge(&mut gate, &format!("198.18.{c}.{d}")) == Outcome::Courtesy(V4.family)
        })
        .count();
    // A thousand sources, twice: once each, but for the few that share a place.
    assert!((950..=1000).contains(&passed), "{passed}");
}
