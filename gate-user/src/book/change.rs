//! What can be asked of the book, and what came of it.

use std::{fmt, str::FromStr, sync::Arc};

use gate_common::Reason;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::listing::{AllowEntry, Listing, Origin};
use crate::network::Network;

/// One change of the book.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// List a network. A listing in force for the same reason and of the same origin is renewed:
    /// it takes the new expiry, and the new comment and evidence where there are any; its `since`
    /// stays.
    List(NewListing),
    /// End the listings of exactly this network.
    Unlist {
        /// The network.
        network: Network,
        /// Only those of this origin.
        origin: Option<Origin>,
        /// Only those for this reason.
        reason: Option<Reason>,
    },
    /// Allow a network. An entry in force of the same origin is renewed, as with `List`.
    Allow(NewAllow),
    /// End the allow entries of exactly this network.
    Disallow {
        /// The network.
        network: Network,
        /// Only those of this origin.
        origin: Option<Origin>,
    },
    /// What a feed holds now: everything else that it listed ends. A listing that stays keeps its
    /// `since`. Of a network given twice the last counts.
    Feed {
        /// The feed's name.
        name: Arc<str>,
        /// All of its networks, in any order.
        entries: Vec<FeedEntry>,
    },
    /// What the configuration allows now: every other allow entry of [`Origin::Config`] ends.
    Configure {
        /// All networks that the configuration allows, in any order.
        allow: Vec<Network>,
    },
    /// End everything that is due.
    Expire,
    /// End every listing. Allow entries stay.
    Flush,
}

/// A listing to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewListing {
    /// What to list.
    pub network: Network,
    /// Why.
    pub reason: Reason,
    /// By whom.
    pub origin: Origin,
    /// The operator's words.
    pub comment: Option<Arc<str>>,
    /// What it rests on, in one line.
    pub evidence: Option<Arc<str>>,
    /// When it ends by itself, `None` for never; part of a second counts as a whole one.
    pub expires: Option<Timestamp>,
    /// List it however wide it is (see [`check_width`](super::check_width)).
    pub force: bool,
}

/// An allow entry to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewAllow {
    /// What to allow.
    pub network: Network,
    /// By whom.
    pub origin: Origin,
    /// The operator's words.
    pub comment: Option<Arc<str>>,
    /// When it ends by itself, `None` for never; part of a second counts as a whole one.
    pub expires: Option<Timestamp>,
    /// Allow it even if it is the whole Internet.
    pub force: bool,
}

/// One network of a feed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FeedEntry {
    /// The network.
    pub network: Network,
    /// What the feed says of it: `SBL256894`.
    pub evidence: Option<Arc<str>>,
}

/// What came of one [`Change`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The new listing.
    Listed(Listing),
    /// The listing that was in force already, as it stands now.
    Renewed(Listing),
    /// The listings that ended; none if there was nothing to end.
    Unlisted(Vec<Listing>),
    /// The new allow entry.
    Allowed(AllowEntry),
    /// The allow entry that was in force already, as it stands now.
    AllowRenewed(AllowEntry),
    /// The allow entries that ended; none if there was nothing to end.
    Disallowed(Vec<AllowEntry>),
    /// What a feed, or the configuration, changed.
    Replaced(Replaced),
    /// What was due.
    Expired {
        /// Listings that ended.
        listings: Vec<Listing>,
        /// Allow entries that ended.
        allow_entries: Vec<AllowEntry>,
    },
    /// How many listings ended.
    Flushed(usize),
}

impl Outcome {
    /// The listing that began or was renewed, if this is that.
    pub fn into_listing(self) -> Option<Listing> {
        match self {
            Self::Listed(listing) | Self::Renewed(listing) => Some(listing),
            _ => None,
        }
    }
}

/// How a replacement differs from what was in force, in numbers of networks.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Replaced {
    /// Not there before.
    pub added: usize,
    /// There before, with other evidence.
    pub changed: usize,
    /// There before, and the same.
    pub kept: usize,
    /// There before, and ended.
    pub ended: usize,
}

/// What came of changes that were applied, and are committed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Applied {
    /// One for each change, in their order.
    pub outcomes: Vec<Outcome>,
    /// Every network of which an entry came, went or changed; sorted, each once.
    pub touched: Vec<Network>,
}

/// What ended an entry.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum EndCause {
    /// Its time was up.
    Expired,
    /// Somebody ended it by name: [`Change::Unlist`], [`Change::Disallow`].
    Removed,
    /// Its feed holds it no longer.
    Feed,
    /// The configuration allows it no longer.
    Config,
    /// All listings were ended at once.
    Flushed,
}

impl EndCause {
    /// Every cause.
    pub const ALL: [Self; 5] = [
        Self::Expired,
        Self::Removed,
        Self::Feed,
        Self::Config,
        Self::Flushed,
    ];

    /// The name, as in the store and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Removed => "removed",
            Self::Feed => "feed",
            Self::Config => "config",
            Self::Flushed => "flushed",
        }
    }
}

/// A text that names no [`EndCause`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no cause of an end: expected expired, removed, feed, config or flushed")]
pub struct EndCauseError(String);

impl fmt::Display for EndCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EndCause {
    type Err = EndCauseError;

    fn from_str(text: &str) -> Result<Self, EndCauseError> {
        Self::ALL
            .into_iter()
            .find(|cause| cause.as_str() == text)
            .ok_or_else(|| EndCauseError(text.to_owned()))
    }
}
