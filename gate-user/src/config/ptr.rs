//! `[ptr]`: what the operator knows of reverse names.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::dns::class::{self, NameClass};

/// `[ptr]`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PtrConfig {
    /// What names of a pattern are; they go before what gate makes of a name itself.
    #[serde(rename = "pattern")]
    pub patterns: Vec<Pattern>,
}

/// `[[ptr.pattern]]`: one of `glob` and `regex`, and the class of the names that match. The first
/// pattern that matches counts.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// A glob that matches the whole name, in any case, without its final dot; `*` and `?` match
    /// dots as well. Up to 500 bytes. Default: `""`, none. Example: `"*.dyn.example.net"`.
    #[serde(default)]
    pub glob: NameGlob,
    /// A regular expression that is found in the name, in any case, without its final dot. Up to
    /// 500 bytes. Default: `""`, none. Example: `'^h[0-9]+\.example\.net$'`.
    #[serde(default)]
    pub regex: NameRegex,
    /// What such a name is: `"mail"`, `"static"`, `"generic"`, `"dynamic"` or `"unknown"`. No
    /// default. Example: `"dynamic"`.
    pub class: NameClass,
}

impl Pattern {
    /// The keys that have no default.
    pub(super) const REQUIRED: [&str; 1] = ["class"];

    /// One with the defaults.
    pub(super) fn example() -> Self {
        Self {
            glob: NameGlob::default(),
            regex: NameRegex::default(),
            class: NameClass::Dynamic,
        }
    }
}

/// A glob for names, or none.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct NameGlob(String);

/// A regular expression for names, or none.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct NameRegex(String);

impl NameGlob {
    /// The glob; empty if there is none.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NameRegex {
    /// The regular expression; empty if there is none.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NameGlob {
    type Err = class::PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        class::glob(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for NameRegex {
    type Err = class::PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        class::regex(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for NameGlob {
    type Error = class::PatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<String> for NameRegex {
    type Error = class::PatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NameGlob> for String {
    fn from(glob: NameGlob) -> Self {
        glob.0
    }
}

impl From<NameRegex> for String {
    fn from(regex: NameRegex) -> Self {
        regex.0
    }
}
