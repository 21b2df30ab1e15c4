//! What an operator wants to know of a feed.

use std::{fmt, path::PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::BadLines;
use crate::config::{FeedFormat, FeedName};

/// How one feed stands. All times are in whole seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeedStatus {
    /// Its name.
    pub name: FeedName,
    /// Its file.
    pub path: PathBuf,
    /// How the file is written.
    pub format: FeedFormat,
    /// What became of the file as it was last read.
    pub file: FileState,
    /// What is in force.
    pub in_force: InForce,
    /// How many networks are in force.
    pub entries: usize,
    /// When what is in force was read; of a last good copy from before the start, when it was
    /// last good.
    pub loaded: Option<Timestamp>,
    /// The bad lines of the file as it was last read.
    pub bad_lines: BadLines,
    /// Size of the file as it was last read, in bytes.
    pub size: Option<u64>,
    /// When the file as it was last read had been written.
    pub modified: Option<Timestamp>,
    /// When the list was made, as the file as it was last read says itself.
    pub made: Option<Timestamp>,
    /// When the file was last looked at.
    pub checked: Option<Timestamp>,
    /// When the file was last known to be good.
    pub last_good: Option<Timestamp>,
    /// When the last good state lapses, if it is that which is in force.
    pub lapses: Option<Timestamp>,
}

/// What became of a feed's file.
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
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread => f.write_str("the file has not been read yet"),
            Self::Ok => f.write_str("the file was accepted"),
            Self::Refused { why } => write!(f, "the file was refused: {why}"),
            Self::Missing => f.write_str("the file is not there"),
            Self::Unreadable { why } => write!(f, "the file cannot be read: {why}"),
        }
    }
}

/// What of a feed is in force.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InForce {
    /// Its file as it stands.
    File,
    /// What was last good: the file is refused, gone or unreadable.
    LastGood,
    /// Nothing: there is nothing good, or it has lapsed.
    Nothing,
}
