//! What the gate takes for a SYN, against what Linux does: each way of wrapping up a SYN that
//! makes the network stack of this machine's kernel answer, the gate must see through.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicU16, Ordering},
};

use gate_common::Mode;
use gate_tests::{
    packet::{DOT1AD, DOT1Q, Extension, Layer, Packet, Piece, flags},
    stack::Stack,
    table::{V4, V6, gate},
    xdp::{Gate, Outcome},
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};

use crate::random;

use Linux::{Answers, Discards};

/// What the stack does with frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Linux {
    Answers,
    Discards,
}

fn linux(stack: &mut Stack, frames: &[Vec<u8>]) -> Linux {
    if stack.answers(frames) {
        Answers
    } else {
        Discards
    }
}

fn drops_one(gate: &mut Gate, frames: &[Vec<u8>]) -> bool {
    let outcomes = frames.iter().map(|frame| gate.judge(frame));
    outcomes
        .filter(|outcome| matches!(outcome, Outcome::Dropped(..)))
        .count()
        > 0
}

/// Both the list of what to look out for, and the check that Linux still sees it so.
fn check(name: &str, cases: &[(&str, Linux, Vec<Vec<u8>>)]) {
    Stack::with(name, |stack| {
        let mut gate = gate(Mode::Enforce);
        let mut wrong = Vec::new();
        for (what, expected, frames) in cases {
            let found = linux(stack, frames);
            if found != *expected {
                wrong.push(format!("{what}: Linux {found:?}, expected {expected:?}"));
            }
            if found == Answers && !drops_one(&mut gate, frames) {
                wrong.push(format!("{what}: Linux answers, and the gate lets it pass"));
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    });
}

/// A SYN from `source`, and from a port that no other has: as the stack is asked about many, and
/// fragments are identified by it.
fn syn(source: &str) -> Packet {
    static PORT: AtomicU16 = AtomicU16::new(1);
    Packet::syn(source).source_port(PORT.fetch_add(1, Ordering::Relaxed))
}

fn v4() -> Packet {
    syn(V4.listed)
}

fn v6() -> Packet {
    syn(V6.listed)
}

fn ip(packet: Packet, at: usize, bytes: &[u8]) -> Packet {
    packet.set(Layer::Ip, at, bytes)
}

#[test]
fn flags_and_tags() {
    use flags::{ACK, CWR, ECE, FIN, PSH, RST, SYN};
    let one = |packet: Packet| vec![packet.frame()];
    #[rustfmt::skip]
    let cases = [
        ("IPv4", Answers, one(v4())),
        ("IPv6", Answers, one(v6())),
        ("ECN", Answers, one(v4().flags(SYN | ECE | CWR))),
        ("PSH", Answers, one(v6().flags(SYN | PSH))),
        ("data", Answers, one(v4().data(9))),
        ("RST", Discards, one(v4().flags(SYN | RST))),
        ("FIN", Discards, one(v6().flags(SYN | FIN))),
        ("ACK", Discards, one(v6().flags(SYN | ACK))),
        // These tags carry VLAN 0, priority alone: no VLAN interface is needed.
        ("802.1Q", Answers, one(v4().tag(DOT1Q))),
        ("802.1ad", Answers, one(v6().tag(DOT1AD))),
        ("802.1ad inside 802.1Q", Answers, one(v4().tag(DOT1Q).tag(DOT1AD))),
        ("802.1Q twice", Answers, one(v6().tag(DOT1Q).tag(DOT1Q))),
        ("0x9100", Discards, one(v4().tag(0x9100))),
        ("padded", Answers, one(v4().padding(6))),
    ];
    check("flags", &cases);
}

#[test]
fn ip_headers_that_are_odd() {
    use Extension::{Destination, Fragment, HopByHop, Other, Routing};
    let one = |packet: Packet| vec![packet.frame()];
    let with = |extension| v6().extension(extension);
    let chain = |headers| (0..headers).fold(v6(), |packet, _| packet.extension(Destination(1)));
    let tunnelled = v6().protocol(41, &v6().frame()[14..]);
    let mapped = syn("::ffff:192.0.2.7");
    let data_offset = |packet: Packet, offset: u8| packet.set(Layer::Payload, 12, &[offset << 4]);
    // A jumbo payload option, RFC 2675, of a length that is none.
    let jumbo = ip(with(HopByHop(1)), 42, &[0xc2, 4, 0, 0, 0, 28]);
    #[rustfmt::skip]
    let cases = [
        ("IPv4 options", Answers, one(v4().ip_options(40))),
        ("version 5", Discards, one(ip(v4(), 0, &[0x55]))),
        ("header length 16", Discards, one(ip(v4(), 0, &[0x44]))),
        ("total length 0", Discards, one(ip(v4(), 2, &[0, 0]))),
        ("total length too short", Discards, one(ip(v4(), 2, &[0, 30]))),
        ("total length too long", Discards, one(ip(v4(), 2, &[0, 41]))),
        ("TCP data offset 4", Discards, one(data_offset(v4(), 4))),
        ("TCP data offset 6", Discards, one(data_offset(v4(), 6))),
        ("payload length 0", Discards, one(ip(v6(), 4, &[0, 0]))),
        ("payload length too long", Discards, one(ip(v6(), 4, &[0, 21]))),
        ("hop-by-hop", Answers, one(with(HopByHop(1)))),
        ("hop-by-hop, payload length 0", Answers, one(ip(with(HopByHop(1)), 4, &[0, 0]))),
        ("hop-by-hop, payload length 0, jumbo", Discards, one(ip(jumbo, 4, &[0, 0]))),
        ("destination options, payload length 0", Discards, one(ip(with(Destination(1)), 4, &[0, 0]))),
        ("hop-by-hop twice", Discards, one(with(HopByHop(1)).extension(HopByHop(1)))),
        ("hop-by-hop second", Discards, one(with(Destination(1)).extension(HopByHop(1)))),
        ("routing, type 0", Answers, one(with(Routing(0)))),
        ("routing, an unknown type", Answers, one(with(Routing(99)))),
        ("routing twice", Answers, one(with(Routing(0)).extension(Routing(0)))),
        ("destination options", Answers, one(with(Destination(1)))),
        ("twice", Answers, one(chain(2))),
        ("64 times", Answers, one(chain(64))),
        ("180 times", Answers, one(chain(180))),
        ("a fragment that is the whole", Answers, one(with(Fragment(0, false)))),
        ("twice", Discards, one(with(Fragment(0, false)).extension(Fragment(0, false)))),
        ("with reserved bits", Answers, one(ip(with(Fragment(0, false)), 41, &[255, 0, 6]))),
        ("authentication header", Discards, one(with(Other(51)))),
        ("mobility header", Discards, one(with(Other(135)))),
        ("host identity", Discards, one(with(Other(139)))),
        ("shim6", Discards, one(with(Other(140)))),
        ("IPv6 in IPv6", Discards, one(tunnelled)),
        ("IPv4-mapped source", Discards, one(mapped)),
    ];
    check("headers", &cases);
}

/// Pieces that part a packet at these offsets.
fn pieces(cuts: &[usize]) -> Vec<Piece> {
    let starts = [0].iter().chain(cuts);
    let ends = cuts.iter().chain(&[usize::MAX]);
    starts
        .zip(ends)
        .map(|(&from, &to)| Piece {
            from,
            to,
            more: to != usize::MAX,
            flags: None,
        })
        .collect()
}

#[test]
fn fragments() {
    use Extension::Destination;
    let parted = |packet: Packet, cuts: &[usize]| packet.fragments(&pieces(cuts));
    let reversed = |packet: Packet, cuts: &[usize]| {
        let mut frames = packet.fragments(&pieces(cuts));
        frames.reverse();
        frames
    };
    // The first piece says ACK, in a place that the second takes.
    let lying = |packet: Packet, to| {
        let ack = Some(flags::ACK);
        let first = Piece {
            from: 0,
            to,
            more: true,
            flags: ack,
        };
        let second = Piece {
            from: 8,
            to: usize::MAX,
            more: false,
            flags: None,
        };
        packet.fragments(&[first, second])
    };
    let options = |units: &[usize]| {
        units
            .iter()
            .fold(v6(), |packet, &units| packet.extension(Destination(units)))
    };
    #[rustfmt::skip]
    let cases = [
        ("IPv4, flags in the first", Answers, parted(v4(), &[16])),
        ("IPv4, flags in the second", Answers, parted(v4(), &[8])),
        ("IPv4, three", Answers, parted(v4(), &[8, 16])),
        ("IPv4, backwards", Answers, reversed(v4(), &[8, 16])),
        ("IPv4, TCP options in the second", Answers, parted(v4().tcp_options(40), &[16])),
        ("IPv4, first cut down from 15", Answers, lying(v4(), 15)),
        ("IPv4, overlapping", Discards, lying(v4(), 16)),
        ("IPv6, data in the second", Answers, parted(v6().data(40), &[24])),
        ("IPv6, TCP options in the second", Answers, parted(v6().tcp_options(40), &[24])),
        ("IPv6, TCP header parted", Discards, parted(v6(), &[16])),
        ("IPv6, flags in the second", Discards, parted(v6(), &[8])),
        ("IPv6, TCP header in the second", Discards, parted(options(&[1]), &[8])),
        ("IPv6, parted between headers", Answers, parted(options(&[1, 1]), &[8])),
        ("IPv6, parted between more headers", Answers, parted(options(&[1, 1, 1]), &[16])),
        ("IPv6, parted in a header", Answers, parted(options(&[2, 1]), &[8])),
        ("IPv6, parted in the last header", Discards, parted(options(&[2]), &[8])),
        ("IPv6, backwards", Answers, reversed(options(&[1, 1]), &[8])),
    ];
    check("fragments", &cases);
}

/// What Linux answers and the gate does not look into, as its documentation says.
#[test]
fn known_limits() {
    let three_tags = v4().tag(DOT1Q).tag(DOT1Q).tag(DOT1Q);
    let headers = (0..181).fold(v6(), |packet, _| {
        packet.extension(Extension::Destination(1))
    });
    Stack::with("limits", |stack| {
        let mut gate = gate(Mode::Enforce);
        for (packet, outcome) in [(three_tags, V4.malformed()), (headers, V6.malformed())] {
            let frame = packet.frame();
            assert_eq!(gate.judge(&frame), outcome);
            assert_eq!(linux(stack, &[frame]), Answers);
        }
    });
}

/// Runs cases until so many were answered by Linux, each of which the gate must drop.
fn nothing_slips_past(name: &str, cases: u32, frames: impl Strategy<Value = Vec<Vec<u8>>> + Send) {
    Stack::with(name, move |stack| {
        let both = RefCell::new((stack, gate(Mode::Enforce), 0));
        let config = Config {
            failure_persistence: None,
            ..Config::with_cases(cases)
        };
        TestRunner::new(config)
            .run(&frames, |frames| {
                let (stack, gate, answered) = &mut *both.borrow_mut();
                if linux(stack, &frames) == Answers {
                    prop_assert!(drops_one(gate, &frames), "{:02x?}", frames);
                    *answered += 1;
                }
                Ok(())
            })
            .unwrap_or_else(|error| panic!("{error}"));
        let (_, _, answered) = both.into_inner();
        assert!(answered > cases / 20, "only {answered} of {cases} answered");
    });
}

fn listed() -> impl Strategy<Value = &'static str> {
    select(vec![V4.listed, V6.listed])
}

#[test]
fn what_linux_answers_of_random_packets_is_dropped() {
    let port = AtomicU16::new(1);
    let frames = random::packet(listed(), 2).prop_map(move |packet| {
        let port = port.fetch_add(1, Ordering::Relaxed);
        vec![packet.source_port(port).frame()]
    });
    nothing_slips_past("random-packets", 1_500, frames);
}

/// A SYN behind a few extension headers (in IPv6), in pieces that may say ACK, and that may reach
/// into one another.
fn in_pieces() -> impl Strategy<Value = (Packet, Vec<Piece>)> {
    let packet = (listed(), vec(1..4_usize, 0..4), 0..=10_usize, 0..40_usize);
    let packet = packet.prop_map(|(source, extensions, options, data)| {
        let syn = Packet::syn(source).tcp_options(options * 4).data(data);
        let behind = |packet: Packet, units| packet.extension(Extension::Destination(units));
        extensions.into_iter().fold(syn, behind)
    });
    let lie = prop_oneof![2 => Just((None, 0)), 1 => (Just(Some(flags::ACK)), 0..8_usize)];
    (packet, vec((any::<Index>(), lie), 1..5), any::<bool>()).prop_map(
        |(packet, mut parts, backwards)| {
            let units = packet.carried().div_ceil(8);
            parts.sort_by_key(|(at, _)| at.index(units));
            parts.dedup_by_key(|(at, _)| at.index(units));
            let cuts: Vec<usize> = parts.iter().map(|(at, _)| at.index(units) * 8).collect();
            let cuts = if cuts[0] == 0 { &cuts[1..] } else { &cuts };
            let mut pieces = pieces(cuts);
            for (piece, (_, (flags, beyond))) in pieces.iter_mut().zip(parts) {
                piece.flags = flags;
                piece.to = piece.to.saturating_add(beyond);
            }
            if backwards {
                pieces.reverse();
            }
            (packet, pieces)
        },
    )
}

#[test]
fn what_linux_answers_of_random_fragments_is_dropped() {
    let port = AtomicU16::new(1);
    let frames = in_pieces().prop_map(move |(packet, pieces)| {
        let port = port.fetch_add(1, Ordering::Relaxed);
        packet.source_port(port).fragments(&pieces)
    });
    nothing_slips_past("random-fragments", 1_500, frames);
}
