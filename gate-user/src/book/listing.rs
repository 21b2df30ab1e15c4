//! What stands in the book.

use std::{fmt, str::FromStr, sync::Arc};

use gate_common::Reason;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::network::Network;

/// Who listed a network, or allowed it.
#[derive(
    Clone, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(try_from = "String", into = "String")]
pub enum Origin {
    /// An operator, by command.
    Operator,
    /// The configuration file (allow entries).
    Config,
    /// The reputation score.
    Complaints,
    /// Rollup of the sources in it.
    Rollup,
    /// The feed of that name.
    Feed(Arc<str>),
    /// DNSBL answers.
    Dnsbl,
    /// The PTR name.
    Ptr,
    /// The connection limits.
    Limits,
}

/// A text that names no [`Origin`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "`{0}` is not an origin: expected operator, config, complaints, rollup, feed:NAME, dnsbl, ptr or limits"
)]
pub struct OriginError(String);

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Config => f.write_str("config"),
            Self::Complaints => f.write_str("complaints"),
            Self::Rollup => f.write_str("rollup"),
            Self::Feed(name) => write!(f, "feed:{name}"),
            Self::Dnsbl => f.write_str("dnsbl"),
            Self::Ptr => f.write_str("ptr"),
            Self::Limits => f.write_str("limits"),
        }
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        Ok(match text {
            "operator" => Self::Operator,
            "config" => Self::Config,
            "complaints" => Self::Complaints,
            "rollup" => Self::Rollup,
            "dnsbl" => Self::Dnsbl,
            "ptr" => Self::Ptr,
            "limits" => Self::Limits,
            other => match other.strip_prefix("feed:") {
                Some(name) if !name.is_empty() => Self::Feed(name.into()),
                _ => return Err(OriginError(other.to_owned())),
            },
        })
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

/// The number of a listing in the store; never used twice.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct ListingId(pub i64);

/// One network, one reason, since when, until when, its evidence, its origin.
///
/// At most one listing in force has a given network, reason and origin.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listing {
    /// Its number.
    pub id: ListingId,
    /// What is listed.
    pub network: Network,
    /// Why.
    pub reason: Reason,
    /// By whom.
    pub origin: Origin,
    /// The operator's words, or the feed's.
    pub comment: Option<Arc<str>>,
    /// What it rests on, in one line: `SBL256894`, `score 12: 3 complaints`.
    pub evidence: Option<Arc<str>>,
    /// When it began; whole seconds.
    pub since: Timestamp,
    /// When it ends by itself; whole seconds, `None` for never.
    pub expires: Option<Timestamp>,
}

/// A network that always passes.
///
/// At most one entry in force has a given network and origin.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AllowEntry {
    /// What is allowed.
    pub network: Network,
    /// By whom: an operator or the configuration.
    pub origin: Origin,
    /// The operator's words.
    pub comment: Option<Arc<str>>,
    /// When it began; whole seconds.
    pub since: Timestamp,
    /// When it ends by itself; whole seconds, `None` for never.
    pub expires: Option<Timestamp>,
}
