//! `[enforcement]`: what a listing means, by its reason.

use std::collections::BTreeMap;

use gate_common::Reason;
use serde::{Deserialize, Serialize};

use crate::plan::Enforcement;

/// The enforcement of every reason.
///
/// In TOML one key a reason, each of them `"drop"`, `"reject"` or `"observe"`. Default: see
/// [`Enforcement::default_of`]. Example: `nordns = "observe"`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(
    from = "BTreeMap<Reason, Enforcement>",
    into = "BTreeMap<Reason, Enforcement>"
)]
pub struct Enforcements([Enforcement; Reason::ALL.len()]);

impl Enforcements {
    /// The enforcement of `reason`.
    pub fn of(&self, reason: Reason) -> Enforcement {
        self.0[reason.slot() - 1]
    }

    /// These, but `enforcement` for `reason`.
    #[must_use]
    pub fn with(mut self, reason: Reason, enforcement: Enforcement) -> Self {
        self.0[reason.slot() - 1] = enforcement;
        self
    }
}

impl Default for Enforcements {
    fn default() -> Self {
        Self(Reason::ALL.map(Enforcement::default_of))
    }
}

/// Reasons that the map leaves out have their default.
impl From<BTreeMap<Reason, Enforcement>> for Enforcements {
    fn from(given: BTreeMap<Reason, Enforcement>) -> Self {
        given
            .into_iter()
            .fold(Self::default(), |all, (reason, enforcement)| {
                all.with(reason, enforcement)
            })
    }
}

impl From<Enforcements> for BTreeMap<Reason, Enforcement> {
    fn from(all: Enforcements) -> Self {
        Reason::ALL.map(|reason| (reason, all.of(reason))).into()
    }
}
