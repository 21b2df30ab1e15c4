//! The thread that keeps the feeds up to date. In: changes of files, told by inotify and by a
//! slow look at all of them, and what the daemon asks for. Out: [`FeedUpdate`]s and the status.

use std::{
    collections::BTreeSet,
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use notify::{
    EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use tokio::sync::{mpsc, oneshot};

use super::{
    FeedStatus,
    feed::{Feed, Look},
    last_good::LastGood,
};
use crate::{
    book::FeedEntry,
    config::{FeedConfig, FeedName},
};

/// How long a file must have been left alone before it is read.
const SETTLE: Duration = Duration::from_millis(500);
/// How often all files are looked at: for what inotify does not tell, and for what lapses.
const LOOK: Duration = Duration::from_secs(30);

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
    _in_force: oneshot::Sender<()>,
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

type Status = Arc<ArcSwap<Vec<FeedStatus>>>;

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

#[derive(Debug)]
enum Command {
    /// Something in a watched directory has changed.
    Changed,
    Reload {
        name: String,
        answer: oneshot::Sender<Result<Reloaded, UnknownFeed>>,
    },
    Configure(Vec<FeedConfig>),
    Stop,
}

/// A feed's new status, and what ends when its update, if there is one, is in force.
type Reloaded = (FeedStatus, Option<oneshot::Receiver<()>>);

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
        let mut worker = Worker {
            feeds: Vec::new(),
            copies: LastGood::new(copies),
            watch: Watch::new(commands.clone()),
            updates,
            status: Arc::clone(&status),
        };
        worker.feeds = feeds
            .into_iter()
            .map(|config| worker.new_feed(config))
            .collect();
        worker.publish();
        thread::Builder::new()
            .name("feeds".to_owned())
            .spawn(move || worker.run(&inbox, listed))?;
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
    fn new(name: &str, status: &[FeedStatus]) -> Self {
        Self {
            name: name.to_owned(),
            known: status.iter().map(|feed| feed.name.to_string()).collect(),
        }
    }
}

struct Worker {
    feeds: Vec<Feed>,
    copies: LastGood,
    watch: Watch,
    updates: mpsc::Sender<FeedUpdate>,
    status: Status,
}

/// Nobody takes updates any more.
struct Closed;

impl Worker {
    fn run(mut self, commands: &Receiver<Command>, listed: Vec<FeedName>) {
        // Ends when the daemon does.
        let _: Result<(), Closed> = self.start(listed).and_then(|()| self.work(commands));
    }

    fn start(&mut self, listed: Vec<FeedName>) -> Result<(), Closed> {
        self.watch_all();
        for i in 0..self.feeds.len() {
            let look = self.feeds[i].start(now());
            self.tell(i, look)?;
        }
        for name in listed {
            if self.feeds.iter().all(|feed| feed.config().name != name) {
                self.end(name)?;
            }
        }
        Ok(())
    }

    fn work(&mut self, commands: &Receiver<Command>) -> Result<(), Closed> {
        let mut next_look = Instant::now() + LOOK;
        loop {
            let wait = next_look.saturating_duration_since(Instant::now());
            match commands.recv_timeout(wait) {
                Ok(Command::Changed) => {
                    self.watch.hear_again();
                    next_look = next_look.min(Instant::now() + SETTLE);
                }
                Ok(Command::Reload { name, answer }) => {
                    // An error means that who asked has gone.
                    let _ = answer.send(self.reload(&name)?);
                }
                Ok(Command::Configure(feeds)) => self.configure(feeds)?,
                Err(RecvTimeoutError::Timeout) => {
                    let settling = self.look()?;
                    next_look = Instant::now() + if settling { SETTLE } else { LOOK };
                }
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Looks at every file; whether one of them is to be looked at again soon.
    fn look(&mut self) -> Result<bool, Closed> {
        self.watch_all();
        let mut settling = false;
        for i in 0..self.feeds.len() {
            let look = self.feeds[i].look(now());
            settling |= look == Look::Settling;
            self.tell(i, look)?;
        }
        Ok(settling)
    }

    fn reload(&mut self, name: &str) -> Result<Result<Reloaded, UnknownFeed>, Closed> {
        let found = |feed: &Feed| feed.config().name.as_str() == name;
        let Some(i) = self.feeds.iter().position(found) else {
            return Ok(Err(UnknownFeed::new(name, &self.status.load())));
        };
        let look = self.feeds[i].reload(now());
        let in_force = self.tell(i, look)?;
        Ok(Ok((self.feeds[i].status().clone(), in_force)))
    }

    fn configure(&mut self, configs: Vec<FeedConfig>) -> Result<(), Closed> {
        let mut old = std::mem::take(&mut self.feeds);
        let mut looks = Vec::new();
        for config in configs {
            let known = old
                .iter()
                .position(|feed| feed.config().name == config.name);
            let (feed, look) = if let Some(i) = known {
                let mut feed = old.remove(i);
                let look = feed.configure(config, now());
                (feed, look)
            } else {
                let mut feed = self.new_feed(config);
                let look = feed.start(now());
                (feed, look)
            };
            self.feeds.push(feed);
            looks.push(look);
        }
        self.watch_all();
        for (i, look) in looks.into_iter().enumerate() {
            self.tell(i, look)?;
        }
        for feed in old {
            let name = &feed.config().name;
            if let Err(error) = self.copies.remove(name) {
                tracing::error!(feed = %name, %error, "cannot remove the copy of a feed that is configured no more");
            }
            self.end(name.clone())?;
        }
        Ok(())
    }

    fn new_feed(&self, config: FeedConfig) -> Feed {
        Feed::new(config, self.copies.clone())
    }

    fn watch_all(&mut self) {
        let paths = self.feeds.iter().map(|feed| &feed.config().path);
        let dirs = paths.filter_map(|path| path.parent()).map(PathBuf::from);
        self.watch.directories(dirs.collect());
    }

    /// Publishes what came of a look at a feed; what ends when that is in force.
    fn tell(&self, i: usize, look: Look) -> Result<Option<oneshot::Receiver<()>>, Closed> {
        self.publish();
        match look {
            Look::Changed(entries) => self
                .send(self.feeds[i].config().name.clone(), entries)
                .map(Some),
            Look::Unchanged | Look::Settling => Ok(None),
        }
    }

    fn publish(&self) {
        let status = self.feeds.iter().map(|feed| feed.status().clone());
        self.status.store(Arc::new(status.collect()));
    }

    fn end(&self, name: FeedName) -> Result<(), Closed> {
        tracing::info!(feed = %name, "the feed is configured no more: its listings end");
        self.send(name, Vec::new())?;
        Ok(())
    }

    fn send(
        &self,
        name: FeedName,
        entries: Vec<FeedEntry>,
    ) -> Result<oneshot::Receiver<()>, Closed> {
        let (in_force, done) = oneshot::channel();
        let update = FeedUpdate {
            name,
            entries,
            _in_force: in_force,
        };
        self.updates.blocking_send(update).map_err(|_| Closed)?;
        Ok(done)
    }
}

fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// The directories of the feeds' files: files are replaced by renaming, which the file replaced
/// does not tell.
struct Watch {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    /// Whether a change has been told and not been heard: a busy directory tells one at a time.
    told: Arc<AtomicBool>,
}

impl Watch {
    fn new(commands: Sender<Command>) -> Self {
        let told = Arc::new(AtomicBool::new(false));
        let tell = {
            let told = Arc::clone(&told);
            move |event: notify::Result<notify::Event>| {
                if event.is_ok_and(|event| !is_change(event.kind)) {
                    return;
                }
                if !told.swap(true, Ordering::AcqRel) {
                    // An error means that the daemon is ending.
                    let _ = commands.send(Command::Changed);
                }
            }
        };
        let watcher = notify::recommended_watcher(tell)
            .inspect_err(|error| {
                tracing::warn!(%error, "cannot watch files: feeds are looked at every {LOOK:?}");
            })
            .ok();
        Self {
            watcher,
            watched: BTreeSet::new(),
            told,
        }
    }

    fn hear_again(&self) {
        self.told.store(false, Ordering::Release);
    }

    /// Watches these directories and no others. To be called again and again: one that is not
    /// there yet, or was made anew, is watched from then on.
    fn directories(&mut self, dirs: BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for dir in self.watched.difference(&dirs) {
            // An error means that it is not there any more.
            let _ = watcher.unwatch(dir);
        }
        for dir in &dirs {
            if let Err(error) = watcher.watch(dir, RecursiveMode::NonRecursive) {
                tracing::debug!(dir = %dir.display(), %error, "cannot watch the directory");
            }
        }
        self.watched = dirs;
    }
}

/// Reading, which the feeds do themselves, is no change.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
