//! The fetches that are under way, each a task of its own: the thread that reads files waits for none
//! of them. Out: a [`Delivery`] a fetch, by the thread's commands.

use std::{
    collections::HashMap,
    sync::{Arc, mpsc::Sender},
};

use tokio::{
    runtime,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::AbortHandle,
};

use super::{
    fetch::{FetchError, Fetched, Order, fetch},
    worker::{Answer, Command},
};
use crate::config::FeedName;

/// How many lists are fetched at a time, or wait to be judged: what they hold in memory adds up.
const AT_A_TIME: usize = 4;

/// What a fetch brought.
#[derive(Debug)]
pub(super) struct Delivery {
    name: FeedName,
    /// Tells the fetch from others for the same feed.
    number: u64,
    outcome: Result<Fetched, FetchError>,
    turn: Turn,
}

/// Held while a fetched list is in memory; without it, the next fetch waits.
pub(super) type Turn = Option<OwnedSemaphorePermit>;

/// A fetch that has ended.
pub(super) struct Ended {
    pub(super) name: FeedName,
    pub(super) outcome: Result<Fetched, FetchError>,
    /// Who waits for what comes of it.
    pub(super) waiting: Vec<Answer>,
    /// To be dropped once the outcome is.
    pub(super) turn: Turn,
}

/// The fetches that are under way.
pub(super) struct Fetches {
    runtime: runtime::Handle,
    commands: Sender<Command>,
    turns: Arc<Semaphore>,
    /// How many have begun so far.
    begun: u64,
    under_way: HashMap<FeedName, UnderWay>,
}

struct UnderWay {
    number: u64,
    task: AbortHandle,
    waiting: Vec<Answer>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fetches {
    /// None; those to come run in `runtime` and deliver to `commands`.
    pub(super) fn new(runtime: runtime::Handle, commands: Sender<Command>) -> Self {
        Self {
            runtime,
            commands,
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            begun: 0,
            under_way: HashMap::new(),
        }
    }

    /// Where the thread takes its commands from.
    pub(super) fn commands(&self) -> Sender<Command> {
        self.commands.clone()
    }

    /// Begins to fetch for the feed `name`, unless that is under way.
    pub(super) fn begin(&mut self, name: &FeedName, order: Order) {
        if self.is_under_way(name) {
            return;
        }
        self.begun += 1;
        let number = self.begun;
        let (turns, commands) = (Arc::clone(&self.turns), self.commands.clone());
        let feed = name.clone();
        let task = self.runtime.spawn(async move {
            // It is never closed.
            let turn = turns.acquire_owned().await.ok();
            let outcome = fetch(&order).await;
            // An error means that the daemon is ending.
            let _ = commands.send(Command::Fetched(Delivery {
                name: feed,
                number,
                outcome,
                turn,
            }));
        });
        let under_way = UnderWay {
            number,
            task: task.abort_handle(),
            waiting: Vec::new(),
        };
        self.under_way.insert(name.clone(), under_way);
    }

    /// Whether a list is being fetched for the feed `name`.
    pub(super) fn is_under_way(&self, name: &FeedName) -> bool {
        self.under_way.contains_key(name)
    }

    /// Has `answer` told what comes of the fetch for the feed `name`, which is under way.
    pub(super) fn wait(&mut self, name: &FeedName, answer: Answer) {
        if let Some(under_way) = self.under_way.get_mut(name) {
            under_way.waiting.push(answer);
        }
    }

    /// Ends the fetch for the feed `name`, if one is under way; it delivers nothing. Who waits for what
    /// comes of it.
    pub(super) fn cancel(&mut self, name: &FeedName) -> Vec<Answer> {
        let ended = self.under_way.remove(name);
        ended.map_or_else(Vec::new, |mut ended| std::mem::take(&mut ended.waiting))
    }

    /// What was delivered; `None` if it was cancelled meanwhile.
    pub(super) fn end(&mut self, delivery: Delivery) -> Option<Ended> {
        let Delivery {
            name,
            number,
            outcome,
            turn,
        } = delivery;
        if self.under_way.get(&name)?.number != number {
            return None;
        }
        let mut ended = self.under_way.remove(&name)?;
        Some(Ended {
            name,
            outcome,
            waiting: std::mem::take(&mut ended.waiting),
            turn,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{Receiver, channel},
        time::Duration,
    };

    use super::*;
    use crate::feeds::fetch::{
        Patience,
        testing::{Server, list},
    };

    async fn next(inbox: &Receiver<Command>, time: Duration) -> Option<Delivery> {
        for _ in 0..time.as_millis() / 10 {
            if let Ok(Command::Fetched(delivery)) = inbox.try_recv() {
                return Some(delivery);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    #[tokio::test]
    async fn no_more_lists_are_in_memory_than_are_fetched_at_a_time() {
        let server = Server::start(|_| list("192.0.2.7\n")).await;
        let (commands, inbox) = channel();
        let mut fetches = Fetches::new(runtime::Handle::current(), commands);
        let order = Order {
            url: server.url("/list").parse().unwrap(),
            ca_file: Some(server.ca_file()),
            max_size: 100,
            patience: Patience::of(Duration::from_mins(1)),
            validators: None,
        };
        for name in ["a", "b", "c", "d", "e"] {
            fetches.begin(&name.parse().unwrap(), order.clone());
        }
        let mut delivered = Vec::new();
        for _ in 0..AT_A_TIME {
            let delivery = next(&inbox, Duration::from_mins(1)).await;
            delivered.push(delivery.expect("a delivery in time"));
        }
        assert!(next(&inbox, Duration::from_secs(1)).await.is_none());

        let ended = fetches.end(delivered.remove(0)).unwrap();
        assert!(next(&inbox, Duration::from_millis(500)).await.is_none());
        drop(ended);
        assert!(next(&inbox, Duration::from_mins(1)).await.is_some());
    }
}
