//! How feeds are written: bytes in, entries and bad lines out. A new format is a file here, a
//! variant of [`ListFormat`], and its line in [`parse`].

mod csv;
mod drop_json;
mod drop_txt;
mod header;
mod ip_count;
mod line;
mod plain;

use jiff::Timestamp;
use serde::Serialize;

use crate::{book::FeedEntry, config::ListFormat};

/// What a feed's file says. Whether it is believed is for [`judge`](super::judge) to decide.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Parsed {
    /// Its networks, sorted, each once.
    pub entries: Vec<FeedEntry>,
    /// How many lines gave a network, duplicates and those left out for their number included.
    pub good_lines: usize,
    /// How many networks were not kept: with them there are more than there may be.
    pub left_out: usize,
    /// The lines that should have given one and did not.
    pub bad_lines: BadLines,
    /// What the file says of its own length.
    pub claim: Claim,
    /// When the list was made, as it says itself; whole seconds.
    pub made: Option<Timestamp>,
}

/// What a file says of its own length.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Claim {
    /// Its format does not say.
    #[default]
    None,
    /// Its format says so at the end, but the end is not there.
    Missing,
    /// Its format begins with a head, but there is none.
    NoHead,
    /// It holds so many records.
    Records(u64),
}

/// Lines that should have given a network and did not.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct BadLines {
    /// How many there are.
    pub count: usize,
    /// The first of them, at most [`BadLines::SHOWN`].
    pub first: Vec<BadLine>,
}

/// A line that should have given a network and did not.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct BadLine {
    /// Its number, from 1.
    pub number: usize,
    /// Its beginning, made printable.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl BadLines {
    /// How many bad lines are kept to be shown.
    pub const SHOWN: usize = 20;

    fn add(&mut self, number: usize, line: &[u8], why: impl FnOnce() -> String) {
        self.add_some(1, number, line, why);
    }

    /// Of so many lines, the first one is shown.
    fn add_some(&mut self, lines: usize, number: usize, line: &[u8], why: impl FnOnce() -> String) {
        self.count += lines;
        if self.first.len() < Self::SHOWN {
            self.first.push(BadLine {
                number,
                text: line::printable(line),
                why: why(),
            });
        }
    }
}

impl Parsed {
    /// Takes what a good line gave. Once there are more than `max` networks, it is only counted.
    fn add(&mut self, entry: FeedEntry, max: usize) {
        self.good_lines += 1;
        if self.left_out == 0 && self.entries.len() > max.saturating_add(max / 4) {
            // What is given twice counts once.
            self.tidy();
            self.left_out = usize::from(self.entries.len() > max);
        } else if self.left_out > 0 {
            self.left_out += 1;
        }
        if self.left_out == 0 {
            self.entries.push(entry);
        }
    }

    /// Sorts the networks, each once.
    fn tidy(&mut self) {
        // A stable sort: of a network given twice, the first line's evidence stays.
        self.entries.sort_by_key(|entry| entry.network);
        self.entries.dedup_by_key(|entry| entry.network);
    }
}

/// Reads a whole file of that format. Never fails: what cannot be read is a bad line.
pub fn parse(format: &ListFormat, bytes: &[u8]) -> Parsed {
    parse_up_to(format, bytes, u32::MAX)
}

/// Likewise; of more than `max` networks the rest is not kept, because the whole is refused then.
pub(super) fn parse_up_to(format: &ListFormat, bytes: &[u8], max: u32) -> Parsed {
    let max = max as usize;
    let mut parsed = match format {
        ListFormat::Plain => plain::parse(bytes, max),
        ListFormat::DropJson => drop_json::parse(bytes, max),
        ListFormat::DropTxt => drop_txt::parse(bytes, max),
        ListFormat::Csv { column, delimiter } => csv::parse(bytes, column, *delimiter, max),
        ListFormat::IpCount { min_count } => ip_count::parse(bytes, *min_count, max),
    };
    parsed.tidy();
    parsed
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write as _, net::IpAddr};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        config::{Column, Delimiter, Guards},
        feeds::judge,
        network::Network,
    };

    /// The entries of a file without bad lines: `192.0.2.0/24 evidence, ...`.
    pub(super) fn entries(format: &ListFormat, bytes: &[u8]) -> String {
        let parsed = parse(format, bytes);
        assert_eq!(parsed.bad_lines, BadLines::default());
        let shown: Vec<String> = parsed
            .entries
            .iter()
            .map(|entry| match &entry.evidence {
                Some(evidence) => format!("{} {evidence}", entry.network),
                None => entry.network.to_string(),
            })
            .collect();
        shown.join(", ")
    }

    /// What is wrong with the one line of a file.
    pub(super) fn bad(format: &ListFormat, line: &[u8]) -> String {
        let parsed = parse(format, line);
        assert_eq!((parsed.good_lines, parsed.bad_lines.count), (0, 1));
        assert_eq!(parsed.bad_lines.first[0].number, 1);
        parsed.bad_lines.first[0].why.clone()
    }

    fn formats() -> [ListFormat; 6] {
        let csv = |column| ListFormat::Csv {
            column,
            delimiter: Delimiter::default(),
        };
        [
            ListFormat::Plain,
            ListFormat::DropJson,
            ListFormat::DropTxt,
            csv(Column::Number(2)),
            csv(Column::Name("ip".to_owned())),
            ListFormat::IpCount { min_count: 2 },
        ]
    }

    /// What a format keeps of an entry's evidence.
    fn kept(format: &ListFormat, mut entry: FeedEntry) -> FeedEntry {
        match format {
            ListFormat::Plain | ListFormat::DropJson | ListFormat::DropTxt => {}
            ListFormat::Csv { .. } => entry.evidence = None,
            ListFormat::IpCount { .. } => entry.evidence = Some("count 2".into()),
        }
        entry
    }

    fn print(format: &ListFormat, entries: &[FeedEntry]) -> String {
        let mut text = match format {
            ListFormat::DropTxt => "; Spamhaus DROP List\n".to_owned(),
            ListFormat::Csv {
                column: Column::Name(name),
                ..
            } => format!("what,{name}\n"),
            _ => String::new(),
        };
        for FeedEntry { network, evidence } in entries {
            let evidence = evidence.as_deref().unwrap_or_default();
            match format {
                ListFormat::Plain => writeln!(text, "{network} # {evidence}"),
                ListFormat::DropJson => {
                    writeln!(text, r#"{{"cidr":"{network}","sblid":"{evidence}"}}"#)
                }
                ListFormat::DropTxt => writeln!(text, "{network} ; {evidence}"),
                ListFormat::Csv { .. } => writeln!(text, "\"{evidence}\",{network},x"),
                ListFormat::IpCount { .. } => writeln!(text, "{network}\t2"),
            }
            .unwrap();
        }
        if *format == ListFormat::DropJson {
            let records = entries.len();
            writeln!(
                text,
                r#"{{"type":"metadata","timestamp":1700000000,"records":{records}}}"#
            )
            .unwrap();
        }
        text
    }

    prop_compose! {
        fn entry()(
            address in any::<IpAddr>(),
            prefix_len in 0..=128_u8,
            evidence in "([A-Z][A-Z0-9]{0,20})?",
        ) -> FeedEntry {
            FeedEntry {
                network: Network::containing(address, prefix_len),
                evidence: (!evidence.is_empty()).then(|| evidence.into()),
            }
        }
    }

    fn sorted(mut entries: Vec<FeedEntry>) -> Vec<FeedEntry> {
        entries.sort_by_key(|entry| entry.network);
        entries.dedup_by_key(|entry| entry.network);
        entries
    }

    #[test]
    fn invariant_7_what_is_too_much_is_not_kept() {
        let each = |times: usize, count: usize| -> String {
            let lines = (0..count).map(|n| format!("192.0.{}.{}\n", n / 256, n % 256));
            lines.collect::<String>().repeat(times)
        };
        for (text, kept, left_out) in [
            (each(1, 100), 100, 0),
            (each(1, 101), 101, 0),
            (each(1, 1000), 126, 874),
            // What is given twice counts once.
            (each(50, 100), 100, 0),
        ] {
            let parsed = parse_up_to(&ListFormat::Plain, text.as_bytes(), 100);
            assert_eq!((parsed.entries.len(), parsed.left_out), (kept, left_out));
            assert_eq!(parsed.good_lines, text.lines().count());
            let judged = judge(
                &parsed,
                None,
                &Guards {
                    max_entries: 100,
                    ..Guards::default()
                },
            );
            assert_eq!(judged.is_ok(), kept <= 100, "{judged:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed(bytes in any::<Vec<u8>>()) {
            for format in &formats() {
                parse_up_to(format, &bytes, 3);
            }
        }

        #[test]
        fn any_lines_are_parsed(
            lines in prop::collection::vec(
                r#"([0-9a-f.:/#;,\t" ]{0,24}|ip,|[{]["a-z:,0-9/.{}\[\]]{0,40}|.{0,40})\r?"#,
                0..20,
            ),
        ) {
            let text = lines.join("\n");
            for format in &formats() {
                let parsed = parse_up_to(format, text.as_bytes(), 1000);
                prop_assert!(parsed.good_lines + parsed.bad_lines.count <= lines.len().max(1));
                prop_assert!(parsed.entries.len() <= parsed.good_lines);
            }
        }

        #[test]
        fn what_is_printed_is_read_again(entries in prop::collection::vec(entry(), 0..50)) {
            for format in &formats() {
                let parsed = parse_up_to(format, print(format, &entries).as_bytes(), 50);
                prop_assert_eq!(&parsed.bad_lines, &BadLines::default());
                prop_assert_eq!(parsed.good_lines, entries.len());
                let kept = entries.iter().map(|entry| kept(format, entry.clone())).collect();
                prop_assert_eq!(&parsed.entries, &sorted(kept));
            }
        }

        #[test]
        fn bad_lines_have_their_numbers(is_bad in prop::collection::vec(any::<bool>(), 1..50)) {
            let good = FeedEntry { network: "192.0.2.7".parse().unwrap(), evidence: None };
            for format in &formats() {
                let printed = print(format, std::slice::from_ref(&good));
                let mut lines: Vec<&str> =
                    printed.lines().take_while(|line| !line.contains("192.0.2.7")).collect();
                let first = lines.len() + 1;
                let good = printed.lines().nth(lines.len()).unwrap();
                lines.extend(is_bad.iter().map(|bad| if *bad { "x" } else { good }));
                let parsed = parse_up_to(format, lines.join("\r\n").as_bytes(), 1000);
                let expected: Vec<usize> = (first..).zip(&is_bad).filter(|(_, bad)| **bad).map(|(n, _)| n).collect();
                let numbers: Vec<usize> = parsed.bad_lines.first.iter().map(|bad| bad.number).collect();
                prop_assert_eq!(parsed.bad_lines.count, expected.len());
                prop_assert_eq!(&numbers[..], &expected[..expected.len().min(BadLines::SHOWN)]);
            }
        }
    }
}
