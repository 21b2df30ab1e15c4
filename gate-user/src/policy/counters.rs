//! What the service has done since it began.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{
    check::Check,
    decide::{Action, By, Decision},
    reply::Code,
};
use crate::latency::{Latency, LatencyCounter};

/// Counts that only grow.
#[derive(Debug, Default)]
pub struct Counters {
    requests: AtomicU64,
    /// As many entries as there are replies in the configuration.
    refused: Mutex<BTreeMap<(Check, Code), u64>>,
    observed: [AtomicU64; Check::ALL.len()],
    broken: AtomicU64,
    turned_away: AtomicU64,
    latency: LatencyCounter,
}

/// [`Counters`] at one time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counted {
    /// Requests that were answered.
    pub requests: u64,
    /// Of these, refused by each check, and with which code.
    pub refused: BTreeMap<(Check, Code), u64>,
    /// Of these, those that each check would have refused, were it not only observing.
    pub observed: [u64; Check::ALL.len()],
    /// Connections that were closed without an answer: not understood, or too slow.
    pub broken: u64,
    /// Connections that were closed because there were too many.
    pub turned_away: u64,
    /// How long answers took, but for those that need no look at a client.
    pub latency: Latency,
}

impl Counted {
    /// How many requests `check` refused.
    pub fn refused_by(&self, check: Check) -> u64 {
        let all = self.refused.iter();
        all.filter(|((by, _), _)| *by == check)
            .map(|(_, count)| count)
            .sum()
    }
}

impl Counters {
    pub(super) fn decided(&self, decision: &Decision) {
        if let (Action::Reply(reply), By::Check(check)) = (&decision.action, decision.by) {
            // Both under the lock: a reading that has the one without the other would tell of more
            // that passed than the next.
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            *refused.entry((check, reply.code())).or_default() += 1;
            self.requests.fetch_add(1, Relaxed);
        } else {
            self.requests.fetch_add(1, Relaxed);
        }
        for (step, _) in decision.observed() {
            self.observed[step.check as usize].fetch_add(1, Relaxed);
        }
    }

    pub(super) fn took(&self, time: Duration) {
        self.latency.took(time);
    }

    pub(super) fn broken(&self) {
        self.broken.fetch_add(1, Relaxed);
    }

    pub(super) fn turned_away(&self) {
        self.turned_away.fetch_add(1, Relaxed);
    }

    /// The counts of this moment.
    pub fn counted(&self) -> Counted {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        Counted {
            requests: self.requests.load(Relaxed),
            refused: refused.clone(),
            observed: self.observed.each_ref().map(|count| count.load(Relaxed)),
            broken: self.broken.load(Relaxed),
            turned_away: self.turned_away.load(Relaxed),
            latency: self.latency.counted(),
        }
    }
}
