//! What the page explains, each under its anchor: the reasons, and the limits of a connection.

use gate_common::Reason;

/// A paragraph of the page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Topic {
    /// Why a network is listed.
    Reason(Reason),
    /// What a client may do at the same time, or in a time.
    Limits,
}

impl Topic {
    /// The anchor, as the replies name it.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Reason(reason) => reason.code(),
            Self::Limits => "limits",
        }
    }

    /// Every topic, in the order of the page.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let reasons = Reason::ALL.into_iter().map(Self::Reason);
        reasons.chain([Self::Limits])
    }

    /// The topic with that anchor.
    pub(super) fn with_code(code: &str) -> Option<Self> {
        Self::all().find(|topic| topic.code().eq_ignore_ascii_case(code))
    }
}
