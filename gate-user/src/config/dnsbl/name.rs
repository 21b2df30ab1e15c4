//! What a DNS block list is called wherever anything is shown.

use std::{fmt, str::FromStr, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Zone;

/// A list's public name.
#[derive(
    Clone, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct ListName(Arc<str>);

impl ListName {
    /// The name of a list that has none of its own.
    pub(super) fn of(zone: &Zone) -> Self {
        Self(zone.as_str().into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, shared.
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl FromStr for ListName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name.into()))
        } else {
            Err(
                "it cannot name a list: expected 1 to 64 of letters, digits, `.`, `_` and `-`"
                    .to_owned(),
            )
        }
    }
}

impl TryFrom<String> for ListName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<ListName> for String {
    fn from(name: ListName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for ListName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
