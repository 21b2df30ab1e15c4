//! Format `csv`: a table (RFC 4180, with a delimiter of the feed's choice), one column of which has
//! the addresses or networks. Lines that begin with `#` are comments.

use csv::{ByteRecord, ReaderBuilder, Terminator};

use super::{
    Parsed,
    line::{self, LineError},
};
use crate::{
    book::FeedEntry,
    config::{Column, Delimiter},
    network::Network,
};

pub(super) fn parse(bytes: &[u8], column: &Column, delimiter: Delimiter, max: usize) -> Parsed {
    let mut parsed = Parsed::default();
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter.as_byte())
        .comment(Some(b'#'))
        .flexible(true)
        // A carriage return before it is white space.
        .terminator(Terminator::Any(b'\n'))
        .from_reader(line::without_mark(bytes));
    let mut index = match column {
        Column::Number(number) => Some(usize::from(number.saturating_sub(1))),
        Column::Name(_) => None,
    };
    let mut record = ByteRecord::new();
    // Reading from memory fails nowhere, and the reader takes any bytes as cells.
    while let Ok(true) = reader.read_byte_record(&mut record) {
        let number = record.position().map_or(0, csv::Position::line);
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let lines = lines(&record);
        if lines > 1 {
            // A quotation mark that is not closed makes one record of all lines up to the next one.
            parsed
                .bad_lines
                .add_some(lines, number, shown(&record), || {
                    LineError::ManyLines.to_string()
                });
            continue;
        }
        if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue;
        }
        let outcome = match (index, column) {
            (None, Column::Name(name)) => {
                let named = |cell: &[u8]| cell.trim_ascii() == name.as_bytes();
                index = record.iter().position(named);
                // A table without that column is no such list, whatever follows.
                let Some(_) = index else {
                    parsed.bad_lines.add(number, shown(&record), || {
                        LineError::NoColumn(column.clone()).to_string()
                    });
                    return parsed;
                };
                continue;
            }
            (index, _) => network(&record, index.unwrap_or_default(), column),
        };
        match outcome {
            Ok(network) => {
                let evidence = None;
                parsed.add(FeedEntry { network, evidence }, max);
            }
            Err(error) => {
                parsed
                    .bad_lines
                    .add(number, shown(&record), || error.to_string());
            }
        }
    }
    parsed
}

fn network(record: &ByteRecord, index: usize, column: &Column) -> Result<Network, LineError> {
    let cell = record.get(index);
    let cell = cell.ok_or_else(|| LineError::NoColumn(column.clone()))?;
    line::network_of(cell.trim_ascii())
}

/// How many lines a record takes.
fn lines(record: &ByteRecord) -> usize {
    let cells = record.as_slice();
    let cells = cells.strip_suffix(b"\n").unwrap_or(cells);
    cells.split(|&byte| byte == b'\n').count()
}

/// A record's cells one behind the other, as far as they are shown.
fn shown(record: &ByteRecord) -> &[u8] {
    record.as_slice()
}

#[cfg(test)]
mod tests {
    use super::super::{
        BadLines, parse,
        tests::{bad, entries},
    };
    use crate::config::{Column, Delimiter, ListFormat};

    fn table(column: Column, delimiter: &str) -> ListFormat {
        ListFormat::Csv {
            column,
            delimiter: Delimiter::try_from(delimiter.to_owned()).unwrap(),
        }
    }

    #[test]
    fn a_column_by_its_number() {
        for (number, delimiter, text, expected) in [
            (
                1,
                ",",
                "192.0.2.7,x\n192.0.2.8,y\n",
                "192.0.2.7/32, 192.0.2.8/32",
            ),
            (2, ",", "x,192.0.2.0/24", "192.0.2.0/24"),
            (2, ",", "x, 192.0.2.7 ,z\r\n", "192.0.2.7/32"),
            (2, ",", "\"a, \"\"b\"\"c\",\"192.0.2.7\"", "192.0.2.7/32"),
            (2, ";", "x;2001:db8::/32", "2001:db8::/32"),
            (2, "\t", "x\t192.0.2.7", "192.0.2.7/32"),
            (1, ",", "# ip,what\n192.0.2.7,x\n\n", "192.0.2.7/32"),
            (1, ",", "\u{feff}192.0.2.7", "192.0.2.7/32"),
            (1, ",", "", ""),
            (1, ",", " , \n", ""),
        ] {
            let format = table(Column::Number(number), delimiter);
            assert_eq!(entries(&format, text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_column_by_its_name() {
        let ip = table(Column::Name("ip".to_owned()), ",");
        for (text, expected) in [
            ("port,ip\n25,192.0.2.7\n", "192.0.2.7/32"),
            ("# feed\nport, ip \n25,192.0.2.7\n", "192.0.2.7/32"),
            ("\"port\",\"ip\"\n25,192.0.2.7\n", "192.0.2.7/32"),
            ("port,ip\n", ""),
        ] {
            assert_eq!(entries(&ip, text.as_bytes()), expected, "{text:?}");
        }
        let parsed = parse(&ip, b"port,address\n25,192.0.2.7\n");
        assert_eq!((parsed.entries.len(), parsed.bad_lines.count), (0, 1));
        assert_eq!(parsed.bad_lines.first[0].why, "no column `ip`");
    }

    #[test]
    fn what_is_a_bad_line() {
        let second = table(Column::Number(2), ",");
        for (line, why) in [
            ("192.0.2.7", "no column 2"),
            ("x,", "not a network"),
            (
                "x,192.0.2.7/24",
                "host bits set: the network is 192.0.2.0/24",
            ),
            ("192.0.2.7,x", "not a network"),
            ("<html>", "no column 2"),
        ] {
            let bad = bad(&second, line.as_bytes());
            assert!(bad.contains(why), "{why}: {bad}");
        }
    }

    #[test]
    fn a_bad_record_has_the_number_of_its_first_line() {
        let text = b"# c\n192.0.2.7\n\"a\nb\"\n192.0.2.8\nx\n";
        let BadLines { count, first } = parse(&table(Column::Number(1), ","), text).bad_lines;
        let numbers: Vec<usize> = first.iter().map(|bad| bad.number).collect();
        assert_eq!((count, numbers), (3, vec![3, 6]));
    }

    #[test]
    fn what_a_stray_quotation_mark_swallows_is_counted() {
        let rest = "192.0.2.8,x\n".repeat(50);
        for (text, good, bad) in [
            (format!("192.0.2.7,\"x\n{rest}"), 0, 51),
            (format!("192.0.2.7,x\n\"{rest}"), 1, 50),
            (format!("192.0.2.7,\"x\n192.0.2.9,\"y\n{rest}"), 50, 2),
        ] {
            let parsed = parse(&table(Column::Number(1), ","), text.as_bytes());
            let counts = (parsed.good_lines, parsed.bad_lines.count);
            assert_eq!(counts, (good, bad), "{text:.30}");
            let why = "a quotation mark that is not closed in its line";
            assert_eq!(parsed.bad_lines.first[0].why, why);
        }
    }
}
