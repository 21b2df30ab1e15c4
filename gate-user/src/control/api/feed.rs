//! `feeds`: what became of each configured list.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How a feed stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedState {
    /// What was read last is in force.
    Ok,
    /// What was read last was refused, or could not be read: the last good state is in force.
    Refused,
    /// Nothing good was ever read: it lists nothing.
    Empty,
}

/// Answer of `GET /v1/feeds`, in the order of the configuration.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Feeds {
    /// The feeds.
    pub feeds: Vec<Feed>,
}

/// One feed; also the answer of `POST /v1/feeds/{name}/reload`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Feed {
    /// Its name.
    pub name: String,
    /// The file it is read from.
    pub path: String,
    /// The file's format: `plain`, `drop-json`.
    pub format: String,
    /// How it stands.
    pub state: FeedState,
    /// Networks it lists now.
    pub networks: u64,
    /// When what is in force was read; `null` if nothing is.
    pub loaded: Option<Timestamp>,
    /// When the file was looked at last; `null` if not yet.
    pub checked: Option<Timestamp>,
    /// Why it was refused; `null` if it was not.
    pub error: Option<String>,
    /// How many lines of the last reading were skipped because they name no network.
    pub bad_lines: u64,
    /// The first of them.
    pub bad: Vec<BadLine>,
}

/// A line that names no network.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u64,
    /// Its beginning, made printable.
    pub text: String,
    /// What is wrong with it.
    pub error: String,
}
