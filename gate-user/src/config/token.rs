//! `[[web.operators.token]]`: who may use the operators' page and API, and for what.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::value;
use crate::control::Rights;

/// `[[web.operators.token]]`: a secret that opens the operators' page and API.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// Whose it is, as history and log name who shows it: 1 to 32 of a-z, 0-9, `_` and `-`. No
    /// default. Example: `"grafana"`.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// The file that holds the secret, which others may not read. No default. Example:
    /// `"/etc/gate/grafana.token"`.
    #[serde(deserialize_with = "value::absolute")]
    pub file: PathBuf,
    /// `"read"`: to look at everything; `"write"`: to change things as well. Default: `"read"`.
    #[serde(default = "read")]
    pub rights: Rights,
}

impl TokenConfig {
    /// The keys that have no default.
    pub(super) const REQUIRED: [&str; 2] = ["name", "file"];

    /// One with the defaults.
    pub(super) fn example() -> Self {
        Self {
            name: "example".to_owned(),
            file: "/example".into(),
            rights: read(),
        }
    }
}

fn read() -> Rights {
    Rights::Read
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if (1..=32).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(name)
    } else {
        Err(D::Error::custom(format_args!(
            "`{name}` cannot name a token: expected 1 to 32 of a-z, 0-9, _ and -"
        )))
    }
}
