//! Lines of a file that may hold anything.

use std::sync::Arc;

use crate::{
    config::Column,
    network::{Network, NetworkError},
};

/// The longest line that is looked into, in bytes; a longer one is no record of any format.
const MAX_LINE: usize = 4096;
/// The longest excerpt and the longest evidence, in characters.
const MAX_SHOWN: usize = 100;

/// The lines of `bytes`, numbered from 1, without line ends (LF or CRLF), without white space
/// around them, and without the byte order mark that some editors leave at the beginning.
pub(super) fn numbered(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    without_mark(bytes)
        .split(|&byte| byte == b'\n')
        .enumerate()
        .map(|(i, line)| (i + 1, line.trim_ascii()))
}

/// `bytes` without the byte order mark that some editors leave at the beginning.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

/// Why a line gives no network.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("{0} bytes long: expected no line longer than {MAX_LINE}")]
    TooLong(usize),
    #[error("not a network: expected an address, or address/length")]
    NotANetwork,
    #[error("{0}")]
    HostBits(NetworkError),
    #[error("not a JSON object")]
    NotAnObject,
    #[error("{what} (column {column})")]
    Json { what: String, column: usize },
    #[error("no `cidr`")]
    NoCidr,
    #[error("metadata without `records`")]
    NoRecords,
    #[error("metadata without `timestamp`, in seconds")]
    NoTimestamp,
    #[error("a quotation mark that is not closed in its line")]
    ManyLines,
    #[error("no column {0}")]
    NoColumn(Column),
    #[error("no number behind the address")]
    NoCount,
}

impl From<serde_json::Error> for LineError {
    fn from(error: serde_json::Error) -> Self {
        let column = error.column();
        let mut what = error.to_string();
        // It counts lines itself, and knows but one.
        what.truncate(what.rfind(" at line 1 ").unwrap_or(what.len()));
        Self::Json { what, column }
    }
}

/// `line`, unless it is too long to be looked into.
pub(super) fn of_sane_length(line: &[u8]) -> Result<&[u8], LineError> {
    if line.len() <= MAX_LINE {
        Ok(line)
    } else {
        Err(LineError::TooLong(line.len()))
    }
}

pub(super) fn network(text: &str) -> Result<Network, LineError> {
    text.parse().map_err(|error| match error {
        // Its text would repeat the line.
        NetworkError::Syntax { .. } => LineError::NotANetwork,
        host_bits @ NetworkError::HostBits { .. } => LineError::HostBits(host_bits),
    })
}

/// The network that these bytes, which may be anything, are the text of.
pub(super) fn network_of(bytes: &[u8]) -> Result<Network, LineError> {
    let text = std::str::from_utf8(of_sane_length(bytes)?);
    network(text.map_err(|_| LineError::NotANetwork)?)
}

/// What a feed says of a network, in one printable line; `None` if that is nothing.
pub(super) fn evidence(text: &[u8]) -> Option<Arc<str>> {
    let text = text.trim_ascii();
    if text.is_empty() {
        None
    } else if text.len() <= MAX_SHOWN && text.iter().all(|&b| matches!(b, b' '..=b'~')) {
        std::str::from_utf8(text).ok().map(Arc::from)
    } else {
        Some(printable(text).into())
    }
}

/// The beginning of `bytes`, made fit for a terminal and a log line.
pub(super) fn printable(bytes: &[u8]) -> String {
    // No character of UTF-8 is longer than four bytes.
    let beginning = &bytes[..bytes.len().min(MAX_SHOWN * 4)];
    let text = String::from_utf8_lossy(beginning);
    let mut shown = String::new();
    let mut characters = 0;
    for character in text.chars() {
        if matches!(character, '"' | '\'' | '\\') {
            shown.push(character);
            characters += 1;
        } else {
            for escaped in character.escape_debug() {
                shown.push(escaped);
                characters += 1;
            }
        }
        if characters >= MAX_SHOWN {
            shown.push('…');
            return shown;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_numbers_and_no_ends() {
        let lines: Vec<_> = numbered(b"\xEF\xBB\xBFa\r\n\n b \nc").collect();
        assert_eq!(lines, [(1, &b"a"[..]), (2, b""), (3, b"b"), (4, b"c")]);
    }

    #[test]
    fn what_is_shown_is_bounded_and_printable() {
        for (bytes, expected) in [
            (&b"plain \"text\""[..], "plain \"text\""),
            (b"\x1b[31mred\0", "\\u{1b}[31mred\\0"),
            (
                "right-to-left \u{202e}".as_bytes(),
                "right-to-left \\u{202e}",
            ),
            (b"latin-1 \xe9", "latin-1 \u{fffd}"),
            ("größer".as_bytes(), "größer"),
        ] {
            assert_eq!(printable(bytes), expected);
        }
        let long = printable(&vec![b'x'; 1 << 20]);
        assert_eq!(long.chars().count(), MAX_SHOWN + 1);
    }
}
