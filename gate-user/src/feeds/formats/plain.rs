//! Format `plain`, as netsets and ipsets are published (FireHOL, IPsum, Spamhaus drop.txt): an
//! address or network a line. `#` and `;` begin a comment; one behind a network is its evidence, and
//! those before the first network may tell how many there are, and when the list was made.

use super::{Parsed, header::Header, line};
use crate::book::FeedEntry;

pub(super) fn parse(bytes: &[u8], max: usize) -> Parsed {
    let mut parsed = Parsed::default();
    let mut header = Header::default();
    for (number, line) in line::numbered(bytes) {
        let comment = line.iter().position(|byte| matches!(byte, b'#' | b';'));
        let (data, comment) = line.split_at(comment.unwrap_or(line.len()));
        let data = data.trim_ascii_end();
        if data.is_empty() {
            if parsed.good_lines == 0 {
                header.take(comment.get(1..).unwrap_or_default());
            }
            continue;
        }
        match line::network_of(data) {
            Ok(network) => {
                let evidence = line::evidence(comment.get(1..).unwrap_or_default());
                parsed.add(FeedEntry { network, evidence }, max);
            }
            Err(error) => parsed.bad_lines.add(number, line, || error.to_string()),
        }
    }
    parsed.claim = header.claim();
    parsed.made = header.made();
    parsed
}

#[cfg(test)]
mod tests {
    use super::super::{
        Claim, parse,
        tests::{bad, entries},
    };
    use crate::config::ListFormat::Plain;

    #[test]
    fn what_a_line_gives() {
        for (line, expected) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("  192.0.2.7\t", "192.0.2.7/32"),
            ("192.0.2.0/24 ; SBL1", "192.0.2.0/24 SBL1"),
            ("192.0.2.7 # bot; again", "192.0.2.7/32 bot; again"),
            ("192.0.2.7#", "192.0.2.7/32"),
            (
                "192.0.2.7 # Soci\u{e9}t\u{e9}",
                "192.0.2.7/32 Soci\u{e9}t\u{e9}",
            ),
            ("\u{feff}192.0.2.7\r\n", "192.0.2.7/32"),
            ("# 192.0.2.7", ""),
            ("; 192.0.2.7", ""),
            ("", ""),
            (" \t\r\n", ""),
            ("192.0.2.9\n192.0.2.7", "192.0.2.7/32, 192.0.2.9/32"),
            ("192.0.2.7 #a\n192.0.2.7 #b", "192.0.2.7/32 a"),
            ("192.0.2.7\n::ffff:192.0.2.7", "192.0.2.7/32"),
        ] {
            assert_eq!(entries(&Plain, line.as_bytes()), expected, "{line:?}");
        }
    }

    #[test]
    fn what_is_a_bad_line() {
        for (line, why) in [
            (
                &b"192.0.2.7/24"[..],
                "host bits set: the network is 192.0.2.0/24",
            ),
            (b"192.0.2.0/33", "not a network"),
            (b"192.0.2.1 - 192.0.2.9", "not a network"),
            (b"192.0.2.7\t9", "not a network"),
            (b"192.0.2.7,spam", "not a network"),
            (b"192.0.02.7", "not a network"),
            (b"example.org", "not a network"),
            (b"fe80::1%eth0", "not a network"),
            (b"<html>", "not a network"),
            (b"192.0.2.7\0", "not a network"),
            (b"\xff\xfe1\x009\x002\x00", "not a network"),
            (&[b'1'; 5000], "5000 bytes long"),
        ] {
            let bad = bad(&Plain, line);
            assert!(bad.contains(why), "{why}: {bad}");
        }
    }

    #[test]
    fn the_head_tells_the_length_and_the_date() {
        let head = "#\n# example\n#\n# This File Date  : Tue Nov 14 22:13:20 UTC 2023\n\
                    # Entries         : 2 subnets, 257 unique IPs\n#\n";
        let list = "192.0.2.0/24\n198.51.100.7\n";
        let parsed = parse(&Plain, format!("{head}{list}").as_bytes());
        assert_eq!(parsed.claim, Claim::Records(2));
        assert_eq!(parsed.made, Some("2023-11-14T22:13:20Z".parse().unwrap()));
        let later = parse(&Plain, format!("{list}{head}").as_bytes());
        assert_eq!((later.claim, later.made), (Claim::None, None));
    }
}
