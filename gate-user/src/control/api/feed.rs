//! `feeds`: what became of each configured list.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What became of a feed's file when it was last read.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedFile {
    /// It has not been read yet.
    Unread,
    /// It was accepted.
    Ok,
    /// It was refused whole.
    Refused,
    /// It is not there.
    Missing,
    /// It cannot be read.
    Unreadable,
}

/// What of a feed is in force.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedInForce {
    /// Its file as it stands.
    File,
    /// What was last good.
    LastGood,
    /// Nothing: there is nothing good, or it has lapsed.
    Nothing,
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
    /// What became of the file.
    pub file: FeedFile,
    /// Why it was refused or cannot be read; `null` if neither.
    pub error: Option<String>,
    /// What is in force.
    pub in_force: FeedInForce,
    /// How many networks are in force.
    pub networks: u64,
    /// When what is in force was read; `null` if nothing is.
    pub loaded: Option<Timestamp>,
    /// When the list was made, as it says itself; `null` if it does not.
    pub made: Option<Timestamp>,
    /// When the file was last looked at; `null` if not yet.
    pub checked: Option<Timestamp>,
    /// When the last good state lapses, if it is that which is in force.
    pub lapses: Option<Timestamp>,
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
