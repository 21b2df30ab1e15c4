//! The header of a mail, or of a part of one: its fields, within bounds.

use std::{borrow::Cow, ops::Range};

use mail_parser::{Address, HeaderValue, parsers::MessageStream};

/// The most fields that are looked at. Whoever handled a mail last wrote at the top, so what is
/// cut off is the sender's.
const MAX_FIELDS: usize = 500;
/// The most bytes of a header that are looked at.
const MAX_BYTES: usize = 256 << 10;
/// The longest value that is parsed further, in bytes.
const MAX_VALUE: usize = 8 << 10;

/// The fields of a header, in its order.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    fields: Vec<Field<'a>>,
    bytes: &'a [u8],
}

#[derive(Clone, Debug)]
struct Field<'a> {
    name: &'a [u8],
    /// Where the value stands in the mail, folded as it is.
    value: Range<usize>,
}

impl<'a> Fields<'a> {
    /// Splits a mail, or a part, into its header and its body. Empty lines and the line `From `
    /// of an mbox in front are left out. A line that is no field ends the header.
    pub(crate) fn split(mail: &'a [u8]) -> (Self, &'a [u8]) {
        let mail = without_envelope(mail);
        let mut fields: Vec<Field<'a>> = Vec::new();
        let (mut at, mut looked_at) = (0, 0);
        while let Some(line) = line(mail, at) {
            let text = trim_end(line);
            if text.is_empty() {
                at += line.len();
                break;
            }
            let considered = fields.len() < MAX_FIELDS && at + line.len() <= MAX_BYTES;
            if matches!(text[0], b' ' | b'\t') {
                if considered && let Some(last) = fields.last_mut() {
                    last.value.end = at + text.len();
                }
            } else if let Some(name) = name(text) {
                if considered {
                    let colon = at + text.iter().take_while(|&&byte| byte != b':').count();
                    fields.push(Field {
                        name,
                        value: colon + 1..at + text.len(),
                    });
                }
            } else {
                break;
            }
            at += line.len();
            if considered {
                looked_at = at;
            }
        }
        let header = Self {
            fields,
            bytes: &mail[..looked_at],
        };
        (header, &mail[at..])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The fields as they are written, as far as they are looked at.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The values of all fields of that name, in the order of the header.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = Cow<'a, str>> + use<'a, '_> {
        let name = name.to_owned();
        self.fields
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| self.value(field))
    }

    fn value(&self, field: &Field<'_>) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes[field.value.clone()].trim_ascii())
    }

    /// The value of the first field of that name.
    pub(crate) fn first(&self, name: &str) -> Option<Cow<'a, str>> {
        self.all(name).next()
    }

    /// Names and values of the fields above the first one of that name; none if there is none.
    pub(crate) fn above(
        &self,
        name: &str,
    ) -> impl Iterator<Item = (&'a [u8], Cow<'a, str>)> + use<'a, '_> {
        let first = self
            .fields
            .iter()
            .position(|field| field.name.eq_ignore_ascii_case(name.as_bytes()))
            .unwrap_or(0);
        self.fields[..first]
            .iter()
            .map(|field| (field.name, self.value(field)))
    }

    /// The first address in the first field of that name, as it is written.
    pub(crate) fn address(&self, name: &str) -> Option<String> {
        let value = self.to_parse(name)?;
        let addresses = match MessageStream::new(&value).parse_address() {
            HeaderValue::Address(Address::List(list)) => list,
            HeaderValue::Address(Address::Group(groups)) => groups
                .into_iter()
                .flat_map(|group| group.addresses)
                .collect(),
            _ => return None,
        };
        addresses
            .into_iter()
            .find_map(|address| address.address)
            .map(Cow::into_owned)
    }

    /// The media type of a part with this header.
    pub(crate) fn media(&self) -> Option<Media> {
        let value = self.to_parse("Content-Type")?;
        match MessageStream::new(&value).parse_content_type() {
            HeaderValue::ContentType(media) => {
                let attribute = |name| media.attribute(name).map(str::to_owned);
                Some(Media {
                    name: format!("{}/{}", media.ctype(), media.subtype().unwrap_or_default())
                        .to_ascii_lowercase(),
                    boundary: attribute("boundary").filter(|boundary| !boundary.is_empty()),
                    report_type: attribute("report-type").map(|text| text.to_ascii_lowercase()),
                    file: attribute("name"),
                })
            }
            _ => None,
        }
    }

    /// The file name of a part with this header, of `Content-Disposition`.
    pub(crate) fn file(&self) -> Option<String> {
        let value = self.to_parse("Content-Disposition")?;
        match MessageStream::new(&value).parse_content_type() {
            HeaderValue::ContentType(disposition) => {
                disposition.attribute("filename").map(str::to_owned)
            }
            _ => None,
        }
    }

    /// The value of the first field of that name for mail-parser, which wants a line's end. Some
    /// of its parsers take time that grows with the square of the length.
    fn to_parse(&self, name: &str) -> Option<Vec<u8>> {
        let field = self
            .fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name.as_bytes()))?;
        let value = &self.bytes[field.value.clone()];
        let mut value = value[..value.len().min(MAX_VALUE)].to_vec();
        value.push(b'\n');
        Some(value)
    }
}

/// What `Content-Type` says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Media {
    /// Type and subtype in lower case: `text/plain`.
    pub(crate) name: String,
    pub(crate) boundary: Option<String>,
    /// In lower case.
    pub(crate) report_type: Option<String>,
    /// The file name of old.
    pub(crate) file: Option<String>,
}

/// The line that begins at `at`, its end included; `None` at the end of the mail.
pub(super) fn line(mail: &[u8], at: usize) -> Option<&[u8]> {
    let rest = mail.get(at..).filter(|rest| !rest.is_empty())?;
    let length = rest
        .iter()
        .position(|&byte| byte == b'\n')
        .map_or(rest.len(), |newline| newline + 1);
    Some(&rest[..length])
}

/// Without the line's end.
pub(super) fn trim_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn without_envelope(mail: &[u8]) -> &[u8] {
    let blank = |byte: &&u8| matches!(byte, b'\r' | b'\n');
    let mail = &mail[mail.iter().take_while(blank).count()..];
    match line(mail, 0) {
        Some(first) if first.starts_with(b"From ") => &mail[first.len()..],
        _ => mail,
    }
}

/// The name of the field that begins on this line: printable ASCII up to the colon (RFC 5322
/// section 2.2), with spaces in front of it as of old.
fn name(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let name = line[..colon].trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_and_body() {
        let mail =
            b"\r\nFrom a@b Mon\r\nReceived: one\r\n\ttwo\r\nreceived : three\nX:\r\n\r\nbody\r\n";
        let (fields, body) = Fields::split(mail);
        let received: Vec<_> = fields.all("Received").collect();
        assert_eq!(received, ["one\r\n\ttwo", "three"]);
        assert_eq!(fields.first("x").as_deref(), Some(""));
        assert_eq!(fields.first("y"), None);
        assert_eq!(body, b"body\r\n");
    }

    #[test]
    fn a_header_ends_where_it_is_none() {
        for (mail, count, rest) in [
            (&b""[..], 0, &b""[..]),
            (b"A: 1", 1, b""),
            (b"A: 1\nno field\nB: 2\n", 1, b"no field\nB: 2\n"),
            (b" folded\nA: 1\n\nx", 1, b"x"),
            (b"\xff: 1\n\nx", 0, b"\xff: 1\n\nx"),
            (b"a b: 1\n\nx", 0, b"a b: 1\n\nx"),
        ] {
            let (fields, body) = Fields::split(mail);
            assert_eq!(fields.fields.len(), count, "{mail:?}");
            assert_eq!(body, rest, "{mail:?}");
        }
    }

    #[test]
    fn above_is_what_the_last_server_wrote() {
        let (fields, _) = Fields::split(b"A: 1\nReceived: x\nB: 2\n");
        let above: Vec<_> = fields.above("Received").collect();
        assert_eq!(above, [(&b"A"[..], "1".into())]);
        let (fields, _) = Fields::split(b"A: 1\nB: 2\n");
        assert_eq!(fields.above("Received").count(), 0);
    }

    #[test]
    fn a_large_header_is_cut_and_its_body_found() {
        let mut mail = b"X: y\n".repeat(100_000);
        mail.extend(b"\nbody");
        let (fields, body) = Fields::split(&mail);
        assert_eq!(fields.fields.len(), MAX_FIELDS);
        assert_eq!(fields.bytes().len(), 5 * MAX_FIELDS);
        assert_eq!(body, b"body");

        let mut mail = b"A: 1\nX: y\n".to_vec();
        mail.extend(b" folded\n".repeat(1 << 20));
        mail.extend(b"\nbody");
        let (fields, body) = Fields::split(&mail);
        assert!(fields.bytes().len() <= MAX_BYTES);
        assert_eq!(body, b"body");
    }

    #[test]
    fn values_that_are_parsed_further() {
        let mail = b"From: \"A, B\" <a@example.org>, c@example.net\nContent-Type: Multipart/REPORT; report-type=feedback-report;\n boundary=\"b c\"\nContent-Disposition: attachment; filename=\"x.eml\"\n\n";
        let (fields, _) = Fields::split(mail);
        assert_eq!(fields.address("From").as_deref(), Some("a@example.org"));
        assert_eq!(fields.address("To"), None);
        let media = fields.media().unwrap();
        assert_eq!(media.name, "multipart/report");
        assert_eq!(media.boundary.as_deref(), Some("b c"));
        assert_eq!(media.report_type.as_deref(), Some("feedback-report"));
        assert_eq!(fields.file().as_deref(), Some("x.eml"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_split(mail in "(A|:|\r\n|\n| |\t|From |x|ü|\"|\\(|;|=|<|,){0,60}") {
            let (fields, body) = Fields::split(mail.as_bytes());
            prop_assert!(fields.bytes().len() + body.len() <= mail.len());
        }

        /// mail-parser takes whatever a value holds.
        #[test]
        fn any_value_is_parsed(value in "(a|A|/|;|=|\"|\\(|\\)|<|>|@|,|:|\\*0|\\*|'|%|\r\n |\\\\|=\\?|\\?=|boundary|ü| ){0,60}") {
            let mail = format!("From: {value}\r\nContent-Type: {value}\r\nContent-Disposition: x; {value}\r\n\r\n");
            let (fields, _) = Fields::split(mail.as_bytes());
            let _ = (fields.address("From"), fields.media(), fields.file());
        }
    }
}
