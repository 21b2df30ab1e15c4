//! Which sources, ports, flags and modes lead to which verdict.

use gate_common::{Family, Mode, Reason};
use gate_tests::{
    packet::{ETHERNET, Layer, Packet, flags},
    table::{V4, V6, check, gate},
    xdp::{Gate, Outcome},
};

#[test]
fn invariant_1_an_allow_entry_wins_over_every_listing() {
    let mut gate = gate(Mode::Enforce);
    for s in [V4, V6] {
        let closer = Outcome::Dropped(s.family, Reason::Manual);
        #[rustfmt::skip]
        let cases = [
            ("listed", Packet::syn(s.listed), s.dropped()),
            ("longest prefix", Packet::syn(s.listed_closer), closer),
            ("allowed inside listed", Packet::syn(s.allowed_in_listed), s.allowed()),
            ("listed inside allowed", Packet::syn(s.listed_in_allowed), s.allowed()),
            ("the same network twice", Packet::syn(s.listed_and_allowed), s.allowed()),
            ("allowed alone", Packet::syn(s.allowed), s.passed()),
            ("unlisted", Packet::syn(s.unlisted), s.passed()),
        ];
        check(&mut gate, &cases);
    }
}

#[test]
fn borders_of_a_network() {
    #[rustfmt::skip]
    let cases = [
        ("before", Packet::syn("192.0.1.255"), V4.passed()),
        ("first", Packet::syn("192.0.2.0"), V4.dropped()),
        ("last not allowed", Packet::syn("192.0.2.191"), V4.dropped()),
        ("first allowed", Packet::syn("192.0.2.192"), V4.allowed()),
        ("last allowed", Packet::syn("192.0.2.255"), V4.allowed()),
        ("after", Packet::syn("192.0.3.0"), V4.passed()),
        ("before", Packet::syn("2001:db8:bac:ffff:ffff:ffff:ffff:ffff"), V6.passed()),
        ("first", Packet::syn("2001:db8:bad::"), V6.dropped()),
        ("last", Packet::syn("2001:db8:bad:ffff:ffff:ffff:ffff:ffff"), V6.dropped()),
        ("after", Packet::syn("2001:db8:bae::"), V6.passed()),
    ];
    check(&mut gate(Mode::Enforce), &cases);
}

#[test]
fn everything_listed() {
    let mut gate = Gate::load();
    gate.list("0.0.0.0/0", Reason::Feed);
    gate.list("::/0", Reason::Feed);
    for source in ["0.0.0.0", "192.0.3.0", "255.255.255.255"] {
        check(&mut gate, &[(source, Packet::syn(source), V4.dropped())]);
    }
    for source in ["::", "::ffff:192.0.3.0", "fe80::1"] {
        check(&mut gate, &[(source, Packet::syn(source), V6.dropped())]);
    }
}

#[test]
fn modes() {
    for s in [V4, V6] {
        let cases = |listed, allowed, unlisted, malformed| {
            [
                ("listed", Packet::syn(s.listed), listed),
                ("allowed", Packet::syn(s.allowed_in_listed), allowed),
                ("unlisted", Packet::syn(s.unlisted), unlisted),
                (
                    "other port",
                    Packet::syn(s.listed).port(80),
                    Outcome::Ignored,
                ),
                ("malformed", Packet::syn(s.listed).keep(7), malformed),
            ]
        };
        let seen = Outcome::Seen(s.family);
        let would_drop = Outcome::WouldDrop(s.family, Reason::Feed);
        let (allowed, passed, malformed) = (s.allowed(), s.passed(), s.malformed());
        #[rustfmt::skip]
        let modes = [
            (Mode::Off, cases(seen, seen, seen, Outcome::Ignored)),
            (Mode::Monitor, cases(would_drop, allowed, passed, malformed)),
            (Mode::Enforce, cases(s.dropped(), allowed, passed, malformed)),
        ];
        for (mode, cases) in modes {
            check(&mut gate(mode), &cases);
        }
    }
}

#[test]
fn every_reason_has_its_counters() {
    let mut gate = Gate::load();
    for (host, reason) in (1..).zip(Reason::ALL) {
        gate.list(&format!("192.0.2.{host}"), reason);
        gate.list(&format!("2001:db8::{host}"), reason);
    }
    for (mode, outcome) in [
        (Mode::Enforce, Outcome::Dropped as fn(_, _) -> _),
        (Mode::Monitor, Outcome::WouldDrop),
    ] {
        gate.configure(mode, 0, &[25]);
        for (host, reason) in (1..).zip(Reason::ALL) {
            let v4 = Packet::syn(&format!("192.0.2.{host}"));
            let v6 = Packet::syn(&format!("2001:db8::{host}"));
            #[rustfmt::skip]
            let cases = [
                (reason.code(), v4, outcome(Family::V4, reason)),
                (reason.code(), v6, outcome(Family::V6, reason)),
            ];
            check(&mut gate, &cases);
        }
    }
}

#[test]
fn guarded_ports() {
    let mut gate = gate(Mode::Enforce);
    for s in [V4, V6] {
        let listed = |port| Packet::syn(s.listed).port(port);

        gate.configure(Mode::Enforce, 0, &[]);
        #[rustfmt::skip]
        let none_guarded = [
            ("port 25", listed(25), Outcome::Ignored),
            ("port 0", listed(0), Outcome::Ignored),
        ];
        check(&mut gate, &none_guarded);

        let ports = [25, 465, 587, 2525, 1, 65_535, 110, 143];
        gate.configure(Mode::Enforce, 0, &ports);
        for port in ports {
            check(&mut gate, &[("one of eight", listed(port), s.dropped())]);
        }
        #[rustfmt::skip]
        let others = [
            ("port 0", listed(0), Outcome::Ignored),
            ("another", listed(26), Outcome::Ignored),
            ("its bytes swapped", listed(25_u16.swap_bytes()), Outcome::Ignored),
            ("from a guarded port", listed(80).source_port(25), Outcome::Ignored),
        ];
        check(&mut gate, &others);

        gate.configure(Mode::Enforce, 0, &[0, 0, 0, 0, 0, 0, 0, 25]);
        #[rustfmt::skip]
        let last_slot = [
            ("in the last slot", listed(25), s.dropped()),
            ("an unused slot", listed(0), Outcome::Ignored),
        ];
        check(&mut gate, &last_slot);
    }
}

#[test]
fn invariant_3_only_a_syn_without_ack_is_judged() {
    use flags::{ACK, CWR, ECE, FIN, PSH, RST, SYN};
    let mut gate = gate(Mode::Enforce);
    for s in [V4, V6] {
        let listed = |flags| Packet::syn(s.listed).flags(flags);
        let reserved = listed(SYN).set(Layer::Payload, 12, &[0x5f]);
        #[rustfmt::skip]
        let cases = [
            ("SYN", listed(SYN), s.dropped()),
            ("SYN that asks for ECN", listed(SYN | ECE | CWR), s.dropped()),
            ("SYN with ECE", listed(SYN | ECE), s.dropped()),
            ("SYN with CWR", listed(SYN | CWR), s.dropped()),
            ("SYN with data", listed(SYN).data(100), s.dropped()),
            ("SYN with options", listed(SYN).tcp_options(40), s.dropped()),
            ("SYN with options and data", listed(SYN).tcp_options(20).data(1), s.dropped()),
            ("SYN with reserved bits", reserved, s.dropped()),
            ("SYN with PSH", listed(SYN | PSH), s.dropped()),
            // Linux answers neither; both are SYNs without ACK.
            ("SYN with RST", listed(SYN | RST), s.dropped()),
            ("SYN with FIN", listed(SYN | FIN), s.dropped()),
            ("SYN and ACK", listed(SYN | ACK), Outcome::Ignored),
            ("SYN and ACK and ECE", listed(SYN | ACK | ECE), Outcome::Ignored),
            ("ACK", listed(ACK), Outcome::Ignored),
            ("ACK with data", listed(ACK | PSH).data(500), Outcome::Ignored),
            ("RST", listed(RST), Outcome::Ignored),
            ("RST and ACK", listed(RST | ACK), Outcome::Ignored),
            ("FIN", listed(FIN), Outcome::Ignored),
            ("FIN and ACK", listed(FIN | ACK), Outcome::Ignored),
            ("no flag", listed(0), Outcome::Ignored),
            ("ECE and CWR alone", listed(ECE | CWR), Outcome::Ignored),
        ];
        check(&mut gate, &cases);
        for flags in 0..=u8::MAX {
            let is_syn = flags & SYN != 0 && flags & ACK == 0;
            let expected = if is_syn {
                s.dropped()
            } else {
                Outcome::Ignored
            };
            let case = format!("flags {flags:#04x}");
            check(&mut gate, &[(&case, listed(flags), expected)]);
        }
    }
}

/// Numbers that are neither TCP nor, in IPv6, a header that is stepped over.
#[rustfmt::skip]
const OTHER_PROTOCOLS: [u8; 23] = [
    1, 2, 4, 17, 41, 46, 47, 50, 51, 58, 59, 88, 89, 103, 112, 132, 135, 136, 137, 139, 140, 253, 255,
];

#[test]
fn invariant_3_other_protocols_pass() {
    let mut gate = gate(Mode::Enforce);
    // What would be a SYN to port 25, were it TCP.
    let segment = &Packet::syn(V4.listed).frame()[ETHERNET + 20..];
    for s in [V4, V6] {
        for protocol in OTHER_PROTOCOLS {
            let packet = Packet::syn(s.listed).protocol(protocol, segment);
            let case = format!("protocol {protocol}");
            check(&mut gate, &[(&case, packet, Outcome::Ignored)]);
        }
        let short = Packet::syn(s.listed).protocol(17, &[0, 25]);
        check(&mut gate, &[("UDP cut short", short, Outcome::Ignored)]);
    }
    // IPv6's extension headers mean nothing in IPv4.
    for protocol in [0, 43, 44, 60] {
        let packet = Packet::syn(V4.listed).protocol(protocol, &[6, 0, 0, 0, 0, 0, 0, 0]);
        let case = format!("protocol {protocol}");
        check(&mut gate, &[(&case, packet, Outcome::Ignored)]);
    }
}

#[test]
fn invariant_3_other_ethertypes_pass() {
    let mut gate = gate(Mode::Enforce);
    let ip = &Packet::syn(V4.listed).frame()[ETHERNET..];
    for (what, ethertype) in [
        ("802.3 length", 0x0028_u16),
        ("loopback", 0x9000),
        ("ARP", 0x0806),
        ("reverse ARP", 0x8035),
        ("QinQ before its standard", 0x9100),
        ("MPLS", 0x8847),
        ("PPPoE session", 0x8864),
        ("MACsec", 0x88e5),
        ("LLDP", 0x88cc),
        ("IPv4's, bytes swapped", 0x0008),
    ] {
        let mut frame = vec![2; 12];
        frame.extend(ethertype.to_be_bytes());
        frame.extend(ip);
        assert_eq!(gate.judge(&frame), Outcome::Ignored, "{what}");
    }
}
