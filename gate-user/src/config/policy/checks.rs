//! `[policy.checks]`: which checks are made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::policy::Check;

/// What is done about a check.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// It refuses.
    On,
    /// It is not made.
    Off,
    /// It is made and logged, and refuses nobody.
    Observe,
}

/// What is done about every check.
///
/// In TOML one key a check, each of them `"on"`, `"off"` or `"observe"`. Default: `"on"`, but
/// `"off"` for `message_rate` and `recipient_rate`. Example: `dnsbl = "observe"`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "BTreeMap<Check, Use>", into = "BTreeMap<Check, Use>")]
pub struct Checks([Use; Check::ALL.len()]);

impl Checks {
    /// What is done about `check`.
    pub fn of(&self, check: Check) -> Use {
        self.0[check as usize]
    }

    /// These, but `what` about `check`.
    #[must_use]
    pub fn with(mut self, check: Check, what: Use) -> Self {
        self.0[check as usize] = what;
        self
    }
}

impl Default for Checks {
    fn default() -> Self {
        Self(Check::ALL.map(|check| match check {
            // What is much for one site is little for another.
            Check::MessageRate | Check::RecipientRate => Use::Off,
            _ => Use::On,
        }))
    }
}

/// Checks that the map leaves out have their default.
impl From<BTreeMap<Check, Use>> for Checks {
    fn from(given: BTreeMap<Check, Use>) -> Self {
        given
            .into_iter()
            .fold(Self::default(), |all, (check, what)| all.with(check, what))
    }
}

impl From<Checks> for BTreeMap<Check, Use> {
    fn from(all: Checks) -> Self {
        Check::ALL.map(|check| (check, all.of(check))).into()
    }
}
