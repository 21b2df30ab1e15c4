//! The codes that a reply begins with.

use std::{fmt, str::FromStr};

/// A reply code that refuses: 4yz for now, 5yz for good (RFC 5321 section 4.2.1).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Code(u16);

/// An enhanced status code: class, subject and detail (RFC 3463 section 2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Enhanced {
    class: u16,
    subject: u16,
    detail: u16,
}

/// Why a text does not begin with two codes of a refusal.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StatusError {
    /// No code that refuses.
    #[error("`{0}` is no reply code that refuses: expected such as 421, 450 or 554")]
    Code(String),
    /// No enhanced code.
    #[error("`{0}` is no enhanced status code: expected such as 4.7.1 or 5.7.1")]
    Enhanced(String),
    /// The two are of different classes.
    #[error("{code} and {enhanced} contradict each other: expected {code} {meant}")]
    Classes {
        /// The code.
        code: Code,
        /// The enhanced code.
        enhanced: Enhanced,
        /// The enhanced code in the code's class.
        meant: Enhanced,
    },
}

impl Code {
    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }

    const fn class(self) -> u16 {
        self.0 / 100
    }
}

impl FromStr for Code {
    type Err = StatusError;

    fn from_str(text: &str) -> Result<Self, StatusError> {
        // The second digit is 0 to 5 (RFC 5321 section 4.2.1).
        match text.as_bytes() {
            [class @ b'4'..=b'5', b'0'..=b'5', b'0'..=b'9'] => {
                let digit = |at: usize| u16::from(text.as_bytes()[at] - b'0');
                Ok(Self(
                    u16::from(class - b'0') * 100 + digit(1) * 10 + digit(2),
                ))
            }
            _ => Err(StatusError::Code(text.to_owned())),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Enhanced {
    type Err = StatusError;

    fn from_str(text: &str) -> Result<Self, StatusError> {
        // 1 to 3 digits without leading zeros (RFC 3463 section 2).
        let number = |part: Option<&str>| {
            let part = part?;
            let digits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            let plain = digits && (part == "0" || !part.starts_with('0'));
            plain.then(|| part.parse().ok()).flatten()
        };
        let mut parts = text.split('.');
        match (
            number(parts.next()),
            number(parts.next()),
            number(parts.next()),
            parts.next(),
        ) {
            (Some(class @ 4..=5), Some(subject), Some(detail), None) => Ok(Self {
                class,
                subject,
                detail,
            }),
            _ => Err(StatusError::Enhanced(text.to_owned())),
        }
    }
}

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// The two codes, which must be of one class (RFC 3463 section 2: the class tells what the code's
/// first digit does).
pub(super) fn agreeing(code: &str, enhanced: &str) -> Result<(Code, Enhanced), StatusError> {
    let code: Code = code.parse()?;
    let enhanced: Enhanced = enhanced.parse()?;
    if code.class() == enhanced.class {
        Ok((code, enhanced))
    } else {
        Err(StatusError::Classes {
            code,
            enhanced,
            meant: Enhanced {
                class: code.class(),
                ..enhanced
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_agree() {
        for (code, enhanced) in [
            ("421", "4.7.1"),
            ("452", "4.5.3"),
            ("550", "5.7.25"),
            ("554", "5.0.0"),
            ("559", "5.999.999"),
        ] {
            let (read, read_enhanced) = agreeing(code, enhanced).unwrap();
            assert_eq!(read.to_string(), code);
            assert_eq!(read_enhanced.to_string(), enhanced);
        }
    }

    #[test]
    fn codes_that_do_not() {
        for (code, enhanced, expected) in [
            ("250", "2.0.0", "`250` is no reply code that refuses"),
            ("354", "4.0.0", "`354` is no reply code"),
            ("569", "5.7.1", "`569` is no reply code"),
            ("+54", "5.7.1", "`+54` is no reply code"),
            ("5540", "5.7.1", "`5540` is no reply code"),
            ("", "5.7.1", "`` is no reply code"),
            ("554", "", "`` is no enhanced status code"),
            ("554", "5.7", "`5.7` is no enhanced"),
            ("554", "5.7.1.1", "`5.7.1.1` is no enhanced"),
            ("554", "5.07.1", "`5.07.1` is no enhanced"),
            ("554", "5.7.1000", "`5.7.1000` is no enhanced"),
            ("554", "5.+7.1", "`5.+7.1` is no enhanced"),
            ("554", "2.7.1", "`2.7.1` is no enhanced"),
            (
                "554",
                "4.7.1",
                "554 and 4.7.1 contradict each other: expected 554 5.7.1",
            ),
            ("421", "5.7.1", "expected 421 4.7.1"),
        ] {
            let error = agreeing(code, enhanced).unwrap_err().to_string();
            assert!(error.contains(expected), "{code} {enhanced}: {error}");
        }
    }
}
