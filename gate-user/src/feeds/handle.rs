//! The daemon's hand on the feeds.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
};

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, oneshot};

use super::{
    FeedStatus,
    last_good::LastGood,
    worker::{Command, Worker},
};
use crate::{
    book::FeedEntry,
    config::{FeedConfig, FeedName},
};

/// What a feed lists now: everything else that it listed ends.
///
/// Whoever has asked for a reload is answered when this is dropped: keep it until its entries are
/// in force.
#[derive(Debug)]
pub struct FeedUpdate {
    /// The feed's name.
    pub name: FeedName,
    /// All of its networks, sorted, each once; none when the feed has lapsed or was removed.
    pub entries: Vec<FeedEntry>,
    pub(super) _in_force: oneshot::Sender<()>,
}

/// No feed of that name is configured.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("there is no feed `{name}`: expected {}", .known.join(", "))]
pub struct UnknownFeed {
    name: String,
    known: Vec<String>,
}

/// The daemon's hand on the feeds. The thread ends when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Feeds {
    thread: Arc<Thread>,
    status: Status,
}

pub(super) type Status = Arc<ArcSwap<Vec<FeedStatus>>>;

#[derive(Debug)]
struct Thread {
    commands: Sender<Command>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.commands.send(Command::Stop);
    }
}

impl Feeds {
    /// Starts to read and to watch these feeds; the last good copies are in the directory
    /// `copies`. Feeds that `listed` names and that are not configured get an update without
    /// entries. The first updates, one a feed, come in the order of the configuration.
    ///
    /// # Errors
    /// When the thread cannot be made.
    pub fn start(
        feeds: Vec<FeedConfig>,
        copies: PathBuf,
        listed: Vec<FeedName>,
    ) -> io::Result<(Self, mpsc::Receiver<FeedUpdate>)> {
        let (commands, inbox) = channel();
        let (updates, receiver) = mpsc::channel(1);
        let status = Status::default();
        let copies = LastGood::new(copies);
        let worker = Worker::new(feeds, copies, &commands, updates, Arc::clone(&status));
        worker.spawn(inbox, listed)?;
        let thread = Arc::new(Thread { commands });
        Ok((Self { thread, status }, receiver))
    }

    /// How each feed stands, in the order of the configuration.
    pub fn status(&self) -> Arc<Vec<FeedStatus>> {
        self.status.load_full()
    }

    /// Reads a feed's file now, changed or not, and waits until what came of it is in force: not
    /// to be awaited by the task that puts it in force.
    ///
    /// # Errors
    /// When there is no such feed. A file that is refused is no error, but told in the answer.
    pub async fn reload(&self, name: &str) -> Result<FeedStatus, UnknownFeed> {
        let (answer, answered) = oneshot::channel();
        let unknown = || UnknownFeed::new(name, &self.status());
        let command = Command::Reload {
            name: name.to_owned(),
            answer,
        };
        self.thread.commands.send(command).map_err(|_| unknown())?;
        let (status, in_force) = answered.await.map_err(|_| unknown())??;
        if let Some(in_force) = in_force {
            // Never sent to, only dropped.
            let _ = in_force.await;
        }
        Ok(status)
    }

    /// Takes another configuration. Feeds that are no longer in it get an update without entries.
    pub fn configure(&self, feeds: Vec<FeedConfig>) {
        // An error means that the daemon is ending.
        let _ = self.thread.commands.send(Command::Configure(feeds));
    }
}

impl UnknownFeed {
    pub(super) fn new(name: &str, status: &[FeedStatus]) -> Self {
        Self {
            name: name.to_owned(),
            known: status.iter().map(|feed| feed.name.to_string()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use tempfile::TempDir;

    use super::*;
    use crate::{config::FeedFormat, feeds::FileState};

    fn config(dir: &TempDir, name: &str) -> FeedConfig {
        FeedConfig {
            name: name.parse().unwrap(),
            path: dir.path().join(name),
            format: FeedFormat::Plain,
            lapse_after: Duration::from_hours(1),
            guards: crate::config::Guards::default(),
        }
    }

    fn start(
        dir: &TempDir,
        feeds: &[&str],
        listed: &[&str],
    ) -> (Feeds, mpsc::Receiver<FeedUpdate>) {
        let feeds = feeds.iter().map(|name| config(dir, name)).collect();
        let listed = listed.iter().map(|name| name.parse().unwrap()).collect();
        Feeds::start(feeds, dir.path().join("state"), listed).unwrap()
    }

    /// The next update: `name: network, ...`.
    async fn next(updates: &mut mpsc::Receiver<FeedUpdate>) -> String {
        let next = tokio::time::timeout(Duration::from_secs(20), updates.recv());
        let update = next.await.expect("an update in time").unwrap();
        let networks = update.entries.iter().map(|entry| entry.network.to_string());
        format!(
            "{}: {}",
            update.name,
            networks.collect::<Vec<_>>().join(", ")
        )
    }

    #[tokio::test]
    async fn a_file_that_is_replaced_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "192.0.2.1").unwrap();
        let (feeds, mut updates) = start(&dir, &["a", "b"], &[]);
        assert_eq!(next(&mut updates).await, "a: 192.0.2.1/32");
        assert_eq!(next(&mut updates).await, "b: ");

        fs::write(dir.path().join("new"), "192.0.2.2").unwrap();
        fs::rename(dir.path().join("new"), dir.path().join("a")).unwrap();
        assert_eq!(next(&mut updates).await, "a: 192.0.2.2/32");
        fs::write(dir.path().join("b"), "192.0.2.3").unwrap();
        assert_eq!(next(&mut updates).await, "b: 192.0.2.3/32");

        let status = feeds.status();
        let names: Vec<&str> = status.iter().map(|feed| feed.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(status.iter().all(|feed| feed.file == FileState::Ok));
    }

    #[tokio::test]
    async fn a_reload_is_answered_when_its_update_is_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let (feeds, mut updates) = start(&dir, &["a"], &[]);
        assert_eq!(next(&mut updates).await, "a: ");

        fs::write(dir.path().join("a"), "192.0.2.1").unwrap();
        let reload = tokio::spawn({
            let feeds = feeds.clone();
            async move { feeds.reload("a").await.unwrap() }
        });
        let update = updates.recv().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!reload.is_finished());
        drop(update);
        assert_eq!(reload.await.unwrap().entries, 1);

        fs::write(dir.path().join("a"), "x").unwrap();
        let status = feeds.reload("a").await.unwrap();
        assert!(matches!(status.file, FileState::Refused { .. }));
        assert_eq!(status.entries, 1);

        let error = feeds.reload("c").await.unwrap_err().to_string();
        assert_eq!(error, "there is no feed `c`: expected a");
    }

    #[tokio::test]
    async fn the_listings_of_a_removed_feed_end() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "192.0.2.1").unwrap();
        let (feeds, mut updates) = start(&dir, &["a"], &["a", "old"]);
        assert_eq!(next(&mut updates).await, "a: 192.0.2.1/32");
        assert_eq!(next(&mut updates).await, "old: ");
        assert!(dir.path().join("state/a").exists());

        fs::write(dir.path().join("b"), "192.0.2.2").unwrap();
        feeds.configure(vec![config(&dir, "b")]);
        assert_eq!(next(&mut updates).await, "b: 192.0.2.2/32");
        assert_eq!(next(&mut updates).await, "a: ");
        assert!(!dir.path().join("state/a").exists());
        assert_eq!(feeds.status().len(), 1);
    }

    #[tokio::test]
    async fn the_thread_ends_with_its_handle() {
        let dir = tempfile::tempdir().unwrap();
        let (feeds, mut updates) = start(&dir, &["a"], &[]);
        assert_eq!(next(&mut updates).await, "a: ");
        drop(feeds);
        assert!(updates.recv().await.is_none());
    }
}
