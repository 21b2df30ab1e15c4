//! Names in and out of text.

use proptest::prelude::*;

use super::*;

#[test]
fn names_as_text() {
    for (text, printed) in [
        ("mail.example.com", "mail.example.com"),
        ("mail.example.com.", "mail.example.com"),
        ("MAIL.Example.COM", "mail.example.com"),
        (".", "."),
        ("", "."),
        ("_dmarc.example", "_dmarc.example"),
        ("*.example", "*.example"),
        ("7.0/25.2.0.192.in-addr.arpa", "7.0/25.2.0.192.in-addr.arpa"),
        (r"a\.b.example", r"a\.b.example"),
        (r"a\046b.example", r"a\.b.example"),
        (r"a\065.example", "aa.example"),
        (r"a\032b\000\255.example", r"a\032b\000\255.example"),
        ("a b.example", r"a\032b.example"),
        (
            r#"a\"b\;c\(d\)e\@f\$g\\.example"#,
            r#"a\"b\;c\(d\)e\@f\$g\\.example"#,
        ),
    ] {
        assert_eq!(text.parse::<Name>().unwrap().to_string(), printed, "{text}");
    }
}

#[test]
fn what_is_no_name() {
    let long_label = "x".repeat(64);
    let long = [
        "x".repeat(63),
        "x".repeat(63),
        "x".repeat(63),
        "x".repeat(62),
    ]
    .join(".");
    let longest = &long[1..];
    assert!(
        longest.parse::<Name>().is_ok(),
        "253 characters are 255 bytes on the wire"
    );
    for (text, expected) in [
        ("..", "an empty label"),
        ("a..b", "an empty label"),
        (".a", "an empty label"),
        (&long_label, "longer than 63 bytes"),
        (&long, "longer than 255 bytes"),
        ("b\u{fc}cher.example", "expected ASCII"),
        (r"a\", "behind \\"),
        (r"a\1", "behind \\"),
        (r"a\12x", "behind \\"),
        (r"a\256", "behind \\"),
    ] {
        let error = text.parse::<Name>().expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn reverse_names() {
    for (address, expected) in [
        ("192.0.2.7", "7.2.0.192.in-addr.arpa"),
        ("::ffff:192.0.2.7", "7.2.0.192.in-addr.arpa"),
        (
            "2001:db8::1",
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
        ),
    ] {
        let name = Name::reverse_of(address.parse().unwrap());
        assert_eq!(name.to_string(), expected);
        assert_eq!(name, expected.parse().unwrap());
    }
}

proptest! {
    #[test]
    fn any_octets_come_out_printable_and_go_in_again(
        labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..=63), 0..4)
            .prop_filter("fits", |labels| labels.iter().map(|l| l.len() + 1).sum::<usize>() < 255)
    ) {
        let wire = rr::Name::from_labels(labels.iter().map(Vec::as_slice)).unwrap();
        let name = Name::from_wire(&wire);
        let text = name.to_string();
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{}", text);
        prop_assert_eq!(text.parse::<Name>().unwrap(), name);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), escaped in r"[\\.0-9a-z]{0,300}") {
        for text in [text, escaped] {
            if let Ok(name) = text.parse::<Name>() {
                prop_assert_eq!(name.to_string().parse::<Name>().unwrap(), name);
            }
        }
    }
}
