//! What an operator wants to know of a feed.

use std::{fmt, path::PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::BadLines;
use crate::config::{FeedFormat, FeedName, FeedSource};

/// How one feed stands. All times are in whole seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeedStatus {
    /// Its name.
    pub name: FeedName,
    /// Where it comes from.
    pub source: SourceStatus,
    /// How the list is written.
    pub format: FeedFormat,
    /// What became of the list as it was last read or fetched.
    pub file: FileState,
    /// What is in force.
    pub in_force: InForce,
    /// How many networks are in force.
    pub entries: usize,
    /// When what is in force was read; of a last good copy from before the start, when it was
    /// last good.
    pub loaded: Option<Timestamp>,
    /// The bad lines of the list as it was last read.
    pub bad_lines: BadLines,
    /// Size of the list as it was last read, in bytes.
    pub size: Option<u64>,
    /// When the file as it was last read had been written.
    pub modified: Option<Timestamp>,
    /// When the list was made, as it was last read and says itself.
    pub made: Option<Timestamp>,
    /// When the file was last looked at, or the last fetch ended.
    pub checked: Option<Timestamp>,
    /// When the list was last known to be good.
    pub last_good: Option<Timestamp>,
    /// When the last good state lapses, if it is that which is in force.
    pub lapses: Option<Timestamp>,
}

impl FeedStatus {
    /// What an operator must know of it, and what follows; `None` if all is well.
    pub fn warning(&self) -> Option<String> {
        let problem = match &self.file {
            FileState::Ok | FileState::Unread => return None,
            problem => problem,
        };
        let follows = match (self.in_force, self.lapses) {
            (InForce::Nothing, _) => "; nothing of it is in force".to_owned(),
            (_, Some(lapses)) => format!("; the last good state lapses at {lapses}"),
            (_, None) => String::new(),
        };
        Some(format!("feed {}: {problem}{follows}", self.name))
    }
}

/// Where a feed comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceStatus {
    /// A file.
    File(PathBuf),
    /// It is fetched.
    Url(FetchStatus),
}

impl SourceStatus {
    /// Of a feed that has been neither read nor fetched.
    pub(super) fn new(source: FeedSource<'_>) -> Self {
        match source {
            FeedSource::File(path) => Self::File(path.to_owned()),
            FeedSource::Url(url) => Self::Url(FetchStatus {
                url: url.to_string(),
                fetched: None,
                next: None,
                http: None,
                failures: 0,
            }),
        }
    }
}

impl fmt::Display for SourceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(fetch) => f.write_str(&fetch.url),
        }
    }
}

/// How the fetches of a feed stand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FetchStatus {
    /// From where, without what may be secret.
    pub url: String,
    /// When the last fetch ended.
    pub fetched: Option<Timestamp>,
    /// When the next one is due.
    pub next: Option<Timestamp>,
    /// The status of the server's last answer (RFC 9110 section 15).
    pub http: Option<u16>,
    /// How many fetches have failed one behind the other.
    pub failures: u32,
}

/// What became of a feed's list.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum FileState {
    /// It has not been read yet.
    Unread,
    /// It was accepted.
    Ok,
    /// It was refused.
    Refused {
        /// Why, in one sentence.
        why: String,
    },
    /// It is not there.
    Missing,
    /// It cannot be read.
    Unreadable {
        /// Why, in one sentence.
        why: String,
    },
    /// It could not be fetched.
    Failed {
        /// Why, in one sentence.
        why: String,
    },
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread => f.write_str("the list has not been read yet"),
            Self::Ok => f.write_str("the list was accepted"),
            Self::Refused { why } => write!(f, "the list was refused: {why}"),
            Self::Missing => f.write_str("the file is not there"),
            Self::Unreadable { why } => write!(f, "the file cannot be read: {why}"),
            Self::Failed { why } => write!(f, "the list could not be fetched: {why}"),
        }
    }
}

/// What of a feed is in force.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InForce {
    /// Its list as it was last read or fetched.
    File,
    /// What was last good: the list is refused, gone or cannot be read or fetched.
    LastGood,
    /// Nothing: there is nothing good, or it has lapsed.
    Nothing,
}
