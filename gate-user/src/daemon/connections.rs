//! Counts of connections, kept true: compared with the table of sockets at the start and from time
//! to time, or made of it where the kernel does not count.
//!
//! In: the maps, as the snapshot has them. Out: corrected counts, and what the kernel could not
//! report: sources with a first connection, and sources that reached a limit.

use std::{collections::HashSet, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use gate_common::Limit;
use tokio::{task::spawn_blocking, time};

use super::{
    reports::{Hear, ReachedLimit},
    view::View,
};
use crate::kernel::{Corrected, KernelError};

/// How often the table of sockets is read where it is all there is, at the most.
const POLL: Duration = Duration::from_secs(1);

/// The one who compares.
pub(super) struct Comparison {
    view: Arc<ArcSwap<View>>,
    hear: Hear,
    /// The sockets of the last look, where the kernel does not count.
    known: Option<HashSet<u64>>,
    /// Whether the last look failed, which is told once.
    failed: bool,
}

impl Comparison {
    pub(super) fn new(view: Arc<ArcSwap<View>>, hear: Hear) -> Self {
        Self {
            view,
            hear,
            known: None,
            failed: false,
        }
    }

    /// Compares from time to time, for as long as the gate is on the wire.
    pub(super) async fn go_on(mut self) {
        loop {
            let view = self.view.load_full();
            let every = view.config.limits.compare;
            let pause = if view.counting.is_ok() {
                every
            } else {
                every.min(POLL)
            };
            drop(view);
            time::sleep(pause).await;
            if !self.compare().await {
                return;
            }
        }
    }

    /// Compares now; whether the gate is on the wire.
    pub(super) async fn compare(&mut self) -> bool {
        let view = self.view.load_full();
        let Some(maps) = view.maps.clone() else {
            return false;
        };
        let counts = view.counting.is_ok();
        let mut known = std::mem::take(&mut self.known);
        let looked = spawn_blocking(move || {
            let corrected = if counts {
                maps.compare_connections()
            } else {
                maps.count_connections(&mut known)
            };
            (corrected, known)
        });
        // The thread only reads and sets numbers; it panics if the process is broken anyway.
        let (corrected, known) = looked.await.expect("a comparison does not panic");
        self.known = known;
        self.take(corrected, counts);
        true
    }

    fn take(&mut self, corrected: Result<Vec<Corrected>, KernelError>, counts: bool) {
        let corrected = match corrected {
            Ok(corrected) => corrected,
            Err(error) => {
                if !self.failed {
                    tracing::error!(%error, "cannot compare connections");
                }
                self.failed = true;
                return;
            }
        };
        self.failed = false;
        if counts && !corrected.is_empty() {
            let sources = corrected.len();
            tracing::info!(sources, "corrected counts of connections");
        }
        for Corrected {
            source,
            before,
            open,
            opened,
            reached,
        } in corrected
        {
            if before == 0 && open > 0 {
                self.hear.opened(source);
            }
            if let Some(limit) = reached {
                let count = match limit {
                    Limit::Rate => opened,
                    Limit::Connections | Limit::SynRate => open,
                };
                self.hear.reached(ReachedLimit {
                    source,
                    limit,
                    count,
                });
            }
        }
    }
}
