//! What the mail server is told to say: templates of the configuration in, SMTP replies out.
//!
//! A [`Template`] is checked when it is read; the [`Values`] that fill it are made harmless when they
//! are filled in. So a [`Reply`] is one legal line whatever a PTR name or a sender's address holds.

mod status;
mod template;
mod value;

use std::fmt;

pub use status::{Code, Enhanced, StatusError};
pub use template::{Slot, Template, TemplateError};
pub use value::Values;

/// The longest reply line in octets, its CRLF included (RFC 5321 section 4.5.3.1.5).
pub const MAX_LINE: usize = 512;

/// One reply to an SMTP client: a code, an enhanced code of the same class, and text of printable
/// ASCII, in one line of at most [`MAX_LINE`] octets. Only a [`Template`] makes one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    code: Code,
    enhanced: Enhanced,
    text: String,
}

impl Reply {
    /// The code, such as 554.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The enhanced code, such as 5.7.1.
    pub fn enhanced(&self) -> Enhanced {
        self.enhanced
    }

    /// What stands behind the two codes.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The line, without its CRLF: `554 5.7.1 text`.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.code, self.enhanced, self.text)
    }
}
