//! `[enforcement]`: what a listing means, by its reason.

use std::collections::BTreeMap;

use gate_common::Reason;
use serde::{Deserialize, Serialize};

/// What happens to a source that is listed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// The kernel drops its SYNs.
    Drop,
    /// It may connect; the mail server refuses its mail and says why.
    Reject,
    /// It is counted and logged, nothing else.
    Observe,
}

impl Enforcement {
    /// The name used in configuration and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Reject => "reject",
            Self::Observe => "observe",
        }
    }

    /// What a reason means unless configured: `Drop`, but `Reject` where all that is known is
    /// the PTR name.
    pub const fn default_for(reason: Reason) -> Self {
        match reason {
            Reason::Dynamic | Reason::Generic | Reason::NoRdns | Reason::Forged => Self::Reject,
            Reason::DirectSpam
            | Reason::HighSpam
            | Reason::NoBounce
            | Reason::Rollup
            | Reason::Dnsbl
            | Reason::Feed
            | Reason::ConnLimit
            | Reason::Manual => Self::Drop,
        }
    }
}

/// The enforcement of every reason.
///
/// In TOML one key a reason, each of them `"drop"`, `"reject"` or `"observe"`. Default: see
/// [`Enforcement::default_for`]. Example: `nordns = "observe"`.
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
        Self(Reason::ALL.map(Enforcement::default_for))
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
