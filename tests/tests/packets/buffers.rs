//! Frames of several buffers (`xdp.frags`): the kernel gives a program the first one, here about
//! 3.5 KiB, and the rest through a helper.

use gate_common::Mode;
use gate_tests::{
    packet::{DOT1AD, DOT1Q, Extension, Packet, flags},
    table::{V4, V6, check, gate},
    xdp::Outcome,
};

#[test]
fn data_in_further_buffers() {
    let mut gate = gate(Mode::Enforce);
    for s in [V4, V6] {
        let big = |source| Packet::syn(source).data(9000);
        #[rustfmt::skip]
        let cases = [
            ("SYN", big(s.listed), s.dropped()),
            ("SYN, tagged", big(s.listed).tag(DOT1AD).tag(DOT1Q), s.dropped()),
            ("SYN, unlisted", big(s.unlisted), s.passed()),
            ("SYN, allowed", big(s.allowed_in_listed), s.allowed()),
            ("ACK", big(s.listed).flags(flags::ACK), Outcome::Ignored),
        ];
        check(&mut gate, &cases);
        let frame = big(s.listed).frame();
        for len in [4000, 5000, 8000, frame.len() - 1] {
            assert_eq!(
                gate.judge(&frame[..len]),
                s.malformed(),
                "invariant 4: {len} bytes"
            );
        }
    }
}

#[test]
fn headers_in_further_buffers() {
    use Extension::{Destination, HopByHop};
    let mut gate = gate(Mode::Enforce);
    let far = |source| {
        [HopByHop(256), Destination(256), Destination(256)]
            .into_iter()
            .fold(Packet::syn(source).data(1000), Packet::extension)
    };
    #[rustfmt::skip]
    let cases = [
        ("SYN", far(V6.listed), V6.dropped()),
        ("SYN, unlisted", far(V6.unlisted), V6.passed()),
        ("SYN, allowed", far(V6.allowed_in_listed), V6.allowed()),
        ("SYN, cut short", far(V6.listed).keep(19), V6.malformed()),
        ("ACK", far(V6.listed).flags(flags::ACK), Outcome::Ignored),
    ];
    check(&mut gate, &cases);
    // A header that lies across the end of the first buffer, wherever that is.
    for units in 150..=250 {
        let packet = Packet::syn(V6.listed).data(500);
        let packet = packet
            .extension(Destination(256))
            .extension(Destination(units));
        check(
            &mut gate,
            &[(&format!("{units} units"), packet, V6.dropped())],
        );
    }
}
