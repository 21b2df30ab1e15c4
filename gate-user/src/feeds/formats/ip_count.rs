//! Format `ip-count`: an address and a number a line, such as on how many lists it stands (IPsum,
//! <https://github.com/stamparm/ipsum>). Those whose number is less than the feed's minimum are left
//! out; the others keep it as evidence.

use super::{
    Parsed,
    line::{self, LineError},
};
use crate::book::FeedEntry;

pub(super) fn parse(bytes: &[u8], min_count: u32, max: usize) -> Parsed {
    let mut parsed = Parsed::default();
    for (number, line) in line::numbered(bytes) {
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        match entry(line) {
            Ok((count, entry)) => {
                if count >= min_count {
                    parsed.add(entry, max);
                } else {
                    parsed.good_lines += 1;
                }
            }
            Err(error) => parsed.bad_lines.add(number, line, || error.to_string()),
        }
    }
    parsed
}

fn entry(line: &[u8]) -> Result<(u32, FeedEntry), LineError> {
    let line = line::of_sane_length(line)?;
    let blank = line.iter().position(u8::is_ascii_whitespace);
    let (network, count) = line.split_at(blank.ok_or(LineError::NoCount)?);
    let count = std::str::from_utf8(count.trim_ascii_start())
        .ok()
        .and_then(|count| count.parse().ok())
        .ok_or(LineError::NoCount)?;
    let entry = FeedEntry {
        network: line::network_of(network)?,
        evidence: Some(format!("count {count}").into()),
    };
    Ok((count, entry))
}

#[cfg(test)]
mod tests {
    use super::super::{
        parse,
        tests::{bad, entries},
    };
    use crate::config::ListFormat;

    const FROM_3: ListFormat = ListFormat::IpCount { min_count: 3 };

    #[test]
    fn what_a_line_gives() {
        for (line, expected) in [
            ("192.0.2.7\t3", "192.0.2.7/32 count 3"),
            ("192.0.2.7 10\r\n", "192.0.2.7/32 count 10"),
            ("2001:db8::7 \t 4", "2001:db8::7/128 count 4"),
            ("192.0.2.7\t2", ""),
            ("192.0.2.7\t0", ""),
            ("# 192.0.2.7\t9", ""),
            ("", ""),
        ] {
            assert_eq!(entries(&FROM_3, line.as_bytes()), expected, "{line:?}");
        }
    }

    #[test]
    fn what_is_a_bad_line() {
        for (line, why) in [
            ("192.0.2.7", "no number behind the address"),
            ("192.0.2.7\tmany", "no number behind the address"),
            ("192.0.2.7\t-1", "no number behind the address"),
            ("192.0.2.7\t4 5", "no number behind the address"),
            ("192.0.2.7\t4294967296", "no number behind the address"),
            ("example.org\t4", "not a network"),
            ("<html> 5", "not a network"),
        ] {
            let bad = bad(&FROM_3, line.as_bytes());
            assert!(bad.contains(why), "{why}: {bad}");
        }
    }

    #[test]
    fn what_is_left_out_is_no_bad_line() {
        let parsed = parse(&FROM_3, b"192.0.2.7\t9\n192.0.2.8\t2\n192.0.2.9\t1\n");
        assert_eq!((parsed.good_lines, parsed.entries.len()), (3, 1));
        assert_eq!(parsed.bad_lines.count, 0);
    }
}
