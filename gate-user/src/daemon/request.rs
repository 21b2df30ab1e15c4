//! What the writer is asked to do, each with the way back for its answer.

use gate_common::Mode;
use tokio::sync::oneshot;

use crate::{
    book::{Applied, Book, Change},
    control::{
        ServiceError,
        api::{Detached, ModeState, Reloaded, RemovalRequest, RollupState},
    },
    evidence::{Evidence, Taken},
};

/// The way back of an answer. Whoever asked may have gone: that is no error.
pub(super) type Reply<T> = oneshot::Sender<Result<T, ServiceError>>;

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Request {
    /// Change the book, all or nothing.
    Change {
        changes: Vec<Change>,
        by: String,
        reply: Reply<Changed>,
    },
    /// Take evidence in.
    Evidence {
        records: Vec<Evidence>,
        by: String,
        reply: Reply<Taken>,
    },
    /// Look at every network that may be rolled up.
    RollUp {
        by: String,
        reply: Reply<Vec<RollupState>>,
    },
    /// Decide a removal request by the rules; answers its number.
    Removal {
        request: RemovalRequest,
        by: String,
        reply: Reply<i64>,
    },
    /// Decide a removal request by the postmaster's word.
    DecideRemoval {
        id: i64,
        grant: bool,
        by: String,
        reply: Reply<()>,
    },
    /// Set the mode.
    SetMode {
        mode: Mode,
        by: String,
        reply: Reply<ModeState>,
    },
    /// Read the configuration again.
    Reload { by: String, reply: Reply<Reloaded> },
    /// Take the gate off the wire, and end.
    Detach { by: String, reply: Reply<Detached> },
}

/// What came of [`Request::Change`].
#[derive(Debug)]
pub(super) struct Changed {
    /// What came of each change.
    pub(super) applied: Applied,
    /// The book with the changes.
    pub(super) book: Book,
}
