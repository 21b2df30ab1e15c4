//! What can go wrong with the book.

use std::{
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use crate::network::Network;

/// Why a change is refused. Nothing of the changes it came with is applied.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A network too wide to be listed by accident.
    #[error("{network} is wider than /{widest}: if that is what you mean, say so with --force")]
    TooWide {
        /// The network.
        network: Network,
        /// The shortest prefix that needs no force.
        widest: u8,
    },
    /// An allow entry for every address there is.
    #[error(
        "allowing {network} lets everybody through: if that is what you mean, say so with --force"
    )]
    AllowsAll {
        /// The network.
        network: Network,
    },
    /// A comment that is too long to be shown.
    #[error("the comment on {network} is {length} bytes long: {max} are the most")]
    LongComment {
        /// The network.
        network: Network,
        /// Bytes.
        length: usize,
        /// Bytes.
        max: usize,
    },
    /// An entry that would end before it begins.
    #[error("{network} would expire at {expires}, which is past: give a time to come, or none")]
    Past {
        /// The network.
        network: Network,
        /// When it would end.
        expires: Timestamp,
    },
}

/// What can go wrong with the book.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// A change that the book does not take.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another process has the book open.
    #[error(
        "another gated has {} open: it holds the lock on {}; give each gate its own [paths] state",
        path.display(),
        lock.display()
    )]
    Locked {
        /// The database.
        path: PathBuf,
        /// The lock file.
        lock: PathBuf,
    },
    /// The lock file cannot be had.
    #[error("cannot lock {}: {source}", lock.display())]
    Lock {
        /// The lock file.
        lock: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database was written by a newer version.
    #[error(
        "{} has schema {found}, this program knows schemas up to {known}: it was written by a \
         newer gated; install that, or restore a backup",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The schema cannot be brought up to date.
    #[error("cannot bring the schema of {} up to date: {source}", path.display())]
    Migrate {
        /// The database.
        path: PathBuf,
        /// Why.
        source: Box<sqlx::migrate::MigrateError>,
    },
    /// The file is damaged, or no database at all.
    #[error(
        "{} is damaged or no SQLite database ({detail}): restore a backup, or move it away to \
         begin anew",
        path.display()
    )]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What SQLite found.
        detail: String,
    },
    /// A row says something that this program cannot read.
    #[error("{}, row {id}: {detail}", path.display())]
    Row {
        /// The database.
        path: PathBuf,
        /// The row's number in the table `entries`.
        id: i64,
        /// What is wrong with it.
        detail: String,
    },
    /// The database did not do what it was asked.
    #[error("{}, {doing}: {source}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: sqlx::Error,
    },
}

impl BookError {
    /// What SQLite said while `doing` something with the database at `path`.
    pub(crate) fn database(path: &Path, doing: &'static str, source: sqlx::Error) -> Self {
        // https://sqlite.org/rescode.html: SQLITE_CORRUPT and SQLITE_NOTADB; the low byte of an
        // extended code is the primary one.
        let damage = source.as_database_error().filter(|error| {
            let code = error.code().and_then(|code| code.parse::<u32>().ok());
            matches!(code.map(|code| code & 0xff), Some(11 | 26))
        });
        if let Some(error) = damage {
            return Self::Corrupt {
                path: path.to_owned(),
                detail: error.message().to_owned(),
            };
        }
        Self::Database {
            path: path.to_owned(),
            doing,
            source,
        }
    }
}
