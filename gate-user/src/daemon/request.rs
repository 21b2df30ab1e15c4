//! What the writer is asked to do, each with the way back for its answer.

use gate_common::Mode;
use tokio::sync::{mpsc, oneshot};

use crate::{
    book::{Applied, Book, Change},
    config::FloodMode,
    control::{
        Caller, ServiceError,
        api::{Detached, LookedUp, ModeState, Reloaded, RemovalRequest, RollupState},
    },
    evidence::{Evidence, Finding, Taken},
    names::NameRule,
    overrides::OverrideRule,
    roster,
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
    Evidence(Handed),
    /// Look at every network that may be rolled up.
    RollUp {
        by: String,
        reply: Reply<Vec<RollupState>>,
    },
    /// Take in what DNS said of an address just now.
    Lookup {
        finding: Finding,
        by: String,
        reply: Reply<LookedUp>,
    },
    /// Decide a removal request by the rules; answers its number. With it comes what DNS says now,
    /// if a listing rests on that.
    Removal {
        request: RemovalRequest,
        finding: Option<Finding>,
        by: Caller,
        reply: Reply<i64>,
    },
    /// Decide a removal request by the postmaster's word.
    DecideRemoval {
        id: i64,
        grant: bool,
        by: String,
        reply: Reply<()>,
    },
    /// Change the name-based list.
    Names {
        change: roster::Change<NameRule>,
        by: String,
        reply: Reply<roster::Outcome<NameRule>>,
    },
    /// Change the overrides of DNSBLs.
    Overrides {
        change: roster::Change<OverrideRule>,
        by: String,
        reply: Reply<roster::Outcome<OverrideRule>>,
    },
    /// Set the mode.
    SetMode {
        mode: Mode,
        by: String,
        reply: Reply<ModeState>,
    },
    /// Set who decides whether there is a flood.
    SetFlood {
        mode: FloodMode,
        by: String,
        reply: Reply<()>,
    },
    /// Read the configuration again.
    Reload { by: String, reply: Reply<Reloaded> },
    /// Take the gate off the wire, and end.
    Detach { by: String, reply: Reply<Detached> },
}

/// Evidence that is handed in.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) records: Vec<Evidence>,
    pub(super) by: String,
    pub(super) reply: Reply<Taken>,
}

/// Records of evidence that are taken in one transaction, about.
const TOGETHER: usize = 5000;

/// The evidence that waits in front of another request, and that request: to store much evidence
/// costs hardly more than to store one record.
pub(super) fn gather(
    first: Request,
    inbox: &mut mpsc::Receiver<Request>,
) -> (Vec<Handed>, Option<Request>) {
    let mut waiting = Vec::new();
    let mut records = 0;
    let mut next = Some(first);
    while let Some(request) = next.take() {
        match request {
            Request::Evidence(handed) => {
                records += handed.records.len();
                waiting.push(handed);
                if records < TOGETHER {
                    next = inbox.try_recv().ok();
                }
            }
            other => return (waiting, Some(other)),
        }
    }
    (waiting, None)
}

/// What came of [`Request::Change`].
#[derive(Debug)]
pub(super) struct Changed {
    /// What came of each change.
    pub(super) applied: Applied,
    /// The book with the changes.
    pub(super) book: Book,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Kind;

    fn handed(records: usize) -> Request {
        let record = Evidence::new(
            [1, 2, 3, 4].into(),
            jiff::Timestamp::UNIX_EPOCH,
            "filter",
            Kind::Ham { count: 1 },
            None,
        );
        Request::Evidence(Handed {
            records: vec![record; records],
            by: "uid 0".to_owned(),
            reply: oneshot::channel().0,
        })
    }

    #[test]
    fn evidence_is_gathered_up_to_another_request() {
        let (sender, mut inbox) = mpsc::channel(8);
        let reload = Request::Reload {
            by: "uid 0".to_owned(),
            reply: oneshot::channel().0,
        };
        for request in [handed(1), handed(2), reload, handed(TOGETHER), handed(3)] {
            sender.try_send(request).unwrap();
        }
        let mut turn = || {
            let first = inbox.try_recv().unwrap();
            let (waiting, other) = gather(first, &mut inbox);
            let counts: Vec<_> = waiting.iter().map(|one| one.records.len()).collect();
            (counts, other.is_some())
        };
        assert_eq!(turn(), (vec![1, 2], true));
        assert_eq!(
            turn(),
            (vec![TOGETHER], false),
            "enough for one transaction"
        );
        assert_eq!(turn(), (vec![3], false));
    }
}
