//! `[[feed]]`: lists that others make, and how far they are trusted.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::value;

/// `[[feed]]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FeedConfig {
    /// Its name, which its listings carry as `feed:NAME`: 1 to 32 of a-z, 0-9, `_` and `-`, not
    /// given twice. No default. Example: `"drop"`.
    pub name: FeedName,
    /// The file, absolute; read again whenever it changes. No default. Example:
    /// `"/var/lib/gate/drop_v4.json"`.
    #[serde(deserialize_with = "value::absolute")]
    pub path: PathBuf,
    /// `"plain"`: an address or network a line, comments behind `#` and `;`. `"drop-json"`: the
    /// JSON lines of the Spamhaus DROP lists. Default: `"plain"`.
    #[serde(default)]
    pub format: FeedFormat,
    /// How long the last good state stays in force once the file is refused or gone. Default:
    /// `"7d"`.
    #[serde(with = "value::duration", default = "default_lapse")]
    pub lapse_after: Duration,
    /// What makes a file be refused as a whole.
    #[serde(default)]
    pub guards: Guards,
}

impl FeedConfig {
    /// The keys that have no default.
    pub(super) const REQUIRED: [&str; 2] = ["name", "path"];

    /// The feed of that name and file, with the defaults of everything else.
    pub fn new(name: FeedName, path: PathBuf) -> Self {
        Self {
            name,
            path,
            format: FeedFormat::default(),
            lapse_after: default_lapse(),
            guards: Guards::default(),
        }
    }
}

const fn default_lapse() -> Duration {
    Duration::from_hours(7 * 24)
}

/// How a feed's file is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeedFormat {
    /// An address or network a line.
    #[default]
    Plain,
    /// Spamhaus DROP as JSON lines.
    DropJson,
}

/// What makes a feed's file be refused as a whole; the last good state then stays in force.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guards {
    /// More bad lines than this share of all lines that should be entries, 0 to 1. Default:
    /// `0.05`.
    #[serde(deserialize_with = "value::share")]
    pub max_bad_share: f64,
    /// Fewer entries than the last good state had, divided by this; 1 or more. Small lists are
    /// exempt. Default: `3.0`.
    #[serde(deserialize_with = "value::factor")]
    pub max_shrink: f64,
    /// More entries than the last good state had, times this; 1 or more. Small lists are exempt.
    /// Default: `3.0`.
    #[serde(deserialize_with = "value::factor")]
    pub max_growth: f64,
    /// Fewer entries than this, 1 or more. Default: `1`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 4_294_967_295>")]
    pub min_entries: u32,
    /// More entries than this. Default: `1000000`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 4_294_967_295>")]
    pub max_entries: u32,
    /// More than this share of all IPv4 addresses, 0 to 1. Default: `0.05`.
    #[serde(deserialize_with = "value::share")]
    pub max_share_v4: f64,
    /// More than this share of all global IPv6 addresses (2000::/3), 0 to 1. Default: `0.01`.
    #[serde(deserialize_with = "value::share")]
    pub max_share_v6: f64,
    /// An IPv4 network wider than this prefix length in bits, 0 to 32. Default: `8`.
    #[serde(deserialize_with = "value::within::<_, _, 0, 32>")]
    pub widest_v4: u8,
    /// An IPv6 network wider than this prefix length in bits, 0 to 128. Default: `16`.
    #[serde(deserialize_with = "value::within::<_, _, 0, 128>")]
    pub widest_v6: u8,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            max_bad_share: 0.05,
            max_shrink: 3.0,
            max_growth: 3.0,
            min_entries: 1,
            max_entries: 1_000_000,
            max_share_v4: 0.05,
            max_share_v6: 0.01,
            widest_v4: 8,
            widest_v6: 16,
        }
    }
}

/// A feed's name: 1 to 32 of a-z, 0-9, `_` and `-`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct FeedName(Arc<str>);

impl FeedName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, shared: as [`Origin::Feed`](crate::book::Origin::Feed) holds it.
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl FromStr for FeedName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if (1..=32).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name.into()))
        } else {
            Err(format!(
                "`{name}` cannot name a feed: expected 1 to 32 of a-z, 0-9, _ and -"
            ))
        }
    }
}

impl TryFrom<String> for FeedName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<FeedName> for String {
    fn from(name: FeedName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for FeedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
