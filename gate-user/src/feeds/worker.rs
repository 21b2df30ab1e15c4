//! The thread that keeps the feeds up to date. In: changes of files, told by inotify and by a
//! slow look at all of them, what fetches bring, and what the daemon asks for. Out: [`FeedUpdate`]s
//! and the status.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    FeedStatus, FeedUpdate, UnknownFeed,
    feed::{Feed, Look},
    fetches::{Delivery, Ended, Fetches},
    handle::Status,
    last_good::LastGood,
};
use crate::{
    book::FeedEntry,
    clock::now,
    config::{FeedConfig, FeedName},
    watch::Watch,
};

/// How long a file must have been left alone before it is read.
const SETTLE: Duration = Duration::from_millis(500);
/// How often all files are looked at: for what inotify does not tell, and for what lapses.
const LOOK: Duration = Duration::from_secs(30);

/// What the thread is asked for.
#[derive(Debug)]
pub(super) enum Command {
    /// Something in a watched directory has changed.
    Changed,
    Reload {
        name: String,
        answer: Answer,
    },
    Configure(Vec<FeedConfig>),
    /// A fetch has ended.
    Fetched(Delivery),
    Stop,
}

/// A feed's new status, and what ends when its update, if there is one, is in force.
pub(super) type Reloaded = (FeedStatus, Option<watch::Receiver<()>>);

/// Where it is told what came of a reload.
pub(super) type Answer = oneshot::Sender<Result<Reloaded, UnknownFeed>>;

/// The thread's state.
pub(super) struct Worker {
    feeds: Vec<Feed>,
    copies: LastGood,
    watch: Watch,
    fetches: Fetches,
    updates: mpsc::Sender<FeedUpdate>,
    status: Status,
}

/// Nobody takes updates any more.
struct Closed;

impl Worker {
    pub(super) fn new(
        configs: Vec<FeedConfig>,
        copies: LastGood,
        fetches: Fetches,
        updates: mpsc::Sender<FeedUpdate>,
        status: Status,
    ) -> Self {
        let commands = fetches.commands();
        let watch = Watch::new(move || {
            // An error means that the daemon is ending.
            let _ = commands.send(Command::Changed);
        });
        let mut worker = Self {
            feeds: Vec::new(),
            copies,
            watch,
            fetches,
            updates,
            status,
        };
        worker.feeds = configs
            .into_iter()
            .map(|config| worker.new_feed(config))
            .collect();
        worker.publish();
        worker
    }

    /// Goes on in a thread, because all that it does is to wait for files.
    pub(super) fn spawn(
        mut self,
        inbox: Receiver<Command>,
        listed: Vec<FeedName>,
    ) -> io::Result<()> {
        let run = move || {
            // It ends when nobody takes updates any more.
            let _: Result<(), Closed> = self.start(listed).and_then(|()| self.work(&inbox));
        };
        thread::Builder::new().name("feeds".to_owned()).spawn(run)?;
        Ok(())
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
            self.fetch_what_is_due();
            let wait = next_look.saturating_duration_since(Instant::now());
            match commands.recv_timeout(wait.min(self.until_next_fetch())) {
                Ok(Command::Changed) => {
                    self.watch.hear_again();
                    next_look = next_look.min(Instant::now() + SETTLE);
                }
                Ok(Command::Reload { name, answer }) => self.reload(&name, answer)?,
                Ok(Command::Configure(feeds)) => self.configure(feeds)?,
                Ok(Command::Fetched(delivery)) => self.take(delivery)?,
                Err(RecvTimeoutError::Timeout) if Instant::now() >= next_look => {
                    let settling = self.look()?;
                    next_look = Instant::now() + if settling { SETTLE } else { LOOK };
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Has every list fetched that is due.
    fn fetch_what_is_due(&mut self) {
        let now = now();
        for feed in &self.feeds {
            if feed.is_due(now)
                && let Some(order) = feed.order()
            {
                self.fetches.begin(&feed.config().name, order);
            }
        }
    }

    /// How long nothing is due; a fetch that is under way tells when it ends.
    fn until_next_fetch(&self) -> Duration {
        let idle = |feed: &&Feed| !self.fetches.is_under_way(&feed.config().name);
        let due = self.feeds.iter().filter(idle).filter_map(Feed::next_fetch);
        let Some(next) = due.min() else {
            return Duration::MAX;
        };
        let wait = Duration::try_from(next.duration_since(Timestamp::now()));
        // Times are in whole seconds: never a moment too early, which would be for nothing.
        wait.unwrap_or_default() + Duration::from_millis(10)
    }

    /// Takes what a fetch brought.
    fn take(&mut self, delivery: Delivery) -> Result<(), Closed> {
        let Some(ended) = self.fetches.end(delivery) else {
            return Ok(());
        };
        let Ended {
            name,
            outcome,
            waiting,
            turn,
        } = ended;
        let Some(i) = self.position(name.as_str()) else {
            return Ok(());
        };
        let look = self.feeds[i].fetched(outcome, now());
        // The next list may come into memory.
        drop(turn);
        let in_force = self.tell(i, look)?;
        for answer in waiting {
            // An error means that who asked has gone.
            let _ = answer.send(Ok((self.feeds[i].status().clone(), in_force.clone())));
        }
        Ok(())
    }

    fn position(&self, name: &str) -> Option<usize> {
        let found = |feed: &Feed| feed.config().name.as_str() == name;
        self.feeds.iter().position(found)
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

    fn reload(&mut self, name: &str, answer: Answer) -> Result<(), Closed> {
        let Some(i) = self.position(name) else {
            // An error means that who asked has gone.
            let _ = answer.send(Err(UnknownFeed::new(name, &self.status.load())));
            return Ok(());
        };
        if let Some(order) = self.feeds[i].order() {
            let name = &self.feeds[i].config().name;
            self.fetches.begin(name, order);
            self.fetches.wait(name, answer);
            return Ok(());
        }
        let look = self.feeds[i].reload(now());
        let in_force = self.tell(i, look)?;
        // Likewise.
        let _ = answer.send(Ok((self.feeds[i].status().clone(), in_force)));
        Ok(())
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
                let waiting = if *feed.config() == config {
                    Vec::new()
                } else {
                    // It would bring what was asked for by the former configuration.
                    self.fetches.cancel(&config.name)
                };
                let look = feed.configure(config, now());
                for answer in waiting {
                    // An error means that who asked has gone.
                    let _ = answer.send(Ok((feed.status().clone(), None)));
                }
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
            // Whoever waits for it learns that there is no such feed.
            drop(self.fetches.cancel(name));
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
        let paths = self.feeds.iter().filter_map(Feed::path);
        let dirs = paths.filter_map(|path| path.parent()).map(PathBuf::from);
        self.watch.directories(dirs.collect());
    }

    /// Publishes what came of a look at a feed; what ends when that is in force.
    fn tell(&self, i: usize, look: Look) -> Result<Option<watch::Receiver<()>>, Closed> {
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
        tracing::info!(feed = %name, "removed feed: it is configured no more, and its listings end");
        self.send(name, Vec::new())?;
        Ok(())
    }

    fn send(&self, name: FeedName, entries: Vec<FeedEntry>) -> Result<watch::Receiver<()>, Closed> {
        let (in_force, done) = watch::channel(());
        let update = FeedUpdate {
            name,
            entries,
            _in_force: in_force,
        };
        self.updates.blocking_send(update).map_err(|_| Closed)?;
        Ok(done)
    }
}
