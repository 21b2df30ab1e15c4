//! VLAN tags, IP headers, and headers that lie.

use gate_common::{Family, Mode};
use gate_tests::{
    packet::{DOT1AD, DOT1Q, Extension, Layer, Packet, flags},
    table::{V4, V6, check, gate},
    xdp::Outcome,
};

#[test]
fn ethernet_and_vlan_tags() {
    let mut gate = gate(Mode::Enforce);
    for s in [V4, V6] {
        let listed = || Packet::syn(s.listed);
        let three = listed().tag(DOT1AD).tag(DOT1Q).tag(DOT1Q);
        let no_family = Outcome::Malformed(Family::V4);
        #[rustfmt::skip]
        let cases = [
            ("untagged", listed(), s.dropped()),
            ("802.1Q", listed().tag(DOT1Q), s.dropped()),
            ("802.1ad alone", listed().tag(DOT1AD), s.dropped()),
            ("802.1Q inside 802.1ad", listed().tag(DOT1AD).tag(DOT1Q), s.dropped()),
            ("802.1Q twice", listed().tag(DOT1Q).tag(DOT1Q), s.dropped()),
            ("802.1ad inside 802.1Q", listed().tag(DOT1Q).tag(DOT1AD), s.dropped()),
            ("802.1ad twice", listed().tag(DOT1AD).tag(DOT1AD), s.dropped()),
            ("padded", listed().padding(46), s.dropped()),
            ("tagged and padded", listed().tag(DOT1Q).padding(7), s.dropped()),
            ("unlisted and tagged", Packet::syn(s.unlisted).tag(DOT1Q), s.passed()),
            ("ACK and tagged", listed().tag(DOT1Q).flags(flags::ACK), Outcome::Ignored),
            ("three tags", three, no_family),
            ("ARP behind a tag", listed().tag(DOT1Q).tag(0x0806), Outcome::Ignored),
        ];
        check(&mut gate, &cases);
    }
}

#[test]
fn ipv4_headers() {
    let mut gate = gate(Mode::Enforce);
    let listed = || Packet::syn(V4.listed);
    let ip = |at, bytes: &[u8]| listed().set(Layer::Ip, at, bytes);
    let tcp = |at, bytes: &[u8]| listed().data(4).set(Layer::Payload, at, bytes);
    let (dropped, malformed) = (V4.dropped(), V4.malformed());
    for bytes in (4..=40).step_by(4) {
        let options = listed().ip_options(bytes).tcp_options(8);
        check(&mut gate, &[("options", options, dropped)]);
    }
    #[rustfmt::skip]
    let cases = [
        ("type of service", ip(1, &[0xff]), dropped),
        ("reserved fragment flag", ip(6, &[0x80]), dropped),
        ("don't fragment", ip(6, &[0x40]), dropped),
        ("header length 0", ip(0, &[0x40]), malformed),
        ("header length under 20", ip(0, &[0x44]), malformed),
        ("header length beyond the packet", ip(0, &[0x4f]), malformed),
        ("version 6 under IPv4's EtherType", ip(0, &[0x65]), malformed),
        ("version 0", ip(0, &[0x05]), malformed),
        ("total length 0", ip(2, &[0, 0]), malformed),
        ("total length under the header's", ip(2, &[0, 19]), malformed),
        ("total length of the header alone", ip(2, &[0, 20]), malformed),
        ("total length ends in the TCP header", ip(2, &[0, 39]), malformed),
        ("total length to the last byte", ip(2, &[0, 40]), dropped),
        ("total length beyond the frame", ip(2, &[0, 41]), malformed),
        ("total length 65535", ip(2, &[0xff, 0xff]), malformed),
        ("total length before the padding", listed().padding(6), dropped),
        ("TCP header in the padding", listed().keep(19).padding(6), malformed),
        ("TCP data offset 0", tcp(12, &[0x00]), malformed),
        ("TCP data offset 4", tcp(12, &[0x40]), malformed),
        ("TCP data offset to the last byte", tcp(12, &[0x60]), dropped),
        ("TCP data offset beyond the packet", tcp(12, &[0x70]), malformed),
    ];
    check(&mut gate, &cases);
}

#[test]
fn ipv6_headers() {
    let mut gate = gate(Mode::Enforce);
    let listed = || Packet::syn(V6.listed);
    let ip = |at, bytes: &[u8]| listed().set(Layer::Ip, at, bytes);
    let tcp = |at, bytes: &[u8]| listed().data(4).set(Layer::Payload, at, bytes);
    let echo = listed().protocol(58, &[128, 0, 0, 0, 0, 0, 0, 0]);
    let (dropped, malformed) = (V6.dropped(), V6.malformed());
    #[rustfmt::skip]
    let cases = [
        ("traffic class and flow label", ip(0, &[0x6f, 0xff, 0xff, 0xff]), dropped),
        ("version 4 under IPv6's EtherType", ip(0, &[0x45]), malformed),
        ("payload length 0", ip(4, &[0, 0]), malformed),
        ("payload length ends in the TCP header", ip(4, &[0, 19]), malformed),
        ("payload length to the last byte", ip(4, &[0, 20]), dropped),
        ("payload length beyond the frame", ip(4, &[0, 21]), malformed),
        ("payload length before the padding", listed().padding(6), dropped),
        ("TCP header in the padding", listed().keep(19).padding(6), malformed),
        ("TCP data offset 4", tcp(12, &[0x40]), malformed),
        ("TCP data offset to the last byte", tcp(12, &[0x60]), dropped),
        ("TCP data offset beyond the packet", tcp(12, &[0x70]), malformed),
        ("ICMP", echo, Outcome::Ignored),
    ];
    check(&mut gate, &cases);
}

/// Extension headers that the program follows, as its documentation says.
const MAX_EXTENSION_HEADERS: usize = 180;

#[test]
fn ipv6_extension_headers() {
    use Extension::{Destination, Fragment, HopByHop, Other, Routing};
    let mut gate = gate(Mode::Enforce);
    let listed = || Packet::syn(V6.listed);
    let with = |extension| listed().extension(extension);
    let all = |source| {
        [
            HopByHop(1),
            Destination(2),
            Routing(2),
            Fragment(0, false),
            Destination(1),
        ]
        .into_iter()
        .fold(Packet::syn(source), Packet::extension)
    };
    let chain = |headers| (0..headers).fold(listed(), |packet, _| packet.extension(Destination(1)));
    let no_length = |packet: Packet| packet.set(Layer::Ip, 4, &[0, 0]);
    let with_length = |units| with(Destination(1)).data(4).set(Layer::Ip, 41, &[units]);
    let udp = with(Destination(1)).protocol(17, &[0; 20]);
    let (dropped, malformed) = (V6.dropped(), V6.malformed());
    #[rustfmt::skip]
    let cases = [
        ("hop-by-hop", with(HopByHop(1)), dropped),
        ("hop-by-hop, longest", with(HopByHop(256)), dropped),
        ("hop-by-hop, no payload length", no_length(with(HopByHop(1))), dropped),
        ("routing, type 0", with(Routing(0)), dropped),
        ("routing, type 2", with(Routing(2)), dropped),
        ("routing, type 4", with(Routing(4)), dropped),
        ("destination options", with(Destination(1)), dropped),
        ("destination options, longer", with(Destination(3)), dropped),
        ("destination options, no payload length", no_length(with(Destination(1))), malformed),
        ("all of them", all(V6.listed), dropped),
        ("all of them, tagged", all(V6.listed).tag(DOT1AD).tag(DOT1Q), dropped),
        ("all of them, unlisted", all(V6.unlisted), V6.passed()),
        ("all of them, allowed", all(V6.allowed_in_listed), V6.allowed()),
        ("all of them, ACK", all(V6.listed).flags(flags::ACK), Outcome::Ignored),
        ("all of them, other port", all(V6.listed).port(80), Outcome::Ignored),
        ("as many as are followed", chain(MAX_EXTENSION_HEADERS), dropped),
        ("one more", chain(MAX_EXTENSION_HEADERS + 1), malformed),
        ("length to the end, no TCP header", with_length(3), malformed),
        ("length beyond the packet", with_length(4), malformed),
        ("length far beyond the packet", with_length(255), malformed),
        ("UDP", udp, Outcome::Ignored),
        ("no next header", with(Other(59)), Outcome::Ignored),
        ("authentication header", with(Other(51)), Outcome::Ignored),
        ("mobility header", with(Other(135)), Outcome::Ignored),
        ("host identity", with(Other(139)), Outcome::Ignored),
        ("behind others, no next header", all(V6.listed).extension(Other(59)), Outcome::Ignored),
    ];
    check(&mut gate, &cases);
}
