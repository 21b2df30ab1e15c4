//! Format `drop-json`: the Spamhaus DROP lists as JSON lines,
//! <https://www.spamhaus.org/drop/drop_v4.json>. A record a line, `cidr` and `sblid` (kept as
//! evidence); the last line is metadata, with the time of the list and the number of its records.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    Claim, Parsed,
    line::{self, LineError},
};
use crate::{book::FeedEntry, network::Network};

/// A line, with the keys that matter of both kinds.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    cidr: Option<Text<'a>>,
    #[serde(borrow)]
    sblid: Option<Text<'a>>,
    records: Option<u64>,
    timestamp: Option<i64>,
}

/// Text that is copied only where it has escapes (an `Option<Cow<str>>` would always be).
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

enum Content {
    Entry(FeedEntry),
    Metadata { records: u64, made: Timestamp },
}

pub(super) fn parse(bytes: &[u8], max: usize) -> Parsed {
    let mut parsed = Parsed {
        claim: Claim::Missing,
        ..Parsed::default()
    };
    // Two lists written one behind the other make one list: their claims add up.
    let mut claimed = 0;
    for (number, line) in line::numbered(bytes) {
        if line.is_empty() {
            continue;
        }
        // A list ends with its metadata: what ends otherwise was cut off.
        parsed.claim = Claim::Missing;
        match content(line) {
            Ok(Content::Entry(entry)) => {
                parsed.add(entry, max);
            }
            Ok(Content::Metadata { records, made }) => {
                claimed = u64::saturating_add(claimed, records);
                parsed.claim = Claim::Records(claimed);
                parsed.made = Some(made);
            }
            Err(error) => parsed.bad_lines.add(number, line, || error.to_string()),
        }
    }
    parsed
}

fn content(line: &[u8]) -> Result<Content, LineError> {
    if !line.starts_with(b"{") {
        return Err(LineError::NotAnObject);
    }
    let line: Line<'_> = serde_json::from_slice(line::of_sane_length(line)?)?;
    if line.kind.is_some_and(|Text(kind)| kind == "metadata") {
        return Ok(Content::Metadata {
            records: line.records.ok_or(LineError::NoRecords)?,
            made: line
                .timestamp
                .and_then(|at| Timestamp::from_second(at).ok())
                .ok_or(LineError::NoTimestamp)?,
        });
    }
    let network: Network = line::network(&line.cidr.ok_or(LineError::NoCidr)?.0)?;
    Ok(Content::Entry(FeedEntry {
        network,
        evidence: line
            .sblid
            .and_then(|Text(sblid)| line::evidence(sblid.as_bytes())),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::{
        Claim, parse,
        tests::{bad, entries},
    };
    use crate::config::ListFormat::DropJson;

    const END: &str = r#"{"type":"metadata","timestamp":1700000000,"size":9,"records":1}"#;

    #[test]
    fn what_a_line_gives() {
        for (line, expected) in [
            (
                r#"{"cidr":"192.0.2.0/24","sblid":"SBL1","rir":"x"}"#,
                "192.0.2.0/24 SBL1",
            ),
            (
                r#"{"cidr":"2001:db8::/32","sblid":"SBL2"}"#,
                "2001:db8::/32 SBL2",
            ),
            (
                r#"{"sblid":"a\u001bb","cidr":"192.0.2.7"}"#,
                r"192.0.2.7/32 a\u{1b}b",
            ),
            (r#"{"cidr":"192.0.2.0\/24"}"#, "192.0.2.0/24"),
            (r#"  {"cidr":"192.0.2.0/24","sblid":null} "#, "192.0.2.0/24"),
            ("", ""),
            (END, ""),
        ] {
            assert_eq!(entries(&DropJson, line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn what_is_a_bad_line() {
        for (line, why) in [
            (
                r#"{"cidr":"192.0.2.7/24"}"#,
                "host bits set: the network is 192.0.2.0/24",
            ),
            (r#"{"cidr":"x"}"#, "not a network"),
            (r#"{"cidr":7}"#, "invalid type: integer `7`, expected"),
            (r#"{"sblid":"SBL1"}"#, "no `cidr`"),
            (r#"{"type":"metadata"}"#, "metadata without `records`"),
            (
                r#"{"type":"metadata","records":1}"#,
                "metadata without `timestamp`",
            ),
            (
                r#"{"type":"metadata","records":-1}"#,
                "invalid value: integer `-1`",
            ),
            (
                r#"{"cidr":"192.0.2.0/24""#,
                "EOF while parsing an object (column 22)",
            ),
            ("192.0.2.0/24", "not a JSON object"),
            (
                r#"[null,"192.0.2.0/24",null,null,null]"#,
                "not a JSON object",
            ),
            ("; Spamhaus DROP", "not a JSON object"),
            (
                &format!(r#"{{"x":{}"#, "[".repeat(4000)),
                "EOF while parsing a list",
            ),
            (
                &format!(r#"{{"cidr":"{}"}}"#, "1".repeat(5000)),
                "bytes long",
            ),
        ] {
            let bad = bad(&DropJson, line.as_bytes());
            assert!(bad.contains(why), "{why}: {bad}");
        }
    }

    #[test]
    fn the_metadata_is_the_end() {
        let record = r#"{"cidr":"192.0.2.0/24","sblid":"SBL1"}"#;
        for (lines, claim) in [
            (vec![record, END], Claim::Records(1)),
            (vec![record, END, ""], Claim::Records(1)),
            (vec![record, END, record, END], Claim::Records(2)),
            (vec![record], Claim::Missing),
            (
                vec![record, r#"{"type":"metadata","records":1}"#],
                Claim::Missing,
            ),
            (vec![END, record], Claim::Missing),
            (vec![], Claim::Missing),
        ] {
            let parsed = parse(&DropJson, lines.join("\n").as_bytes());
            assert_eq!(parsed.claim, claim, "{lines:?}");
        }
        let made = parse(&DropJson, END.as_bytes()).made;
        assert_eq!(made, Some("2023-11-14T22:13:20Z".parse().unwrap()));
    }
}
