//! The fetches that are under way, each a task of its own: the thread that reads files waits for none
//! of them. Out: a [`Delivery`] a fetch, by the thread's commands.

use std::{
    collections::HashMap,
    sync::{Arc, mpsc::Sender},
};

use tokio::{runtime, sync::Semaphore, task::AbortHandle};

use super::{
    fetch::{FetchError, Fetched, Order, fetch},
    worker::{Answer, Command},
};
use crate::config::FeedName;

/// How many lists are fetched at a time; what they hold in memory adds up.
const AT_A_TIME: usize = 4;

/// What a fetch brought.
#[derive(Debug)]
pub(super) struct Delivery {
    name: FeedName,
    /// Tells the fetch from others for the same feed.
    number: u64,
    outcome: Result<Fetched, FetchError>,
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
            let _turn = turns.acquire().await;
            let outcome = fetch(&order).await;
            // An error means that the daemon is ending.
            let _ = commands.send(Command::Fetched(Delivery {
                name: feed,
                number,
                outcome,
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

    /// What was delivered, and who waits for what comes of it; `None` if it was cancelled meanwhile.
    pub(super) fn end(
        &mut self,
        delivery: Delivery,
    ) -> Option<(FeedName, Result<Fetched, FetchError>, Vec<Answer>)> {
        let Delivery {
            name,
            number,
            outcome,
        } = delivery;
        if self.under_way.get(&name)?.number != number {
            return None;
        }
        let mut ended = self.under_way.remove(&name)?;
        Some((name, outcome, std::mem::take(&mut ended.waiting)))
    }
}
