//! Fragments: the first one is parsed, later ones pass.

use gate_common::Mode;
use gate_tests::{
    packet::{Extension, Layer, Packet, flags},
    table::{V4, V6, check, gate},
    xdp::Outcome,
};

#[test]
fn ipv4_fragments() {
    let mut gate = gate(Mode::Enforce);
    let first = || Packet::syn(V4.listed).data(60).fragment(0, true);
    let ack = || first().flags(flags::ACK);
    let unlisted = Packet::syn(V4.unlisted).fragment(0, true);
    let half_of_the_options = first().tcp_options(40).keep(40);
    let (dropped, malformed) = (V4.dropped(), V4.malformed());
    #[rustfmt::skip]
    let cases = [
        ("first", first(), dropped),
        ("first, its flags at the end", first().keep(16), dropped),
        ("first, of an ACK", ack(), Outcome::Ignored),
        ("first, of an ACK, its flags at the end", ack().keep(16), Outcome::Ignored),
        ("first, with half of the TCP options", half_of_the_options, dropped),
        ("first, to another port", first().port(80), Outcome::Ignored),
        ("first, unlisted", unlisted, V4.passed()),
        ("first, TCP data offset 4", first().set(Layer::Payload, 12, &[0x40]), malformed),
        // Linux puts these together, whatever the rest brings (RFC 1858).
        ("first, too short for its flags", first().keep(8), dropped),
        ("first, cut by Linux before its flags", ack().keep(15), dropped),
        ("first, too short, to another port", first().port(80).keep(8), Outcome::Ignored),
        ("first, too short for a fragment", first().keep(7), malformed),
        ("first, empty", first().keep(0), malformed),
        ("second", first().fragment(8, true), Outcome::Ignored),
        ("last", first().fragment(8, false), Outcome::Ignored),
        ("last possible", first().fragment(65_528, false), Outcome::Ignored),
    ];
    check(&mut gate, &cases);
}

#[test]
fn ipv6_fragments() {
    use Extension::{Destination, Fragment};
    let mut gate = gate(Mode::Enforce);
    let from = |source, offset, more| {
        Packet::syn(source)
            .data(60)
            .extension(Fragment(offset, more))
    };
    let first = || from(V6.listed, 0, true);
    let half_of_the_options = first().tcp_options(40).keep(24);
    // Two extension headers behind the fragment header, and a fragment that ends after the first.
    let cut = |packet: Packet| {
        packet
            .extension(Destination(1))
            .extension(Destination(1))
            .set(Layer::Ip, 4, &[0, 16])
    };
    let cut_within = cut(first()).set(Layer::Ip, 49, &[2]);
    let udp = first()
        .extension(Destination(1))
        .protocol(17, &[0; 8])
        .set(Layer::Ip, 4, &[0, 16]);
    let (dropped, malformed) = (V6.dropped(), V6.malformed());
    #[rustfmt::skip]
    let cases = [
        ("the whole", from(V6.listed, 0, false), dropped),
        ("first", first(), dropped),
        ("first, of an ACK", first().flags(flags::ACK), Outcome::Ignored),
        ("first, to another port", first().port(80), Outcome::Ignored),
        ("first, with half of the TCP options", half_of_the_options, dropped),
        ("first, too short for its flags", first().keep(8), dropped),
        ("first, empty", first().keep(0), malformed),
        // Linux puts these together, though RFC 8200 forbids it, and they may be SYNs to any port.
        ("first, ends between headers", cut(first()), dropped),
        ("first, ends in a header", cut_within, dropped),
        ("first, ends between headers, unlisted", cut(from(V6.unlisted, 0, true)), V6.passed()),
        ("first, ends between headers, allowed", cut(from(V6.allowed_in_listed, 0, true)), V6.allowed()),
        ("first, ends before UDP", udp, Outcome::Ignored),
        ("the whole, ends between headers", cut(from(V6.listed, 0, false)), malformed),
        ("second", from(V6.listed, 8, true), Outcome::Ignored),
        ("last", from(V6.listed, 1480, false), Outcome::Ignored),
        ("last possible", from(V6.listed, 65_528, false), Outcome::Ignored),
    ];
    check(&mut gate, &cases);

    gate.configure(Mode::Enforce, 1, &[]);
    let unguarded = ("no port guarded", cut(first()), Outcome::Ignored);
    check(&mut gate, &[unguarded]);
    gate.configure(Mode::Enforce, 1, &[25]);
    check(&mut gate, &[("reported", cut(first()), dropped)]);
    let ports: Vec<u16> = gate.events().iter().map(|event| event.port).collect();
    assert_eq!(ports, [0], "the port is not known");
}
