//! When to look at what changes in bursts.
//!
//! In: each change. Out: the moment for a look at all of them, a short time after the first. It
//! is a point in time and no waiting time: whoever does other things meanwhile, however often, does
//! not put it off.

use std::{future, time::Duration};

use tokio::time::{self, Instant};

/// Changes that nobody has looked at yet, if there are any.
#[derive(Debug, Default)]
pub(super) struct Burst {
    look: Option<Instant>,
}

impl Burst {
    /// Something has changed: it is to be looked at after `pause`, with what changes until then.
    pub(super) fn changed(&mut self, pause: Duration) {
        self.look.get_or_insert_with(|| Instant::now() + pause);
    }

    /// Waits until it is time for a look; for ever while nothing has changed. May be dropped and
    /// called again: that loses nothing.
    pub(super) async fn over(&self) {
        match self.look {
            Some(look) => time::sleep_until(look).await,
            None => future::pending().await,
        }
    }

    /// Somebody looks now: what changes from here on is another burst.
    pub(super) fn looked(&mut self) {
        self.look = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn whoever_is_busy_looks_in_time() {
        let mut busy = time::interval(PAUSE / 10);
        let mut burst = Burst::default();
        for _ in 0..2 {
            let begun = Instant::now();
            burst.changed(PAUSE);
            let mut turns = 0;
            loop {
                tokio::select! {
                    () = burst.over() => break,
                    _ = busy.tick() => turns += 1,
                }
                // More of the same burst.
                burst.changed(PAUSE);
                assert!(turns < 1000, "never looked at");
            }
            assert!(begun.elapsed() >= PAUSE);
            assert!(turns > 0);
            burst.looked();
        }
    }

    #[tokio::test]
    async fn where_nothing_changes_nobody_looks() {
        let mut burst = Burst::default();
        let waits = async |burst: &Burst| time::timeout(PAUSE, burst.over()).await.is_err();
        assert!(waits(&burst).await);
        burst.changed(Duration::ZERO);
        assert!(!waits(&burst).await);
        burst.looked();
        assert!(waits(&burst).await);
    }
}
