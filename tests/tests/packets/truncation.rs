//! Frames that end too soon.

use gate_common::{Family, Mode};
use gate_tests::{
    packet::{DOT1AD, DOT1Q, ETHERNET, Extension, Packet},
    table::{Sources, V4, V6, gate},
    xdp::Outcome,
};

/// SYNs with `around` around them: as they are, tagged, and with what may follow the header; each
/// with the offset of its IP header.
fn syns(s: &Sources, around: fn(Packet) -> Packet) -> [(Packet, Family, usize); 5] {
    let syn = || around(Packet::syn(s.listed));
    [
        (syn(), 0),
        (syn().tag(DOT1Q), 1),
        (syn().tag(DOT1AD).tag(DOT1Q), 2),
        (syn().data(33), 0),
        (syn().tcp_options(40).data(5), 0),
    ]
    .map(|(packet, tags)| (packet, s.family, ETHERNET + 4 * tags))
}

#[test]
fn invariant_4_every_truncation_of_a_syn_passes_and_is_counted() {
    use Extension::{Destination, Fragment, HopByHop, Routing};
    let mut gate = gate(Mode::Enforce);
    #[rustfmt::skip]
    let kinds = [
        syns(&V4, |packet| packet),
        syns(&V4, |packet| packet.ip_options(4)),
        syns(&V4, |packet| packet.ip_options(40)),
        syns(&V4, |packet| packet.fragment(0, true)),
        syns(&V6, |packet| packet),
        syns(&V6, |packet| packet.extension(HopByHop(1))),
        syns(&V6, |packet| packet.extension(Routing(0))),
        syns(&V6, |packet| packet.extension(Destination(3))),
        syns(&V6, |packet| packet.extension(Fragment(0, false))),
        syns(&V6, |packet| packet.extension(Fragment(0, true))),
        syns(&V6, |packet| packet.extension(HopByHop(2)).extension(Routing(2)).extension(Fragment(0, true)).extension(Destination(1))),
    ];
    for (packet, family, ip) in kinds.as_flattened() {
        let frame = packet.frame();
        let whole = gate.judge(&frame);
        assert!(
            matches!(whole, Outcome::Dropped(..)),
            "{packet:?}: {whole:?}"
        );
        for len in ETHERNET..frame.len() {
            // Before its EtherType a frame does not tell its family.
            let family = if len < *ip { Family::V4 } else { *family };
            let outcome = gate.judge(&frame[..len]);
            assert_eq!(
                outcome,
                Outcome::Malformed(family),
                "{len} bytes of {packet:?}"
            );
        }
    }
}

#[test]
fn invariant_4_every_truncation_of_another_packet_passes() {
    let mut gate = gate(Mode::Enforce);
    for (s, ip_header) in [(V4, 20), (V6, 40)] {
        let frame = Packet::syn(s.listed).protocol(17, &[0; 40]).frame();
        for len in ETHERNET..frame.len() {
            let outcome = gate.judge(&frame[..len]);
            if len < ETHERNET + ip_header {
                assert_eq!(outcome, s.malformed(), "{len} bytes of UDP");
            } else {
                assert_eq!(outcome, Outcome::Ignored, "{len} bytes of UDP");
            }
        }
    }
    let mut arp = vec![2; 12];
    arp.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
    for len in ETHERNET..arp.len() {
        assert_eq!(
            gate.judge(&arp[..len]),
            Outcome::Ignored,
            "{len} bytes of ARP"
        );
    }
}

/// The program's own check for an Ethernet header is the one that no test here reaches.
#[test]
fn test_run_takes_no_frame_shorter_than_an_ethernet_header() {
    let mut gate = gate(Mode::Enforce);
    let frame = Packet::syn(V4.listed).frame();
    for len in 0..ETHERNET {
        gate.run(&frame[..len]).expect_err("the kernel refuses it");
    }
}
