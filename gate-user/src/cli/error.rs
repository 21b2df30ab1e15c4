//! How a command ends.

use std::{io, path::PathBuf, process::ExitCode};

use crate::control::client::ClientError;

/// How a command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Exit {
    /// Done; for `check`: nothing lists any of the addresses.
    Done,
    /// `check`: something lists one of the addresses. `policy test`: refused.
    Listed,
    /// It was not done, and that was told.
    Error,
    /// `complaint` and `verdict` alone: the command line is wrong (`EX_USAGE`, sysexits.h).
    Usage,
    /// `complaint` and `verdict` alone: the file cannot be read (`EX_NOINPUT`).
    NoInput,
    /// `complaint` and `verdict` alone: what was handed in is refused (`EX_DATAERR`).
    BadData,
    /// `complaint` and `verdict` alone: it is to be handed in again (`EX_TEMPFAIL`).
    TryAgain,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Listed => 1,
            Exit::Error => 2,
            Exit::Usage => 64,
            Exit::BadData => 65,
            Exit::NoInput => 66,
            Exit::TryAgain => 75,
        })
    }
}

/// Why a command failed. The message is one line.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// The daemon did not do it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What a file holds is not to be imported.
    #[error("{}: {why}; nothing was imported", path.display())]
    NotImported {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The configuration is not usable.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// A log cannot be replayed.
    #[error(transparent)]
    Replay(#[from] crate::book::BookError),
    /// An answer is wanted, and there is nobody to give it.
    #[error("{0} wants to be confirmed: this is no terminal, so say --yes")]
    NotConfirmed(&'static str),
    /// The operator said no.
    #[error("nothing was done")]
    Declined,
    /// Attributes that ask nothing.
    #[error("{0}")]
    Attributes(String),
    /// Two formats at once.
    #[error("--json and --format contradict each other")]
    TwoFormats,
    /// What is asked for is not to be had as JSON.
    #[error("metrics are text for Prometheus: expected `gatectl metrics` without --json")]
    NoJson,
    /// Options of one format, with another.
    #[error("--name-server, --contact, --ttl, --valid and --url are for --format rbldnsd alone")]
    NotForFormat,
    /// The answer cannot be written, or the terminal not be read.
    #[error("{0}")]
    Output(io::Error),
}
