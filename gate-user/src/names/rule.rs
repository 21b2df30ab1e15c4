//! What is said of a pattern: that sources of such names are listed, and why, or let be.

use std::fmt;

use gate_common::Reason;

use super::pattern::Pattern;
use crate::{
    book::Standing,
    roster::{Entry, Rule},
};

/// Why sources may be listed by their name. `forged` and `nordns` are none of them: they tell what
/// the name does not do, which is looked up.
pub const REASONS: [Reason; 3] = [Reason::Dynamic, Reason::Generic, Reason::Manual];

/// Whether sources may be listed by their name for `reason`.
///
/// # Errors
/// If not, with what may be.
pub fn check_reason(reason: Reason) -> Result<(), String> {
    if REASONS.contains(&reason) {
        return Ok(());
    }
    Err(format!(
        "a name is not blocked as {}: expected {}",
        reason.code(),
        REASONS.map(Reason::code).join(", ")
    ))
}

/// A pattern, and what is said of it.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NameRule {
    /// Which names.
    pub pattern: Pattern,
    /// Allowed, or listed and why.
    pub standing: Standing,
}

/// A rule of the name-based list that is in force.
pub type NameEntry = Entry<NameRule>;

impl NameEntry {
    /// Why sources of such names are listed; `None` if they are let be.
    pub fn reason(&self) -> Option<Reason> {
        match self.rule.standing {
            Standing::Listed(reason) => Some(reason),
            Standing::Allowed => None,
        }
    }
}

impl fmt::Display for NameRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pattern.fmt(f)
    }
}

impl Rule for NameRule {
    const TABLE: &'static str = "name_entries";
    const COLUMNS: [&'static str; 2] = ["pattern", "standing"];

    fn columns(&self) -> [String; 2] {
        [self.pattern.to_string(), self.standing.to_string()]
    }

    fn from_columns([pattern, standing]: [&str; 2]) -> Result<Self, String> {
        Ok(Self {
            pattern: pattern
                .parse()
                .map_err(|error: super::PatternError| error.to_string())?,
            standing: standing
                .parse()
                .map_err(|error: crate::book::StandingError| error.to_string())?,
        })
    }
}
