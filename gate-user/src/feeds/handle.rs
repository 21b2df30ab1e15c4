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
use tokio::{
    runtime,
    sync::{mpsc, oneshot, watch},
};

use super::{
    FeedStatus,
    fetches::Fetches,
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
    pub(super) _in_force: watch::Sender<()>,
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
    /// Starts to read, to watch and to fetch these feeds; the last good copies are in the directory
    /// `copies`. Feeds that `listed` names and that are not configured get an update without
    /// entries. The first updates, one a feed, come in the order of the configuration.
    ///
    /// # Errors
    /// When the thread cannot be made, or no runtime is there for the tasks that fetch.
    pub fn start(
        feeds: Vec<FeedConfig>,
        copies: PathBuf,
        listed: Vec<FeedName>,
    ) -> io::Result<(Self, mpsc::Receiver<FeedUpdate>)> {
        let (commands, inbox) = channel();
        let (updates, receiver) = mpsc::channel(1);
        let status = Status::default();
        let copies = LastGood::new(copies);
        let runtime = runtime::Handle::try_current().map_err(io::Error::other)?;
        let fetches = Fetches::new(runtime, commands.clone());
        let worker = Worker::new(feeds, copies, fetches, updates, Arc::clone(&status));
        worker.spawn(inbox, listed)?;
        let thread = Arc::new(Thread { commands });
        Ok((Self { thread, status }, receiver))
    }

    /// How each feed stands, in the order of the configuration.
    pub fn status(&self) -> Arc<Vec<FeedStatus>> {
        self.status.load_full()
    }

    /// Reads a feed's file now, changed or not, or fetches its list, due or not; and waits until what
    /// came of it is in force: not to be awaited by the task that puts it in force.
    ///
    /// # Errors
    /// When there is no such feed. A list that is refused is no error, but told in the answer.
    pub async fn reload(&self, name: &str) -> Result<FeedStatus, UnknownFeed> {
        let (answer, answered) = oneshot::channel();
        let unknown = || UnknownFeed::new(name, &self.status());
        let command = Command::Reload {
            name: name.to_owned(),
            answer,
        };
        self.thread.commands.send(command).map_err(|_| unknown())?;
        let (status, in_force) = answered.await.map_err(|_| unknown())??;
        if let Some(mut in_force) = in_force {
            // Never sent to, only dropped.
            while in_force.changed().await.is_ok() {}
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
    use crate::feeds::{
        FileState, InForce, SourceStatus,
        fetch::testing::{Server, Step, answer, list},
    };

    fn config(dir: &TempDir, name: &str) -> FeedConfig {
        FeedConfig {
            lapse_after: Duration::from_hours(1),
            ..FeedConfig::new(name.parse().unwrap(), dir.path().join(name))
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

    /// The feed `web`, fetched from `server`.
    fn fetched(server: &Server) -> FeedConfig {
        FeedConfig {
            ca_file: Some(server.ca_file()),
            timeout: Duration::from_secs(3),
            ..FeedConfig::fetched(
                "web".parse().unwrap(),
                server.url("/list?key=secret").parse().unwrap(),
            )
        }
    }

    fn start_with(dir: &TempDir, feeds: Vec<FeedConfig>) -> (Feeds, mpsc::Receiver<FeedUpdate>) {
        Feeds::start(feeds, dir.path().join("state"), Vec::new()).unwrap()
    }

    fn http(status: &FeedStatus) -> Option<u16> {
        match &status.source {
            SourceStatus::Url(fetch) => fetch.http,
            SourceStatus::File(_) => None,
        }
    }

    #[tokio::test]
    async fn invariant_7_a_list_is_fetched_and_outlives_its_server() {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(|head| {
            if head.to_ascii_lowercase().contains("if-none-match: \"one\"") {
                answer("HTTP/1.1 304 Not Modified", b"")
            } else {
                let head = "HTTP/1.1 200 OK\nETag: \"one\"\nContent-Length: 10";
                answer(head, b"192.0.2.7\n")
            }
        })
        .await;
        let config = fetched(&server);
        let (feeds, mut updates) = start_with(&dir, vec![config.clone()]);
        assert_eq!(next(&mut updates).await, "web: ");
        assert_eq!(next(&mut updates).await, "web: 192.0.2.7/32");
        let status = feeds.reload("web").await.unwrap();
        assert_eq!((http(&status), status.file), (Some(304), FileState::Ok));

        for (script, why) in [
            (answer("HTTP/1.1 500 Oops\nContent-Length: 0", b""), "500"),
            (list("<html>\n"), "1 of 1 lines are bad"),
        ] {
            server.now(move |_| script.clone());
            let status = feeds.reload("web").await.unwrap();
            assert!(status.file.to_string().contains(why), "{}", status.file);
            assert_eq!((status.in_force, status.entries), (InForce::LastGood, 1));
        }
        server.now(|_| list("192.0.2.8\n"));
        let reload = tokio::spawn({
            let feeds = feeds.clone();
            async move { feeds.reload("web").await.unwrap() }
        });
        assert_eq!(next(&mut updates).await, "web: 192.0.2.8/32");
        assert_eq!(reload.await.unwrap().file, FileState::Ok);

        // A restart where nobody answers.
        let asked = server.asked().len();
        drop((feeds, server));
        let config = FeedConfig {
            ca_file: None,
            ..config
        };
        let (feeds, mut updates) = start_with(&dir, vec![config]);
        assert_eq!(next(&mut updates).await, "web: 192.0.2.8/32");
        assert_eq!(feeds.status()[0].file, FileState::Ok);
        let status = feeds.reload("web").await.unwrap();
        assert!(matches!(status.file, FileState::Failed { .. }));
        assert_eq!((status.in_force, status.entries), (InForce::LastGood, 1));
        assert!(!format!("{status:?}").contains("secret"));
        assert_eq!(asked, 5);
    }

    #[tokio::test]
    async fn a_slow_server_keeps_no_file_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(|_| vec![Step::Wait(Duration::from_mins(1))]).await;
        let web = FeedConfig {
            timeout: Duration::from_secs(6),
            ..fetched(&server)
        };
        let (feeds, mut updates) = start_with(&dir, vec![web, config(&dir, "a")]);
        assert_eq!(next(&mut updates).await, "web: ");
        assert_eq!(next(&mut updates).await, "a: ");
        fs::write(dir.path().join("a"), "192.0.2.1").unwrap();
        assert_eq!(next(&mut updates).await, "a: 192.0.2.1/32");
        assert_eq!(feeds.status()[0].file, FileState::Unread);

        // One fetch at a time for each feed: whoever asks for another one waits for it.
        let (one, two) = tokio::join!(feeds.reload("web"), feeds.reload("web"));
        for status in [one.unwrap(), two.unwrap()] {
            assert!(
                matches!(status.file, FileState::Failed { .. }),
                "{}",
                status.file
            );
        }
        assert_eq!(server.asked().len(), 1);
    }

    #[tokio::test]
    async fn a_fetch_by_a_former_configuration_brings_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (slow, quick) = tokio::join!(
            Server::start(|_| [
                vec![Step::Wait(Duration::from_secs(2))],
                list("192.0.2.1\n")
            ]
            .concat()),
            Server::start(|_| list("192.0.2.2\n")),
        );
        let (feeds, mut updates) = start_with(&dir, vec![fetched(&slow)]);
        assert_eq!(next(&mut updates).await, "web: ");
        let (reload, ()) = tokio::join!(feeds.reload("web"), async {
            tokio::task::yield_now().await;
            feeds.configure(vec![fetched(&quick)]);
        });
        assert_eq!(reload.unwrap().file, FileState::Unread);
        assert_eq!(next(&mut updates).await, "web: 192.0.2.2/32");
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert!(updates.try_recv().is_err());

        feeds.configure(Vec::new());
        assert_eq!(next(&mut updates).await, "web: ");
        assert_eq!(fs::read_dir(dir.path().join("state")).unwrap().count(), 0);
    }
}
