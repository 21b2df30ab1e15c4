//! Random frames: the program does with each what the [`reference`] reading of it and a look
//! through the whole table say, no more and no less.

use std::cell::RefCell;

use gate_common::Mode;
use gate_tests::{
    packet::{DOT1AD, DOT1Q, ETHERNET, Extension, Packet, flags},
    table::{V4, V6, expected, gate},
    xdp::Outcome,
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};

use crate::reference::{self, Content};

/// What should become of a frame in mode `enforce`, with port 25 guarded.
fn outcome(frame: &[u8]) -> Outcome {
    match reference::read(frame) {
        Content::Broken(family) => Outcome::Malformed(family),
        Content::Syn {
            source,
            port: Some(25) | None,
        } => expected(source),
        Content::Other | Content::Syn { .. } => Outcome::Ignored,
    }
}

fn source() -> impl Strategy<Value = &'static str> {
    select([V4.all(), V6.all()].concat())
}

fn extension() -> impl Strategy<Value = Extension> {
    prop_oneof![
        (1..5_usize).prop_map(Extension::HopByHop),
        (1..5_usize).prop_map(Extension::Destination),
        any::<u8>().prop_map(Extension::Routing),
        fragment().prop_map(|(offset, more)| Extension::Fragment(offset, more)),
        any::<u8>().prop_map(Extension::Other),
    ]
}

fn fragment() -> impl Strategy<Value = (u16, bool)> {
    (prop_oneof![6 => Just(0), 1 => any::<u16>()], any::<bool>())
}

fn tcp_flags() -> impl Strategy<Value = u8> {
    prop_oneof![6 => Just(flags::SYN), 1 => Just(flags::SYN | flags::ACK), 2 => any::<u8>()]
}

/// Packets of every make, valid ones among them, behind up to `max_tags` tags.
pub(crate) fn packet(
    source: impl Strategy<Value = &'static str>,
    max_tags: usize,
) -> impl Strategy<Value = Packet> {
    let around = (
        vec(select(vec![DOT1Q, DOT1AD, 0x9100]), 0..=max_tags),
        option::weighted(0.3, fragment()),
        prop_oneof![2 => Just(0), 1 => (1..=10_usize).prop_map(|words| words * 4)],
        prop_oneof![2 => Just(vec![]), 2 => vec(extension(), 0..8)],
    );
    let inside = (
        prop_oneof![4 => Just(25), 1 => any::<u16>()],
        tcp_flags(),
        (0..=10_usize).prop_map(|words| words * 4),
        0..80_usize,
        option::weighted(0.2, 0..60_usize),
        option::weighted(0.1, any::<u8>()),
    );
    (source, around, inside, 0..20_usize).prop_map(|(source, around, inside, padding)| {
        let (tags, fragment, ip_options, extensions) = around;
        let (port, flags, tcp_options, data, keep, protocol) = inside;
        let mut packet = Packet::syn(source).port(port).flags(flags).data(data);
        packet = packet
            .tcp_options(tcp_options)
            .ip_options(ip_options)
            .padding(padding);
        packet = tags.into_iter().fold(packet, Packet::tag);
        packet = extensions.into_iter().fold(packet, Packet::extension);
        if let Some((offset, more)) = fragment {
            packet = packet.fragment(offset, more);
        }
        if let Some(protocol) = protocol {
            packet = packet.protocol(protocol, &[0; 40]);
        }
        if let Some(keep) = keep {
            packet = packet.keep(keep);
        }
        packet
    })
}

/// A frame, some bytes of it changed, some of it cut off.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<Index>(), any::<u8>()), 0..4);
    let cut = option::weighted(0.2, any::<Index>());
    (packet(source(), 3), changes, cut).prop_map(|(packet, changes, cut)| {
        let mut frame = packet.frame();
        for (at, byte) in changes {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        if let Some(cut) = cut {
            frame.truncate(ETHERNET.max(cut.index(frame.len())));
        }
        frame
    })
}

/// Bytes without any order; half of them begin like an IP packet.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let begin = prop_oneof![
        2 => vec(any::<u8>(), 2),
        1 => Just(vec![0x08, 0x00, 0x45]),
        1 => Just(vec![0x86, 0xdd, 0x60]),
    ];
    (vec(any::<u8>(), 12), begin, vec(any::<u8>(), 0..200))
        .prop_map(|(addresses, begin, rest)| [addresses, begin, rest].concat())
}

/// Invariants 3 and 4, and that nothing slips past.
fn holds_for(cases: u32, frames: impl Strategy<Value = Vec<u8>>) -> Vec<Outcome> {
    let gate = RefCell::new(gate(Mode::Enforce));
    let outcomes = RefCell::new(Vec::new());
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    };
    TestRunner::new(config)
        .run(&frames, |frame| {
            let judged = gate.borrow_mut().judge(&frame);
            prop_assert_eq!(judged, outcome(&frame), "{:02x?}", frame);
            outcomes.borrow_mut().push(judged);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    outcomes.into_inner()
}

#[test]
fn invariants_3_and_4_noise_passes_or_is_a_listed_syn() {
    holds_for(5_000, noise());
}

#[test]
fn invariants_3_and_4_what_is_nearly_a_packet_passes_or_is_a_listed_syn() {
    let outcomes = holds_for(20_000, mutated());
    // The test would prove little if it met only one kind.
    let dropped = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::Dropped(..)))
        .count();
    let malformed = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::Malformed(_)))
        .count();
    let ignored = outcomes
        .iter()
        .filter(|outcome| **outcome == Outcome::Ignored)
        .count();
    for (count, what) in [
        (dropped, "dropped"),
        (malformed, "malformed"),
        (ignored, "ignored"),
    ] {
        assert!(
            count > outcomes.len() / 50,
            "only {count} of {} {what}",
            outcomes.len()
        );
    }
}
