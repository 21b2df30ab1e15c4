//! The thread that keeps the feeds up to date. In: changes of files, told by inotify and by a
//! slow look at all of them, and what the daemon asks for. Out: [`FeedUpdate`]s and the status.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::{
    FeedStatus, FeedUpdate, UnknownFeed,
    feed::{Feed, Look},
    handle::Status,
    last_good::LastGood,
};
use crate::{
    book::FeedEntry,
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
        answer: oneshot::Sender<Result<Reloaded, UnknownFeed>>,
    },
    Configure(Vec<FeedConfig>),
    Stop,
}

/// A feed's new status, and what ends when its update, if there is one, is in force.
pub(super) type Reloaded = (FeedStatus, Option<oneshot::Receiver<()>>);

/// The thread's state.
pub(super) struct Worker {
    feeds: Vec<Feed>,
    copies: LastGood,
    watch: Watch,
    updates: mpsc::Sender<FeedUpdate>,
    status: Status,
}

/// Nobody takes updates any more.
struct Closed;

impl Worker {
    pub(super) fn new(
        configs: Vec<FeedConfig>,
        copies: LastGood,
        commands: &Sender<Command>,
        updates: mpsc::Sender<FeedUpdate>,
        status: Status,
    ) -> Self {
        let commands = commands.clone();
        let watch = Watch::new(move || {
            // An error means that the daemon is ending.
            let _ = commands.send(Command::Changed);
        });
        let mut worker = Self {
            feeds: Vec::new(),
            copies,
            watch,
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
