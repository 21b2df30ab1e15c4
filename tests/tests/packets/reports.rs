//! Sampled reports on the ring buffer, and counters of each CPU.

use gate_common::{Event, EventKind, Family, Mode, Reason, Verdict};
use gate_tests::{
    packet::Packet,
    table::{Sources, V4, V6, gate},
};

/// The report of a drop from [`Sources::listed`], by the interface that test-run lends to a frame:
/// loopback.
fn report(s: &Sources) -> Event {
    let source = if s.family == Family::V4 {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7]
    } else {
        [
            0x20, 0x01, 0x0d, 0xb8, 0x0b, 0xad, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
        ]
    };
    Event {
        source,
        ifindex: 1,
        count: 1,
        port: 25,
        kind: EventKind::Drop as u8,
        what: 10,
        verdict: Verdict::Drop as u8,
        unused: [0; 3],
    }
}

#[test]
fn drops_are_reported_and_nothing_else() {
    let mut gate = gate(Mode::Enforce);
    let listed = Packet::syn(V4.listed).frame();

    gate.judge(&listed);
    assert_eq!(gate.events(), [], "rate 0 reports none");

    gate.configure(Mode::Enforce, 1, &[25]);
    for s in [V4, V6] {
        for source in s.all() {
            gate.judge(&Packet::syn(source).port(80).frame());
            gate.judge(&Packet::syn(source).keep(7).frame());
            if source != s.listed_closer {
                gate.judge(&Packet::syn(source).frame());
            }
        }
    }
    assert_eq!(
        gate.events(),
        [report(&V4), report(&V6)],
        "rate 1 reports each"
    );

    gate.configure(Mode::Monitor, 1, &[25]);
    gate.judge(&listed);
    let would_drop = Event {
        verdict: Verdict::WouldDrop as u8,
        ..report(&V4)
    };
    assert_eq!(gate.events(), [would_drop], "so does mode monitor");

    gate.configure(Mode::Off, 1, &[25]);
    gate.judge(&listed);
    assert_eq!(gate.events(), [], "mode off reports nothing");
}

#[test]
fn each_cpu_reports_one_drop_in_so_many() {
    let mut gate = gate(Mode::Enforce);
    let listed = Packet::syn(V4.listed).frame();
    let cpus = gate.per_cpu(Family::V4).len();
    let slot = Reason::Feed.slot();
    for (rate, drops) in [(3_u32, 30_u64), (10, 100), (3, 30)] {
        gate.configure(Mode::Enforce, rate, &[25]);
        let before = gate.per_cpu(Family::V4);
        for _ in 0..drops {
            gate.judge(&listed);
        }
        let after = gate.per_cpu(Family::V4);
        // The scheduler may move the test from one CPU to another: each counts for itself, and
        // may begin with a report or end just before one.
        let reports = gate.events().len();
        let expected = usize::try_from(drops / u64::from(rate)).unwrap();
        assert!(
            reports.abs_diff(expected) <= cpus,
            "{reports} reports of {drops} at rate {rate}"
        );

        let mut counted = 0;
        for (before, after) in before.iter().zip(&after) {
            let dropped = after.dropped[slot] - before.dropped[slot];
            assert_eq!(
                after.seen - before.seen,
                dropped,
                "a CPU counts what it drops"
            );
            counted += dropped;
            assert!(
                dropped == 0 || after.until_sample < u64::from(rate),
                "a lowered rate does not wait for what the old one had left"
            );
        }
        assert_eq!(counted, drops);
    }
}

/// A ring buffer that nobody reads fills up; the gate goes on as before.
#[test]
fn a_full_ring_buffer_loses_reports_alone() {
    let mut gate = gate(Mode::Enforce);
    gate.configure(Mode::Enforce, 1, &[25]);
    let listed = Packet::syn(V6.listed).frame();
    let room = 262_144 / size_of::<Event>();
    for _ in 0..room {
        gate.judge(&listed);
    }
    assert_eq!(gate.judge(&listed), V6.dropped());
    let reports = gate.events().len();
    // Each report has a header of 8 bytes in the ring.
    assert!(reports < room, "{reports} reports");
    gate.judge(&listed);
    assert_eq!(gate.events(), [report(&V6)], "there is room again");
}
