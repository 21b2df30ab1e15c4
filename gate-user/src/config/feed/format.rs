//! How a list is written, and what a format needs to know beside.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How a feed's list is written: the key `format`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeedFormat {
    /// An address or network a line.
    #[default]
    Plain,
    /// Spamhaus DROP as JSON lines.
    DropJson,
    /// Spamhaus DROP as text.
    DropTxt,
    /// A table, one column of which has the networks.
    Csv,
    /// An address and a number a line.
    IpCount,
}

impl FeedFormat {
    /// As the configuration spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::DropJson => "drop-json",
            Self::DropTxt => "drop-txt",
            Self::Csv => "csv",
            Self::IpCount => "ip-count",
        }
    }
}

/// A format, with what it needs to know.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum ListFormat {
    /// [`FeedFormat::Plain`].
    Plain,
    /// [`FeedFormat::DropJson`].
    DropJson,
    /// [`FeedFormat::DropTxt`].
    DropTxt,
    /// [`FeedFormat::Csv`].
    Csv {
        /// Which column has the networks.
        column: Column,
        /// What stands between two columns.
        delimiter: Delimiter,
    },
    /// [`FeedFormat::IpCount`].
    IpCount {
        /// The least number that makes an entry.
        min_count: u32,
    },
}

/// A column of a table.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Column {
    /// Its number, from 1; the table has no line of names.
    Number(u16),
    /// Its name in the first line.
    Name(String),
}

impl Default for Column {
    fn default() -> Self {
        Self::Number(1)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => write!(f, "`{name}`"),
        }
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Column;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number from 1 to 1000 or a name in quotes")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Column, E> {
                match u16::try_from(number) {
                    Ok(number @ 1..=1000) => Ok(Column::Number(number)),
                    _ => Err(E::custom(format_args!("{number} is not from 1 to 1000"))),
                }
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Column, E> {
                if name.trim().is_empty() {
                    return Err(E::custom("no column has an empty name"));
                }
                Ok(Column::Name(name.trim().to_owned()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u16(*number),
            Self::Name(name) => serializer.serialize_str(name),
        }
    }
}

/// What stands between two columns: one character of ASCII that can stand in no cell unquoted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Delimiter(u8);

impl Delimiter {
    /// The character.
    pub fn as_byte(self) -> u8 {
        self.0
    }
}

impl Default for Delimiter {
    fn default() -> Self {
        Self(b',')
    }
}

impl TryFrom<String> for Delimiter {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_bytes() {
            &[byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | b'#') => {
                Ok(Self(byte))
            }
            _ => Err(format!(
                "{text:?} cannot stand between columns: expected one character such as \",\", \";\" or \"\\t\""
            )),
        }
    }
}

impl From<Delimiter> for String {
    fn from(delimiter: Delimiter) -> Self {
        char::from(delimiter.0).to_string()
    }
}
