//! What names say, one a line; and that none of them is too much for the classifier.

use proptest::prelude::*;

use super::*;

fn class(name: &str, address: &str) -> NameClass {
    classify(name, address.parse().unwrap()).class
}

/// Each name, of 12.34.56.78, is given the class.
fn are(class_of: NameClass, names: &[&str]) {
    for name in names {
        let found = classify(name, [12, 34, 56, 78].into());
        assert_eq!(found.class, class_of, "{name}: {}", found.evidence);
    }
}

#[test]
fn an_address_alone_is_generic() {
    are(
        NameClass::Generic,
        &[
            "host-12-34-56-78.foo.bar.com",
            "HOST-12-34-56-78.Foo.Bar.COM.",
            "12.34.56.78.example.net",
            "78.56.34.12.example.net",
            "78-56-34-12.example.net",
            "12_34_56_78.example.net",
            "host-012-034-056-078.example.net",
            "host012034056078.example.net",
            "h12345678.example.net",
            "78.net-12-34-56.example.net",
            "12x34x56x78.example.net",
            "203569230.example.net",
            "h0c22384e.example.net",
            "H0C22384E.example.net",
            "h4e38220c.example.net",
            "0c-22-38-4e.example.net",
            "4e.38.220c.ip4.example.net",
            "x-3d770u.example.net",
            "ip-34-56-78.example.net",
            "ip-12-34-56.example.net",
            "ip-56-78.example.net",
            "h22384e.example.net",
            "ec2-12-34-56-78.compute-1.example.com",
            "ns987651.ip-12-34-56.example",
            "78.56.34.12.in-addr.arpa",
            "vps987651.example.net",
            "unassigned.example.net",
        ],
    );
}

#[test]
fn a_number_is_not_taken_for_an_octet_by_chance() {
    are(
        NameClass::Unknown,
        &[
            "a56.example.net",
            "rack12-node34.example.net",
            "a56-78.example.net",
            "a-5-6-78.example.net",
            "a112-34-56.example.net",
            "a12-3456-78.example.net",
        ],
    );
    // Few digits: 1.2.3 is a version as well.
    assert_eq!(class("v1-2-3.example.net", "192.1.2.3"), NameClass::Unknown);
    assert_eq!(class("mx1-2-3.example.net", "192.1.2.3"), NameClass::Mail);
    assert_eq!(class("srv7.example.net", "192.0.2.7"), NameClass::Unknown);
    assert_eq!(class("srv8.example.net", "192.0.2.7"), NameClass::Static);
}

#[test]
fn access_lines_are_dynamic() {
    are(
        NameClass::Dynamic,
        &[
            "c-12-34-56-78.hsd1.ca.example.net",
            "p0C22384E.dip0.example.de",
            "12-34-56-78.dsl.example.net",
            "pool-12-34-56-78.example.net",
            "dhcp-56-78.example.edu",
            "cpe-12-34-56-78.example.net",
            "dsl.12.34.56.78.example.net",
            "78.56.pool.34.12.dyn.example.net",
            "a12345.dsl.example.net",
            "dynamic.example.net",
            "dialup-23.example.net",
            "cust4711.tower3.cable.example.net",
        ],
    );
}

#[test]
fn a_word_for_fixed_addresses_lifts_both() {
    are(
        NameClass::Static,
        &[
            "static-12-34-56-78.example.net",
            "12-34-56-78.static.dsl.example.net",
            "static.78.56.34.12.clients.example.de",
            "12-34-56-78.sta.example.ee",
            "fixed-12-34-56-78.cable.example.net",
            "ip-12-34-56-78.fixe.example.fr",
            "static.example.net",
        ],
    );
}

#[test]
fn servers_of_mail() {
    are(
        NameClass::Mail,
        &[
            "mail.example.com",
            "mx1.example.co.uk",
            "o1.ptr1234.mail.example",
            "mail-ed1-f41.example.com",
            "mail-sor-f41.example.com",
            "mail-sor-f78.example.com",
            "a56-78.smtp-out.example",
            "mta-34-56-78.example.com",
            "mail56-78.atl131.example.com",
            "mx0a-00123456.example.com",
            "eur05-am6-obe.outbound.protection.example.com",
            "wfbtzhfb.outbound-mail.example.net",
            "12-34-56-78.mail-out.example.com",
            "mail.dsl.example.net",
            "mx2.mobile.example.net",
            "mail.pool.example.com",
        ],
    );
    // The domain has to do with mail, but says no more than that.
    are(
        NameClass::Unknown,
        &["m56-78.mailgun.example", "12-34-56-78.mailing.example"],
    );
}

#[test]
fn a_label_in_front_is_not_the_registrants_word() {
    are(
        NameClass::Dynamic,
        &[
            "mail.dsl-12-34-56-78.example.net",
            "smtp.12-34-56-78.pool.example.net",
            "static.dsl-12-34-56-78.example.net",
            "mx.cust4711.dsl4711.example.net",
            "smtp-12-34-56-78.dsl.example.net",
        ],
    );
    are(
        NameClass::Generic,
        &["mail.12-34-56-78.example.net", "mx1.h0c22384e.example.net"],
    );
}

#[test]
fn a_label_for_mail_in_front_does_not_make_a_customer_a_mail_server() {
    for (name, expected) in [
        ("mail.12-34.dyn.example.net", NameClass::Dynamic),
        ("mail.34-56.dyn.example.net", NameClass::Unknown),
        ("mx1.78.56.dynamic.example.net", NameClass::Dynamic),
        ("mail.p5.56-78.pool.example.net", NameClass::Dynamic),
        ("mail.user12345.dsl.example.net", NameClass::Dynamic),
        ("mail.cpe-00aabbccddee.example.net", NameClass::Dynamic),
        ("mail.cpe-aa-bb-cc-0d-ee-ff.example.net", NameClass::Dynamic),
        ("mail.c0aabbccddee.cust.dsl.example.net", NameClass::Dynamic),
        ("mail.abc123.dhcp.example.net", NameClass::Dynamic),
        ("mail.user12345.pool.example.net", NameClass::Unknown),
        ("mta.dialup.example.net", NameClass::Unknown),
        ("smtp.pppoe.example.net", NameClass::Unknown),
        ("smtp.pppoe.dsl.example.net", NameClass::Unknown),
        ("mail.dhcp.example.net", NameClass::Unknown),
        ("mx.cpe.example.net", NameClass::Unknown),
        // The provider's own, or a sender that numbers its hosts.
        ("mail123.dsl.example.net", NameClass::Mail),
        ("mail123-pool.example.net", NameClass::Mail),
        ("mx1.customer-mail.dsl.example.net", NameClass::Mail),
        ("mail.56-78.example.com", NameClass::Mail),
        ("host56-78.mail.example.com", NameClass::Mail),
        ("mail-ip56-78.example.com", NameClass::Mail),
    ] {
        assert_eq!(class(name, "12.34.56.78"), expected, "{name}");
    }
}

#[test]
fn a_label_for_fixed_addresses_in_front_does_not_lift_what_may_be_a_line() {
    are(
        NameClass::Dynamic,
        &[
            "static.12-34-56-78.pool.example.net",
            "fix.12-34-56-78.cable.example.net",
        ],
    );
    are(NameClass::Static, &["static.12-34-56-78.example.net"]);
}

#[test]
fn a_word_with_other_meanings_lists_nobody_by_itself() {
    for name in [
        "node5.cgn.example.de",
        "esse1.dip.example.it",
        "cluster1.bras.example.com",
        "lb1.pon.example.com",
        "a1.slip.example.com",
        "gsm2.example.com",
        "lotus1.hotspot.example.com",
        "exit1.wlan.example.edu",
    ] {
        let found = classify(name, [12, 34, 56, 78].into());
        let listed = found.class == NameClass::Dynamic && found.confidence > Confidence::Low;
        assert!(!listed, "{name}: {}", found.evidence);
    }
    for word in [
        "cgn", "dip", "bras", "pon", "slip", "gsm", "hotspot", "wlan",
    ] {
        let name = format!("12-34-56-78.{word}.example.net");
        let found = classify(&name, [12, 34, 56, 78].into());
        let (class, sure) = (found.class, found.confidence);
        assert_eq!((class, sure), (NameClass::Dynamic, Confidence::Medium));
    }
}

#[test]
fn a_part_of_a_word_is_no_word() {
    are(
        NameClass::Unknown,
        &[
            "mailing.example.com",
            "blackmail.example.com",
            "outlook.example.com",
            "hemx.example.com",
            "dslx.pooled.example.com",
            "xn--mail-7qa.example.com",
            "cable.example.com",
            "example.com",
            "mailing",
            "",
        ],
    );
}

#[test]
fn addresses_of_ipv6() {
    let address = "2001:db8:0:12:34:56:78:9abc";
    for (name, expected) in [
        (
            "2001-db8-0-12-34-56-78-9abc.example.net",
            NameClass::Generic,
        ),
        (
            "2001-0db8-0000-0012-0034-0056-0078-9abc.example.net",
            NameClass::Generic,
        ),
        (
            "20010db8000000120034005600789abc.dyn.example.net",
            NameClass::Dynamic,
        ),
        (
            "c.b.a.9.8.7.0.0.6.5.0.0.4.3.0.0.2.1.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.example.net",
            NameClass::Generic,
        ),
        ("2001-db8--12-34-56-78-9abc.example.net", NameClass::Generic),
        ("h0034005600789abc.example.net", NameClass::Generic),
        ("p-34-56-78-9abc.dip0.example.de", NameClass::Dynamic),
        ("h00789abc.example.net", NameClass::Generic),
        ("2001-db8-0-13.example.net", NameClass::Unknown),
        ("a34-56.example.net", NameClass::Unknown),
        ("mail-ej1-x62a.example.com", NameClass::Mail),
    ] {
        assert_eq!(class(name, address), expected, "{name}");
    }
    let few = "2001:db8:1:1:1::25";
    assert_eq!(class("web1-1-1-1.example.com", few), NameClass::Static);
    assert_eq!(class("rack-1-1-1.example.com", few), NameClass::Unknown);
    for (name, address, sure) in [
        (
            "h-11-12-13.example.net",
            "2001:db8:11:12:13::1",
            Confidence::Medium,
        ),
        (
            "h-11-12-13-14.example.net",
            "2001:db8:11:12:13:14::",
            Confidence::High,
        ),
    ] {
        let found = classify(name, address.parse().unwrap());
        assert_eq!(found.class, NameClass::Generic, "{name}");
        assert_eq!(found.confidence, sure, "{name}");
    }
    let short = "2001:db8::1";
    assert_eq!(class("2001-db8--1.example.net", short), NameClass::Generic);
    assert_eq!(class("2001-db8--2.example.net", short), NameClass::Unknown);
    let mapped = "::ffff:12.34.56.78";
    assert_eq!(
        class("h-12-34-56-78.example.net", mapped),
        NameClass::Generic
    );
}

#[test]
fn digits_of_the_address_are_no_word() {
    for (name, address, expected) in [
        ("hfc000207.example.net", "252.0.2.7", NameClass::Generic),
        ("hfc000207.example.net", "192.0.2.7", NameClass::Dynamic),
        ("cpe0ac00207.example.net", "10.192.2.7", NameClass::Dynamic),
        ("xcpec0000207.example.net", "192.0.2.7", NameClass::Generic),
        ("cpe-c0000207.example.net", "192.0.2.7", NameClass::Dynamic),
    ] {
        assert_eq!(class(name, address), expected, "{name}");
    }
}

#[test]
fn evidence_says_what_and_where() {
    for (name, sure, evidence) in [
        (
            "host-12-34-56-78.foo.bar.com",
            Confidence::High,
            "octets 1 to 4 in decimal in label 1",
        ),
        (
            "78.56.34.12.dsl.example.net",
            Confidence::High,
            "octets 1 to 4 in decimal, reversed in labels 1 to 4, \"dsl\" in label 5",
        ),
        (
            "ip-34-56-78.example.net",
            Confidence::Medium,
            "octets 2 to 4 in decimal in label 1",
        ),
        ("mx1.example.net", Confidence::High, "\"mx\" in label 1"),
        (
            "vps987651.example.net",
            Confidence::Low,
            "a serial number in label 1",
        ),
        ("example.net", Confidence::Low, "nothing"),
    ] {
        let found = classify(name, [12, 34, 56, 78].into());
        assert_eq!(found.confidence, sure, "{name}");
        assert_eq!(found.evidence.to_string(), evidence, "{name}");
    }
}

#[test]
fn hostile_names() {
    let many = "12-34-56-78.".repeat(21);
    let labels = ".".repeat(255);
    let words = "mx.".repeat(85);
    let numbers = "1a".repeat(127);
    for name in [
        &many,
        &labels,
        &words,
        &numbers,
        "..",
        ".",
        "\\",
        "\\0",
        "\\046",
        "\\.\\",
        "a\\",
        "\u{0}",
        "\u{7f}\u{1b}[2J",
        "_dmarc._tcp",
        "xn--",
        "é.mail.é",
        "\u{130}\u{212a}",
        "-.-.-",
        "999999999999999999999999.example",
        "0x0c22384e.example",
    ] {
        for address in ["12.34.56.78", "0.0.0.0", "::", "2001:db8::1"] {
            class(name, address);
        }
    }
    // An escaped dot parts nothing, and an escape's digits are no octet.
    are(
        NameClass::Unknown,
        &["\\012-34-56.example.net", "a\\046\\012\\034.example.net"],
    );
    let long = format!("mail.{}", "a.".repeat(126));
    assert_eq!(class(&long, "12.34.56.78"), NameClass::Unknown);
}

fn octets() -> impl Strategy<Value = [u8; 4]> {
    prop::array::uniform4(10_u8..)
}

proptest! {
    #[test]
    fn no_name_panics(name in "(\\PC|[.\\\\0-9a-f-]){0,300}", v4: u32, v6: u128) {
        classify(&name, IpAddr::V4(v4.into()));
        classify(&name, IpAddr::V6(v6.into()));
    }

    #[test]
    fn case_and_a_final_dot_do_not_matter(name in "[a-fmxsl0-9.-]{0,40}[a-z]", octets in octets()) {
        let found = classify(&name, octets.into());
        let turned = classify(&format!("{}.", name.to_uppercase()), octets.into());
        prop_assert_eq!(found, turned);
    }

    #[test]
    fn every_way_to_write_an_address_is_found(octets in octets(), prefix in "(h|ip|host-|x-)") {
        let [a, b, c, d] = octets;
        let whole = u32::from_be_bytes(octets);
        for host in [
            format!("{a}-{b}-{c}-{d}"),
            format!("{d}.{c}.{b}.{a}"),
            format!("{a:03}{b:03}{c:03}{d:03}"),
            format!("{d}.x-{a}-{b}-{c}"),
            format!("{whole:08x}"),
            format!("{a:02x}-{b:02x}-{c:02x}-{d:02x}"),
            format!("{whole}"),
            format!("{b}-{c}-{d}"),
        ] {
            let found = classify(&format!("{prefix}{host}.example.net"), octets.into());
            prop_assert_eq!(found.class, NameClass::Generic, "{}{}", prefix, host);
        }
    }

    #[test]
    fn another_address_is_not_found(octets in octets(), other in octets()) {
        let same = octets.iter().filter(|octet| other.contains(octet)).count();
        prop_assume!(same == 0);
        let [a, b, c, d] = other;
        let name = format!("x{a}-{b}-{c}-{d}.example.net");
        prop_assert_eq!(classify(&name, octets.into()).evidence.embedded, None);
    }
}
