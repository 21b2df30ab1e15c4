//! Format `drop-txt`: the Spamhaus DROP lists as text, <https://www.spamhaus.org/drop/drop.txt>. A
//! network a line, and behind `;` its SBL record, kept as evidence; a line that begins with `;` is a
//! comment. Unlike `plain` it takes no list whose head is not there.

use super::{
    Claim, Parsed,
    header::Header,
    line::{self, LineError},
};
use crate::book::FeedEntry;

pub(super) fn parse(bytes: &[u8], max: usize) -> Parsed {
    let mut parsed = Parsed::default();
    let mut header = Header::default();
    let mut has_head = false;
    for (number, line) in line::numbered(bytes) {
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix(b";") {
            has_head |= parsed.good_lines == 0;
            header.take(comment);
            continue;
        }
        match entry(line) {
            Ok(entry) => {
                parsed.add(entry, max);
            }
            Err(error) => parsed.bad_lines.add(number, line, || error.to_string()),
        }
    }
    parsed.made = header.made();
    parsed.claim = if has_head {
        header.claim()
    } else {
        Claim::NoHead
    };
    parsed
}

fn entry(line: &[u8]) -> Result<FeedEntry, LineError> {
    let end = line.iter().position(|&byte| byte == b';');
    let (network, record) = line.split_at(end.unwrap_or(line.len()));
    Ok(FeedEntry {
        network: line::network_of(network.trim_ascii_end())?,
        evidence: line::evidence(record.get(1..).unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{
        Claim, parse,
        tests::{bad, entries},
    };
    use crate::config::ListFormat::DropTxt;

    #[test]
    fn what_a_line_gives() {
        for (line, expected) in [
            ("192.0.2.0/24 ; SBL1", "192.0.2.0/24 SBL1"),
            ("192.0.2.0/24;SBL1\r\n", "192.0.2.0/24 SBL1"),
            ("2001:db8::/32 ; SBL2", "2001:db8::/32 SBL2"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("; 192.0.2.0/24 ; SBL1", ""),
            ("", ""),
        ] {
            assert_eq!(entries(&DropTxt, line.as_bytes()), expected, "{line:?}");
        }
    }

    #[test]
    fn what_is_a_bad_line() {
        for (line, why) in [
            (
                "192.0.2.7/24 ; SBL1",
                "host bits set: the network is 192.0.2.0/24",
            ),
            ("# 192.0.2.0/24", "not a network"),
            ("<html>", "not a network"),
            (&"1".repeat(5000), "5000 bytes long"),
        ] {
            let bad = bad(&DropTxt, line.as_bytes());
            assert!(bad.contains(why), "{why}: {bad}");
        }
    }

    #[test]
    fn the_head_tells_the_date_and_that_this_is_such_a_list() {
        let head = "; Spamhaus DROP List 2023/11/14 - (c) 2023 The Spamhaus Project\n\
                    ; Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\n";
        let parsed = parse(&DropTxt, format!("{head}192.0.2.0/24 ; SBL1\n").as_bytes());
        assert_eq!(parsed.claim, Claim::None);
        assert_eq!(parsed.made, Some("2023-11-14T22:13:20Z".parse().unwrap()));
        let parsed = parse(&DropTxt, format!("192.0.2.0/24 ; SBL1\n{head}").as_bytes());
        assert_eq!(parsed.claim, Claim::NoHead);
    }
}
