//! What a feed is called.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

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
