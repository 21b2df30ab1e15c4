//! Octets as they come, in pieces of any size, to requests. It keeps no more of a request than its
//! attributes and the line that has begun.

use memchr::{memchr, memchr2};

use super::super::request::{Attributes, RequestError, Subject};

/// The longest line in octets, without its end. Postfix's own bound for what it reads of a client
/// is 2048 (`line_length_limit`).
pub const MAX_LINE: usize = 8 << 10;
/// Attributes of one request, at most. Postfix sends some forty.
pub const MAX_ATTRIBUTES: usize = 128;
/// Octets of one request, at most.
pub const MAX_REQUEST: usize = 64 << 10;

/// What a line of the one-line protocol begins with.
const VERDICT: &[u8] = b"verdict ";

/// A request, and in which protocol its answer is waited for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Asked {
    /// Postfix's.
    Postfix(Subject),
    /// The one-line protocol's: the connection ends with the answer.
    Line(Subject),
}

/// Why octets are no request. The peer is not to be answered then.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// A line without end.
    #[error("a line longer than {MAX_LINE} octets")]
    LongLine,
    /// A request without end.
    #[error("a request longer than {MAX_REQUEST} octets")]
    LongRequest,
    /// A request of many lines.
    #[error("a request with more than {MAX_ATTRIBUTES} attributes")]
    ManyAttributes,
    /// A NUL: what sends it is no mail server.
    #[error("a NUL octet")]
    Nul,
    /// A line without `=`.
    #[error("a line that is no `name=value`")]
    NoAttribute,
    /// The attributes do not make a request.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// Reads one request after the other.
#[derive(Debug, Default)]
pub struct Parser {
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    attributes: Attributes,
    /// Attributes of this request so far, the unknown ones included.
    count: usize,
    /// Octets of this request so far, without the line that has begun.
    octets: usize,
}

impl Parser {
    /// Takes what has come, up to the end of the first request in it: how many octets were taken,
    /// and the request. Without a request all of them were. To be called again with the rest.
    ///
    /// # Errors
    /// When what came is no request. Nothing that comes after can be understood then.
    pub fn take(&mut self, input: &[u8]) -> Result<(usize, Option<Asked>), Malformed> {
        let mut rest = input;
        while let Some(end) = memchr2(b'\n', 0, rest) {
            if rest[end] == 0 {
                return Err(Malformed::Nul);
            }
            let (line, behind) = (&rest[..end], &rest[end + 1..]);
            rest = behind;
            let asked = if self.begun.is_empty() {
                self.line(line)?
            } else {
                self.begin(line)?;
                let line = std::mem::take(&mut self.begun);
                let asked = self.line(&line)?;
                self.begun = line;
                self.begun.clear();
                asked
            };
            if asked.is_some() {
                return Ok((input.len() - rest.len(), asked));
            }
        }
        self.begin(rest)?;
        Ok((input.len(), None))
    }

    /// Whether nothing of a request has come yet.
    pub fn is_idle(&self) -> bool {
        self.octets == 0 && self.begun.is_empty()
    }

    /// Keeps the beginning of a line.
    fn begin(&mut self, part: &[u8]) -> Result<(), Malformed> {
        if self.begun.len() + part.len() > MAX_LINE {
            return Err(Malformed::LongLine);
        }
        self.begun.extend_from_slice(part);
        Ok(())
    }

    /// Takes a whole line, without its end; the request, if that was its last.
    fn line(&mut self, line: &[u8]) -> Result<Option<Asked>, Malformed> {
        if line.len() > MAX_LINE {
            return Err(Malformed::LongLine);
        }
        let first = self.octets == 0;
        self.octets += line.len() + 1;
        if self.octets > MAX_REQUEST {
            return Err(Malformed::LongRequest);
        }
        // As people type it.
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            let subject = self.finish()?;
            return Ok(Some(Asked::Postfix(subject)));
        }
        if first && let Some(pairs) = line.strip_prefix(VERDICT) {
            self.pairs(pairs)?;
            let subject = self.finish()?;
            return Ok(Some(Asked::Line(subject)));
        }
        let (name, value) = split(line, b'=').ok_or(Malformed::NoAttribute)?;
        self.attribute(name, value)?;
        Ok(None)
    }

    /// Takes the attributes of the one-line protocol.
    fn pairs(&mut self, mut rest: &[u8]) -> Result<(), Malformed> {
        loop {
            let begin = rest.iter().position(|octet| *octet != b' ');
            let Some(begin) = begin else { return Ok(()) };
            let (name, value) = split(&rest[begin..], b'=').ok_or(Malformed::NoAttribute)?;
            if name == b"sender" {
                return self.attribute(name, value);
            }
            let (value, behind) = split(value, b' ').unwrap_or((value, b""));
            self.attribute(name, value)?;
            rest = behind;
        }
    }

    fn attribute(&mut self, name: &[u8], value: &[u8]) -> Result<(), Malformed> {
        self.count += 1;
        if self.count > MAX_ATTRIBUTES {
            return Err(Malformed::ManyAttributes);
        }
        Ok(self.attributes.take(name, value)?)
    }

    fn finish(&mut self) -> Result<Subject, RequestError> {
        self.octets = 0;
        self.count = 0;
        std::mem::take(&mut self.attributes).finish()
    }
}

/// What stands before the first `octet`, and what behind it.
fn split(text: &[u8], octet: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr(octet, text)?;
    Some((&text[..at], &text[at + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::request::{Request, State};

    /// All requests in `input`, which comes in pieces of `size`, or what is wrong with it.
    fn read(input: &[u8], size: usize) -> (Vec<Asked>, Option<Malformed>) {
        let mut parser = Parser::default();
        let mut asked = Vec::new();
        for mut piece in input.chunks(size.max(1)) {
            while !piece.is_empty() {
                match parser.take(piece) {
                    Ok((taken, one)) => {
                        assert!(taken > 0 && taken <= piece.len());
                        piece = &piece[taken..];
                        asked.extend(one);
                    }
                    Err(error) => return (asked, Some(error)),
                }
            }
        }
        (asked, None)
    }

    fn client(asked: &Asked) -> &Request {
        match asked {
            Asked::Postfix(Subject::Client(request)) | Asked::Line(Subject::Client(request)) => {
                request
            }
            other => panic!("{other:?}"),
        }
    }

    const TWO: &[u8] = b"request=smtpd_access_policy\nprotocol_state=RCPT\nhelo_name=x\n\
        sender=a b@example.org\nclient_address=192.0.2.7\n\n\
        client_address=2001:db8::1\r\nsender=\r\n\r\nclient";

    #[test]
    fn requests_follow_each_other_on_one_connection() {
        for size in [1, 2, 7, 1000] {
            let (asked, error) = read(TWO, size);
            assert_eq!((asked.len(), error), (2, None));
            assert_eq!(client(&asked[0]).sender.as_deref(), Some("a b@example.org"));
            assert!(client(&asked[1]).from_nobody());
        }
        let mut parser = Parser::default();
        assert!(parser.is_idle());
        let (taken, _) = parser.take(TWO).unwrap();
        assert!(parser.is_idle());
        parser.take(&TWO[taken..taken + 3]).unwrap();
        assert!(!parser.is_idle());
    }

    #[test]
    fn one_line_asks_as_well() {
        let line = b"verdict client_address=192.0.2.7  client_port=9 protocol_state=MAIL sender=a b=c client_address=x@example.org\n";
        let (asked, error) = read(line, 5);
        assert_eq!(error, None);
        let [Asked::Line(Subject::Client(request))] = &asked[..] else {
            panic!("{asked:?}");
        };
        assert_eq!((request.port, request.state), (Some(9), State::Mail));
        // The sender takes the rest of the line.
        let sender = request.sender.as_deref();
        assert_eq!(sender, Some("a b=c client_address=x@example.org"));
    }

    #[test]
    fn what_is_no_request() {
        for (input, expected) in [
            (b"\n".to_vec(), "`client_address` is missing"),
            (
                b"verdict sender=a\n".to_vec(),
                "`client_address` is missing",
            ),
            (b"verdict x\n".to_vec(), "no `name=value`"),
            (b"GET / HTTP/1.1\r\n".to_vec(), "no `name=value`"),
            (
                b"client_address=::1\nverdict x\n".to_vec(),
                "no `name=value`",
            ),
            (b"sender=a\0b\n".to_vec(), "NUL"),
            (b"\0".repeat(9000), "NUL"),
            (b"x".repeat(1 << 20), "a line longer than 8192"),
            (
                [b"x=".to_vec(), b"y".repeat(8191), b"\n".to_vec()].concat(),
                "a line longer",
            ),
            ("x=\n".repeat(200).into_bytes(), "more than 128 attributes"),
            (
                [b"x=".to_vec(), b"y".repeat(8000), b"\n".to_vec()]
                    .concat()
                    .repeat(9),
                "longer than 65536",
            ),
        ] {
            for size in [1, 4096, 2 << 20] {
                let error = read(&input, size).1.unwrap().to_string();
                assert!(error.contains(expected), "{expected}: {error}");
            }
        }
    }

    proptest! {
        /// Where the pieces begin and end changes nothing.
        #[test]
        fn pieces_make_no_difference(
            lines in prop::collection::vec(
                "(client_address=(192\\.0\\.2\\.[0-9]|x)|sender=[^\n]{0,9}|[a-z]{0,3}=?[^\n]{0,9}|verdict client_address=::1)?\r?\n",
                0..30,
            ),
            size in 1_usize..40,
        ) {
            let input = lines.concat();
            prop_assert_eq!(read(input.as_bytes(), size), read(input.as_bytes(), usize::MAX));
        }

        #[test]
        fn no_octets_panic_or_are_kept_without_end(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..40),
        ) {
            let mut parser = Parser::default();
            for piece in pieces {
                if parser.take(&piece).is_err() {
                    break;
                }
                prop_assert!(parser.begun.len() <= MAX_LINE);
            }
        }
    }
}
