//! What a reverse name tells of its address: a name and the address in, a [`Classification`] out.
//!
//! Pure: no network, no table of providers, no allocation, time in proportion to the name's length.
//! [`text`] splits the name into labels and tokens, [`embed`] looks for the address in it,
//! [`words`] knows words, [`judge`] weighs them. An operator's [`Patterns`] go first, and are asked
//! before, by whoever wants a class. docs/reverse-names.md tells the rules.

mod embed;
mod evidence;
mod judge;
mod patterns;
mod text;
mod words;

use std::{fmt, net::IpAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::text::Text;
pub(crate) use self::text::is_second_level;
pub use self::{
    evidence::{Embedded, Evidence, Form, Word},
    patterns::{LONGEST_PATTERN, Pattern, PatternError, Patterns, glob, regex},
    words::Meaning,
};

/// What kind of host or space a name says that its address is.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum NameClass {
    /// A mail server: `mx1.example.com`.
    Mail,
    /// Space with fixed addresses, or a server: `static-192-0-2-7.example.net`.
    Static,
    /// Made of the address; it tells nothing of who uses it: `host-192-0-2-7.example.net`.
    Generic,
    /// A line of a customer: `192-0-2-7.dsl.example.net`.
    Dynamic,
    /// None of these can be told.
    Unknown,
}

impl NameClass {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Mail,
        Self::Static,
        Self::Generic,
        Self::Dynamic,
        Self::Unknown,
    ];

    /// The word for it, as in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Static => "static",
            Self::Generic => "generic",
            Self::Dynamic => "dynamic",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for NameClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How sure a class is.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A hint: a part of the address, a word that other things are called as well.
    Low,
    /// One good sign.
    Medium,
    /// The whole address, or several signs that agree.
    High,
}

/// What a name tells, how sure that is, and what it was told by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Classification {
    /// The class.
    pub class: NameClass,
    /// How sure it is.
    pub confidence: Confidence,
    /// What in the name decided.
    pub evidence: Evidence,
}

/// Classifies the reverse name `name` of `address`. Case and a final dot do not matter; escapes as
/// in master files (`\046`, RFC 1035 section 5.1) stand for no letter. A name of more than 255
/// characters is none (RFC 1035 section 2.3.4): unknown.
pub fn classify(name: &str, address: IpAddr) -> Classification {
    match Text::new(name) {
        Some(text) => judge::judge(&text, address.to_canonical()),
        None => Classification {
            class: NameClass::Unknown,
            confidence: Confidence::Low,
            evidence: Evidence::default(),
        },
    }
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
