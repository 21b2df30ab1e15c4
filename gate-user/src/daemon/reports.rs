//! The kernel's reports, handed to whoever they are for.
//!
//! In: the ring buffer. Out: sampled drops counted by source, and in channels of bounded length the
//! sources that opened their first connection, and those that reached a limit. What finds its
//! channel full is left out and counted: nobody waits.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use gate_common::Limit;
use jiff::Timestamp;
use tokio::sync::mpsc::{self, error::TrySendError};

use super::top::TopSources;
use crate::kernel::{Events, Report};

/// Reports taken from the ring buffer at a time.
const REPORTS: usize = 4096;

/// Sources that completed a handshake and wait for whoever asks about them.
const OPENED: usize = 4096;

/// Reports of limits that wait for the writer.
const REACHED: usize = 4096;

/// Where sources are told that have just opened their first connection.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    sender: mpsc::Sender<IpAddr>,
    missed: Arc<AtomicU64>,
}

impl Opened {
    /// The two ends.
    pub(super) fn channel() -> (Self, mpsc::Receiver<IpAddr>) {
        let (sender, receiver) = mpsc::channel(OPENED);
        let missed = Arc::default();
        (Self { sender, missed }, receiver)
    }

    /// Tells of the address of a source.
    pub(super) fn tell(&self, source: IpAddr) {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(source) {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many found no room.
    pub(super) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

/// That a source reached a limit by completing a handshake.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct ReachedLimit {
    /// The address that it did so from.
    pub(super) source: IpAddr,
    /// Which.
    pub(super) limit: Limit,
    /// Connections that are open, or were opened in the window.
    pub(super) count: u32,
}

/// How many reports of limits the kernel made since the daemon started.
#[derive(Debug, Default)]
pub(super) struct LimitReports {
    reached: [AtomicU64; Limit::SLOTS],
    limited: [AtomicU64; Limit::SLOTS],
}

impl LimitReports {
    fn count(counts: &[AtomicU64; Limit::SLOTS], limit: Limit) {
        counts[limit.slot()].fetch_add(1, Ordering::Relaxed);
    }

    /// Of sources that reached a limit by completing a handshake, by [`Limit::slot`].
    pub(super) fn reached(&self) -> [u64; Limit::SLOTS] {
        self.reached
            .each_ref()
            .map(|count| count.load(Ordering::Relaxed))
    }

    /// Of SYNs over a limit, by [`Limit::slot`].
    pub(super) fn limited(&self) -> [u64; Limit::SLOTS] {
        self.limited
            .each_ref()
            .map(|count| count.load(Ordering::Relaxed))
    }
}

/// Whom reports are for.
#[derive(Clone, Debug)]
pub(super) struct Hear {
    /// Whoever asks about sources.
    pub(super) opened: Opened,
    /// Whoever gives them limits by their score.
    classes: mpsc::Sender<IpAddr>,
    reached: mpsc::Sender<ReachedLimit>,
    /// Whoever counts.
    pub(super) limits: Arc<LimitReports>,
}

/// What is heard.
#[derive(Debug)]
pub(super) struct Heard {
    /// Sources that have just opened their first connection.
    pub(super) firsts: mpsc::Receiver<IpAddr>,
    /// Sources that reached a limit.
    pub(super) reached: mpsc::Receiver<ReachedLimit>,
}

impl Hear {
    /// The two ends, and that of the sources to be given limits by their score.
    pub(super) fn channel() -> (Self, Heard, mpsc::Receiver<IpAddr>) {
        let (opened, firsts) = Opened::channel();
        let (classes, scored) = mpsc::channel(OPENED);
        let (sender, reached) = mpsc::channel(REACHED);
        let hear = Self {
            opened,
            classes,
            reached: sender,
            limits: Arc::default(),
        };
        (hear, Heard { firsts, reached }, scored)
    }

    /// Tells that a source opened its first connection.
    pub(super) fn opened(&self, source: IpAddr) {
        self.opened.tell(source);
        if let Err(TrySendError::Full(_)) = self.classes.try_send(source) {
            self.opened.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Tells that a source reached a limit.
    pub(super) fn reached(&self, report: ReachedLimit) {
        LimitReports::count(&self.limits.reached, report.limit);
        if let Err(TrySendError::Full(_)) = self.reached.try_send(report) {
            self.opened.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Hands on what the kernel reports, for as long as it does.
pub(super) async fn hand_on(mut events: Events, top: Arc<Mutex<TopSources>>, hear: Hear) {
    loop {
        match events.next(REPORTS).await {
            Ok(reports) => {
                let now = Timestamp::now();
                let mut top = top.lock().unwrap_or_else(PoisonError::into_inner);
                for report in reports {
                    match report {
                        Report::Drop(sample) => {
                            if let Some(reason) = sample.reason {
                                top.count(sample.source, reason, now);
                            }
                        }
                        Report::Opened { source } => hear.opened(source),
                        Report::Reached {
                            source,
                            limit,
                            count,
                        } => hear.reached(ReachedLimit {
                            source,
                            limit,
                            count,
                        }),
                        Report::Limited {
                            source,
                            limit,
                            count,
                        } => {
                            LimitReports::count(&hear.limits.limited, limit);
                            let limit = limit.as_str();
                            tracing::debug!(%source, limit, count, "SYNs over a limit");
                        }
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "cannot read the ring buffer; `gatectl top` stands still");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted() {
        let (opened, mut sources) = Opened::channel();
        let source = IpAddr::from([192, 0, 2, 7]);
        for _ in 0..OPENED + 3 {
            opened.tell(source);
        }
        assert_eq!(opened.missed(), 3);
        assert_eq!(sources.try_recv().ok(), Some(source));
        opened.tell(source);
        assert_eq!(opened.missed(), 3, "there is room again");
        drop(sources);
        opened.tell(source);
        assert_eq!(opened.missed(), 3, "nobody asks");
    }
}
