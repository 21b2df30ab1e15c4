//! The parts of a mail (MIME, RFC 2046), within bounds, in one pass a level.
//!
//! mail-parser reads the values of fields and the encodings, but not the structure: a mail of
//! many multiparts whose boundaries never come would make it search the whole mail for each.

use std::borrow::Cow;

use mail_parser::decoders::{base64::base64_decode, quoted_printable::quoted_printable_decode};

use super::fields::{Fields, Media, line, trim_end};

/// The deepest multipart in a multipart that is looked into.
const MAX_DEPTH: usize = 8;
/// The most parts of a mail, the multiparts themselves included.
const MAX_PARTS: usize = 500;

/// A part that holds no others; what an attached mail holds is not looked into.
#[derive(Clone, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) fields: Fields<'a>,
    pub(crate) media: Media,
    /// Encoded as it came.
    body: &'a [u8],
}

/// Why a mail is not taken apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TooComplex {
    /// Multiparts in multiparts.
    #[error("its parts are nested more than {MAX_DEPTH} deep")]
    Depth,
    /// Parts.
    #[error("it has more than {MAX_PARTS} parts")]
    Parts,
}

/// The parts of a mail whose header and body these are, in their order.
pub(crate) fn parts<'a>(fields: &Fields<'a>, body: &'a [u8]) -> Result<Vec<Part<'a>>, TooComplex> {
    let mut walk = Walk {
        parts: Vec::new(),
        seen: 0,
    };
    walk.part(fields.clone(), body, "text/plain", 0)?;
    Ok(walk.parts)
}

struct Walk<'a> {
    parts: Vec<Part<'a>>,
    seen: usize,
}

impl<'a> Walk<'a> {
    fn part(
        &mut self,
        fields: Fields<'a>,
        body: &'a [u8],
        default: &str,
        depth: usize,
    ) -> Result<(), TooComplex> {
        self.seen += 1;
        if self.seen > MAX_PARTS {
            return Err(TooComplex::Parts);
        }
        let media = fields.media().unwrap_or_else(|| Media {
            name: default.to_owned(),
            ..Media::default()
        });
        match &media.boundary {
            Some(boundary) if media.name.starts_with("multipart/") => {
                if depth == MAX_DEPTH {
                    return Err(TooComplex::Depth);
                }
                let default = match media.name.as_str() {
                    "multipart/digest" => "message/rfc822",
                    _ => "text/plain",
                };
                let mut pieces = Pieces::of(body, boundary);
                while let Some(piece) = pieces.next() {
                    let (fields, body) = header_of_part(piece);
                    self.part(fields, body, default, depth + 1)?;
                }
            }
            _ => self.parts.push(Part {
                fields,
                media,
                body,
            }),
        }
        Ok(())
    }
}

/// A part may have no fields: then it begins with the empty line.
fn header_of_part(piece: &[u8]) -> (Fields<'_>, &[u8]) {
    match line(piece, 0) {
        Some(first) if trim_end(first).is_empty() => {
            let (none, _) = Fields::split(b"");
            (none, &piece[first.len()..])
        }
        _ => Fields::split(piece),
    }
}

/// What stands between the boundaries of a multipart (RFC 2046 section 5.1.1). What has no end
/// reaches to the end of the mail.
struct Pieces<'a> {
    body: &'a [u8],
    boundary: Vec<u8>,
    /// Behind the last boundary; `None` before the first and behind the closing one.
    begin: Option<usize>,
    at: usize,
    closed: bool,
}

impl<'a> Pieces<'a> {
    fn of(body: &'a [u8], boundary: &str) -> Self {
        Self {
            body,
            boundary: format!("--{boundary}").into_bytes(),
            begin: None,
            at: 0,
            closed: false,
        }
    }

    /// Whether the line is a boundary, and then whether it is the closing one.
    fn is_boundary(&self, line: &[u8]) -> Option<bool> {
        let rest = line.strip_prefix(self.boundary.as_slice())?;
        let (closing, padding) = match rest.strip_prefix(b"--") {
            Some(padding) => (true, padding),
            None => (false, rest),
        };
        padding.trim_ascii().is_empty().then_some(closing)
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.closed {
            let Some(line) = line(self.body, self.at) else {
                self.closed = true;
                return self.begin.map(|begin| &self.body[begin..]);
            };
            let line_begin = self.at;
            self.at += line.len();
            let Some(closing) = self.is_boundary(line) else {
                continue;
            };
            self.closed = closing;
            let begin = self.begin.replace(self.at);
            if let Some(begin) = begin {
                // The line's end in front belongs to the boundary.
                return Some(trim_end(&self.body[begin..line_begin]));
            }
        }
        None
    }
}

impl<'a> Part<'a> {
    /// The body, decoded; at most the first `max` bytes of what it is encoded in. What cannot be
    /// decoded is as it came.
    pub(crate) fn decoded(&self, max: usize) -> Cow<'a, [u8]> {
        let body = &self.body[..self.body.len().min(max)];
        let encoding = self.fields.first("Content-Transfer-Encoding");
        let decoded = match encoding.as_deref().map(str::trim) {
            Some(base64) if base64.eq_ignore_ascii_case("base64") => base64_decode(body),
            Some(quoted) if quoted.eq_ignore_ascii_case("quoted-printable") => {
                quoted_printable_decode(body)
            }
            _ => None,
        };
        decoded.map_or(Cow::Borrowed(body), Cow::Owned)
    }

    /// Whether it is a mail, or the header of one.
    pub(crate) fn is_mail(&self) -> bool {
        let is_eml = |name: Option<&str>| {
            name.and_then(|name| name.rsplit_once('.'))
                .is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("eml"))
        };
        matches!(
            self.media.name.as_str(),
            "message/rfc822" | "message/global" | "message/rfc822-headers" | "text/rfc822-headers"
        ) || is_eml(self.media.file.as_deref())
            || is_eml(self.fields.file().as_deref())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(mail: &[u8]) -> Result<Vec<Part<'_>>, TooComplex> {
        let (fields, body) = Fields::split(mail);
        parts(&fields, body)
    }

    /// `type: body` of each part.
    fn told(mail: &str) -> Vec<String> {
        let parts = of(mail.as_bytes()).unwrap();
        let tell = |part: &Part<'_>| {
            let body = part.decoded(1 << 20);
            format!("{}: {}", part.media.name, String::from_utf8_lossy(&body))
        };
        parts.iter().map(tell).collect()
    }

    #[test]
    fn what_parts_a_mail_has() {
        for (mail, expected) in [
            ("Subject: x\n\nbody\n", vec!["text/plain: body\n"]),
            (
                "Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\none\r\n--bx\r\n--b \r\nContent-Type: text/html\r\n\r\ntwo\r\n--b--\r\nepilogue\r\n--b\r\n\r\nx\r\n",
                vec!["text/plain: one\r\n--bx", "text/html: two"],
            ),
            (
                "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/digest; boundary=c\n\n--c\n\nSubject: x\n\n--c--\n--b\n\nlast, without end",
                vec![
                    "message/rfc822: Subject: x\n",
                    "text/plain: last, without end",
                ],
            ),
            (
                "Content-Type: multipart/mixed\n\n--\n\nx",
                vec!["multipart/mixed: --\n\nx"],
            ),
            ("Content-Type: multipart/mixed; boundary=b\n\nnone", vec![]),
            (
                "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDog\neA==\n",
                vec!["message/rfc822: Subject: x"],
            ),
            (
                "Content-Type: message/rfc822\nContent-Transfer-Encoding: Quoted-Printable\n\nSubject:=20x=\ny\n",
                vec!["message/rfc822: Subject: xy\n"],
            ),
            (
                "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nSubject: x\n",
                vec!["message/rfc822: Subject: x\n"],
            ),
        ] {
            assert_eq!(told(mail), expected, "{mail}");
        }
    }

    #[test]
    fn which_parts_are_mails() {
        for (header, is) in [
            ("Content-Type: message/rfc822", true),
            ("Content-Type: text/rfc822-headers", true),
            (
                "Content-Type: application/octet-stream; name=\"spam.EML\"",
                true,
            ),
            ("Content-Disposition: attachment; filename=spam.eml", true),
            ("Content-Type: application/pdf; name=x.pdf", false),
            ("Content-Type: text/plain", false),
        ] {
            let mail = format!("{header}\n\nx");
            assert_eq!(of(mail.as_bytes()).unwrap()[0].is_mail(), is, "{header}");
        }
    }

    #[test]
    fn a_mail_has_its_bounds() {
        let nest = |depth: usize| {
            (0..depth).fold(String::new(), |mail, level| {
                format!("{mail}Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n")
            })
        };
        assert!(of(nest(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(
            of(nest(MAX_DEPTH + 1).as_bytes()).err(),
            Some(TooComplex::Depth)
        );
        let many = format!(
            "Content-Type: multipart/mixed; boundary=b\n\n{}",
            "--b\n\n".repeat(MAX_PARTS)
        );
        assert_eq!(of(many.as_bytes()).err(), Some(TooComplex::Parts));
    }

    /// A search for each of the boundaries through all of it would take hours.
    #[test]
    fn ten_mebibytes_of_boundaries_that_never_come() {
        let mut mail = b"Content-Type: multipart/mixed; boundary=b\n\n".to_vec();
        while mail.len() < 10 << 20 {
            mail.extend(b"--b\nContent-Type: multipart/mixed; boundary=never\n\n");
        }
        assert_eq!(of(&mail).err(), Some(TooComplex::Parts));
        let mut mail = b"Content-Type: multipart/mixed; boundary=b\n\n".to_vec();
        mail.resize(10 << 20, b'-');
        assert!(of(&mail).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn any_mail_is_taken_apart(mail in "(Content-Type: multipart/mixed; boundary=b\n|Content-Transfer-Encoding: base64\n|--b|--|\n|\r\n|x|=){0,40}") {
            if let Ok(parts) = of(mail.as_bytes()) {
                for part in parts {
                    prop_assert!(part.decoded(1 << 20).len() <= mail.len());
                }
            }
        }
    }
}
