//! What the service has done since it began.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{
    check::Check,
    decide::{Action, By, Decision},
};

/// Counts that only grow.
#[derive(Debug, Default)]
pub struct Counters {
    requests: AtomicU64,
    refused: [AtomicU64; Check::ALL.len()],
    observed: [AtomicU64; Check::ALL.len()],
    broken: AtomicU64,
    turned_away: AtomicU64,
}

/// [`Counters`] at one time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counted {
    /// Requests that were answered.
    pub requests: u64,
    /// Of these, refused by each check.
    pub refused: [u64; Check::ALL.len()],
    /// Of these, those that each check would have refused, were it not only observing.
    pub observed: [u64; Check::ALL.len()],
    /// Connections that were closed without an answer: not understood, or too slow.
    pub broken: u64,
    /// Connections that were closed because there were too many.
    pub turned_away: u64,
}

impl Counters {
    pub(super) fn decided(&self, decision: &Decision) {
        self.requests.fetch_add(1, Relaxed);
        if let (Action::Reply(_), By::Check(check)) = (&decision.action, decision.by) {
            self.refused[check as usize].fetch_add(1, Relaxed);
        }
        for (step, _) in decision.observed() {
            self.observed[step.check as usize].fetch_add(1, Relaxed);
        }
    }

    pub(super) fn broken(&self) {
        self.broken.fetch_add(1, Relaxed);
    }

    pub(super) fn turned_away(&self) {
        self.turned_away.fetch_add(1, Relaxed);
    }

    /// The counts of this moment.
    pub fn counted(&self) -> Counted {
        let all = |counts: &[AtomicU64; Check::ALL.len()]| {
            std::array::from_fn(|check| counts[check].load(Relaxed))
        };
        Counted {
            requests: self.requests.load(Relaxed),
            refused: all(&self.refused),
            observed: all(&self.observed),
            broken: self.broken.load(Relaxed),
            turned_away: self.turned_away.load(Relaxed),
        }
    }
}
