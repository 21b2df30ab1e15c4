//! Looking at what the kernel holds, and mending what is not as planned.

use std::sync::Arc;

use super::{view, writer::Writer};
use crate::{
    clock,
    control::api::{Drift, TableSize},
    kernel::{KernelError, Maps},
    plan::{self, Diff, Table},
};

/// The plan and the kernel's table, as they were at one time.
pub(super) struct Look {
    generation: u64,
    result: Result<(Table, Table), KernelError>,
}

impl Writer {
    /// Begins a look: the reading back, which takes its time, is for another thread.
    pub(super) fn begin_look(&self) -> Option<impl FnOnce() -> Look + Send + 'static> {
        let maps: Arc<Maps> = Arc::clone(self.gate.as_ref()?.maps());
        let (book, rules) = (self.ledger.book().clone(), Arc::clone(&self.rules));
        let generation = self.generation;
        Some(move || Look {
            generation,
            result: maps
                .read_back()
                .map(|kernel| (plan::table(&book, &rules), kernel)),
        })
    }

    /// Ends a look: notes the drift and mends it. Returns whether the look was of use; if the
    /// plan has changed meanwhile, it is to be taken again.
    pub(super) fn end_look(&mut self, look: Look) -> bool {
        if look.generation != self.generation {
            return false;
        }
        match look.result {
            Ok((plan, kernel)) => {
                self.settle(&plan, &kernel);
                true
            }
            Err(error) => {
                tracing::error!(%error, "cannot read the gate table back");
                self.kernel_problem = Some(error.to_string());
                self.publish();
                true
            }
        }
    }

    /// Notes how `kernel` differs from `plan`, and makes it so.
    pub(super) fn settle(&mut self, plan: &Table, kernel: &Table) {
        let diff = Diff::between(kernel, plan);
        self.planned = view::size_of(plan);
        self.drift = Drift {
            missing: (diff.allow.len() + diff.block.len()) as u64,
            extra: (diff.disallow.len() + diff.unblock.len()) as u64,
            checked: Some(clock::now()),
        };
        self.kernel_problem = None;
        self.held = if diff.is_empty() {
            self.planned
        } else {
            view::size_of(kernel)
        };
        if !diff.is_empty() {
            tracing::warn!(
                missing = self.drift.missing,
                extra = self.drift.extra,
                "found drift in the gate table; mending"
            );
            // A failure is told by `enforce`, and shows in the status.
            let _ = self.enforce(&diff);
        }
        self.publish();
    }

    /// Puts an adopted or a fresh gate table in order at the start.
    pub(super) fn reconcile(&mut self, kernel: &Table) -> Result<usize, KernelError> {
        let plan = self.plan();
        let diff = Diff::between(kernel, &plan);
        self.planned = view::size_of(&plan);
        self.held = TableSize::default();
        self.enforce_by(|gate| gate.reconcile(&plan, &diff))?;
        self.drift = Drift {
            missing: 0,
            extra: 0,
            checked: None,
        };
        Ok(diff.len())
    }
}
