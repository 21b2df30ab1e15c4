//! `feeds`: what became of each configured list.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a feed's list when it was last read or fetched.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedFile {
    /// It has been neither read nor fetched yet.
    Unread,
    /// It was accepted.
    Ok,
    /// It was refused whole.
    Refused,
    /// It is not there.
    Missing,
    /// It cannot be read.
    Unreadable,
    /// It could not be fetched.
    Failed,
}

/// What of a feed is in force.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedInForce {
    /// Its list as it was last read or fetched.
    File,
    /// What was last good.
    LastGood,
    /// Nothing: there is nothing good, or it has lapsed.
    Nothing,
}

/// Answer of `GET /v1/feeds`, in the order of the configuration.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Feeds {
    /// The feeds.
    pub feeds: Vec<Feed>,
}

/// One feed; also the answer of `POST /v1/feeds/{name}/reload`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Feed {
    /// Its name.
    pub name: String,
    /// The file it is read from; `null` if it is fetched.
    pub path: Option<String>,
    /// How its fetches stand; `null` if it is read from a file.
    pub fetch: Option<Fetch>,
    /// The list's format: `plain`, `drop-json`, `drop-txt`, `csv` or `ip-count`.
    pub format: String,
    /// What became of the list.
    pub file: FeedFile,
    /// Why it was refused, cannot be read or could not be fetched; `null` if none of that.
    pub error: Option<String>,
    /// What is in force.
    pub in_force: FeedInForce,
    /// How many networks are in force.
    pub networks: u64,
    /// When what is in force was read or fetched; `null` if nothing is.
    pub loaded: Option<Timestamp>,
    /// When the list was made, as it says itself; `null` if it does not.
    pub made: Option<Timestamp>,
    /// When the file was last looked at, or the last fetch ended; `null` if not yet.
    pub checked: Option<Timestamp>,
    /// When the last good state lapses, if it is that which is in force.
    pub lapses: Option<Timestamp>,
    /// How many lines of the last reading were skipped because they name no network.
    pub bad_lines: u64,
    /// The first of them.
    pub bad: Vec<BadLine>,
}

/// How the fetches of a feed stand.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Fetch {
    /// From where, without name, password and query, which may be secret.
    pub url: String,
    /// When the last one ended; `null` if none has.
    pub fetched: Option<Timestamp>,
    /// When the next one is due.
    pub next: Option<Timestamp>,
    /// The HTTP status of the last one: 200 for a list, 304 for the same one; `null` if the server
    /// gave no whole answer, or none since the start.
    pub http: Option<u16>,
    /// How many have failed one behind the other.
    pub failures: u32,
}

/// A line that names no network.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u64,
    /// Its beginning, made printable.
    pub text: String,
    /// What is wrong with it.
    pub error: String,
}
