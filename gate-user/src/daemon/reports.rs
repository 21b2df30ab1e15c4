//! The kernel's reports, handed to whoever they are for.
//!
//! In: the ring buffer. Out: sampled drops counted by source, and sources that completed a
//! handshake in a channel of bounded length. A source that finds it full is left out and counted:
//! whoever asks about sources asks later, or not, but nobody waits for him.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::Timestamp;
use tokio::sync::mpsc::{self, error::TrySendError};

use super::top::TopSources;
use crate::kernel::{Events, Report};

/// Reports taken from the ring buffer at a time.
const REPORTS: usize = 4096;

/// Sources that completed a handshake and wait for whoever asks about them.
const OPENED: usize = 4096;

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

    /// Tells of `source`; of an IPv6 source, the first address of its /64.
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

/// Hands on what the kernel reports, for as long as it does.
pub(super) async fn hand_on(mut events: Events, top: Arc<Mutex<TopSources>>, opened: Opened) {
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
                        Report::Opened { source } => opened.tell(source),
                        Report::Reached { .. } | Report::Limited { .. } => {}
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "ring buffer cannot be read; `gatectl top` stands still");
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
