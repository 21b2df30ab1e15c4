//! What in a name decided about it.

use std::fmt;

use super::words::Meaning;

/// What was found in a name; only what had a part in the decision.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Evidence {
    /// Where the name holds its address.
    pub embedded: Option<Embedded>,
    /// The word that says access line, or that nobody uses the address.
    pub access: Option<Word>,
    /// The word that speaks for a server.
    pub server: Option<Word>,
    /// The label that is a serial number, from 1 at the left.
    pub serial: Option<u8>,
}

/// A word of a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Word {
    /// As the classifier knows it.
    pub text: &'static str,
    /// What it means.
    pub meaning: Meaning,
    /// The label it is in, from 1 at the left.
    pub label: u8,
}

/// The address, or a part of it, in a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Embedded {
    /// How it is written.
    pub form: Form,
    /// The first of its octets that are there, from 1.
    pub first_octet: u8,
    /// The last of them: up to 4, or 16 of an IPv6 address.
    pub last_octet: u8,
    /// The label where it begins, from 1 at the left.
    pub first_label: u8,
    /// The label where it ends.
    pub last_label: u8,
}

impl Embedded {
    /// How many octets are there.
    pub fn octets(self) -> u8 {
        self.last_octet + 1 - self.first_octet
    }
}

/// How an address is written in a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// Decimal octets one after the other: `192-0-2-7`.
    Octets,
    /// Decimal octets, the last one first: `7.2.0.192`.
    Reversed,
    /// Decimal octets in another order: `7.red-192-0-2`.
    Scattered,
    /// Decimal octets run together: `192000002007`, `192027`.
    Joined,
    /// One decimal number: `3221225991`.
    Number,
    /// Hexadecimal: `c0000207`, `c0-00-02-07`.
    Hex,
    /// To the base of 36: `1h9sa5j`.
    Base36,
    /// Groups of an IPv6 address: `2001-db8-0-0-0-0-0-7`.
    Groups,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Octets => "in decimal",
            Self::Reversed => "in decimal, reversed",
            Self::Scattered => "in decimal, out of order",
            Self::Joined => "in decimal, run together",
            Self::Number => "as one number",
            Self::Hex => "in hexadecimal",
            Self::Base36 => "to the base of 36",
            Self::Groups => "in groups",
        })
    }
}

/// `octets 1 to 4 in decimal in label 1`.
impl fmt::Display for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            form,
            first_octet,
            last_octet,
            first_label,
            last_label,
        } = self;
        write!(f, "octets {first_octet} to {last_octet} {form} in label")?;
        if first_label == last_label {
            write!(f, " {first_label}")
        } else {
            write!(f, "s {first_label} to {last_label}")
        }
    }
}

/// `"dsl" in label 2`.
impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" in label {}", self.text, self.label)
    }
}

/// `octets 1 to 4 in decimal in label 1, "dsl" in label 2`; `nothing` where nothing was found.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(embedded) = self.embedded {
            write!(f, "{embedded}")?;
            separator = ", ";
        }
        for word in [self.access, self.server].into_iter().flatten() {
            write!(f, "{separator}{word}")?;
            separator = ", ";
        }
        if let Some(label) = self.serial {
            write!(f, "{separator}a serial number in label {label}")?;
            separator = ", ";
        }
        if separator.is_empty() {
            f.write_str("nothing")?;
        }
        Ok(())
    }
}
