//! The budget: who asks comes into a line, and goes when a limit allows it.
//!
//! A line lets through so many in a second, and so many that are under way at once. Those at the
//! door go before those in the background. It is bounded: as many wait as it lets through in the
//! longest time that one may wait; who finds it full, or has waited so long, is told which limit
//! it was. [`State`] decides and knows no clock; [`Line`] has the clock and wakes who may go.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{self, Instant},
};

use super::Urgency;

/// What a line lets through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Limits {
    /// In any second; 1 or more.
    pub(super) per_second: u32,
    /// At once; 1 or more.
    pub(super) at_once: u32,
    /// How long one waits at most.
    pub(super) wait: Duration,
}

/// Why one does not go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Limit {
    /// So many have gone in this second.
    PerSecond,
    /// So many are under way.
    AtOnce,
    /// None in the background goes.
    Flood,
}

/// So many in a second: a token bucket, as the time at which it will be full again.
///
/// A tenth may go at once, the rest evenly spaced, so that no second, wherever it begins, sees more
/// than `per_second`: `burst + ceil(1 s / interval) - 1` of them, which is `per_second`.
#[derive(Debug)]
struct Bucket {
    interval: Duration,
    /// Everything that may go at once but the first.
    slack: Duration,
    full_at: Option<Instant>,
}

impl Bucket {
    fn new(per_second: u32) -> Self {
        let per_second = per_second.max(1);
        let burst = (per_second / 10).max(1);
        // Rounded up: rounded down, one more would find its place in the second.
        let interval = Duration::from_nanos(
            Duration::from_secs(1)
                .as_nanos()
                .div_ceil(u128::from(per_second - burst + 1))
                .try_into()
                .unwrap_or(u64::MAX),
        );
        Self {
            interval,
            slack: interval * (burst - 1),
            full_at: None,
        }
    }

    /// When the next one may go; in the past if it may now.
    fn next(&self) -> Option<Instant> {
        self.full_at
            .map(|full| full.checked_sub(self.slack).unwrap_or(full))
    }

    fn take(&mut self, now: Instant) {
        self.full_at = Some(self.full_at.map_or(now, |full| full.max(now)) + self.interval);
    }
}

/// Who waits, and what has gone. `W` is how one is called.
#[derive(Debug)]
struct State<W> {
    limits: Limits,
    bucket: Bucket,
    under_way: u32,
    shedding: bool,
    door: VecDeque<W>,
    background: VecDeque<W>,
    /// Whether somebody wakes the line when the bucket lets the next one go.
    armed: bool,
}

/// What becomes of one who arrives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Arrival {
    Go,
    Wait,
    Refused(Limit),
}

impl<W> State<W> {
    fn new(limits: Limits) -> Self {
        Self {
            bucket: Bucket::new(limits.per_second),
            limits,
            under_way: 0,
            shedding: false,
            door: VecDeque::new(),
            background: VecDeque::new(),
            armed: false,
        }
    }

    fn waiting(&mut self, urgency: Urgency) -> &mut VecDeque<W> {
        match urgency {
            Urgency::Door => &mut self.door,
            Urgency::Background => &mut self.background,
        }
    }

    /// The limit that is reached now.
    fn limit(&self, now: Instant) -> Option<Limit> {
        if self.under_way >= self.limits.at_once {
            Some(Limit::AtOnce)
        } else if self.bucket.next().is_some_and(|next| next > now) {
            Some(Limit::PerSecond)
        } else {
            None
        }
    }

    /// As many as go in the longest wait.
    fn longest(&self) -> usize {
        let wait = self.limits.wait.as_millis() * u128::from(self.limits.per_second) / 1000;
        usize::try_from(wait).unwrap_or(usize::MAX).max(1)
    }

    fn go(&mut self, now: Instant) {
        self.bucket.take(now);
        self.under_way += 1;
    }

    /// One arrives; who is told to wait must be put at the end of those [`waiting`](Self::waiting).
    fn arrive(&mut self, now: Instant, urgency: Urgency) -> Arrival {
        if self.shedding && urgency == Urgency::Background {
            return Arrival::Refused(Limit::Flood);
        }
        let first =
            self.door.is_empty() && (urgency == Urgency::Door || self.background.is_empty());
        match self.limit(now) {
            None if first => {
                self.go(now);
                Arrival::Go
            }
            limit if self.waiting(urgency).len() >= self.longest() => {
                Arrival::Refused(limit.unwrap_or(Limit::PerSecond))
            }
            _ => Arrival::Wait,
        }
    }

    /// Takes out the next one who may go now, if `here` says that it still waits.
    fn call(&mut self, now: Instant, here: impl Fn(&W) -> bool) -> Option<W> {
        while self.limit(now).is_none() {
            let next = self
                .door
                .pop_front()
                .or_else(|| self.background.pop_front())?;
            if here(&next) {
                self.go(now);
                return Some(next);
            }
        }
        None
    }

    /// When somebody must look again because of the bucket.
    fn look_again(&self) -> Option<Instant> {
        let waits = !(self.door.is_empty() && self.background.is_empty());
        (waits && self.under_way < self.limits.at_once)
            .then(|| self.bucket.next())
            .flatten()
    }
}

/// A line before a limit.
#[derive(Debug)]
pub(super) struct Line(Mutex<State<oneshot::Sender<Pass>>>);

/// Leave to go; while it is held, one is under way.
#[derive(Debug)]
pub(super) struct Pass(Arc<Line>);

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
        self.0.call();
    }
}

impl Line {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::new(limits))))
    }

    fn state(&self) -> MutexGuard<'_, State<oneshot::Sender<Pass>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Other limits from now on.
    pub(super) fn limit(self: &Arc<Self>, limits: Limits) {
        let mut state = self.state();
        if state.limits.per_second != limits.per_second {
            state.bucket = Bucket::new(limits.per_second);
        }
        state.limits = limits;
        drop(state);
        self.call();
    }

    /// Lets nobody in the background through, or lets them again.
    pub(super) fn set_shedding(&self, shedding: bool) {
        let mut state = self.state();
        state.shedding = shedding;
        if shedding {
            state.background.clear();
        }
    }

    /// What it lets through.
    pub(super) fn limits(&self) -> Limits {
        self.state().limits
    }

    /// How many wait, and how many are under way.
    pub(super) fn load(&self) -> (usize, u32) {
        let state = self.state();
        (state.door.len() + state.background.len(), state.under_way)
    }

    /// Waits for its turn.
    pub(super) async fn pass(self: &Arc<Self>, urgency: Urgency) -> Result<Pass, Limit> {
        let (turn, wait) = {
            let mut state = self.state();
            let now = Instant::now();
            // Those who gave up are the oldest.
            while state
                .waiting(urgency)
                .front()
                .is_some_and(oneshot::Sender::is_closed)
            {
                state.waiting(urgency).pop_front();
            }
            match state.arrive(now, urgency) {
                Arrival::Go => return Ok(Pass(Arc::clone(self))),
                Arrival::Refused(limit) => return Err(limit),
                Arrival::Wait => {
                    let (call, turn) = oneshot::channel();
                    state.waiting(urgency).push_back(call);
                    self.arm(&mut state);
                    (turn, state.limits.wait)
                }
            }
        };
        match time::timeout(wait, turn).await {
            Ok(Ok(pass)) => Ok(pass),
            // The line was cleared.
            Ok(Err(_)) => Err(Limit::Flood),
            Err(_) => Err(self
                .state()
                .limit(Instant::now())
                .unwrap_or(Limit::PerSecond)),
        }
    }

    /// Calls all who may go now.
    fn call(self: &Arc<Self>) {
        let mut called = Vec::new();
        let mut state = self.state();
        while let Some(call) = state.call(Instant::now(), |call| !call.is_closed()) {
            called.push(call);
        }
        self.arm(&mut state);
        drop(state);
        for call in called {
            // Who left in this moment gives its pass back as it is dropped.
            let _gone = call.send(Pass(Arc::clone(self)));
        }
    }

    /// Sees to it that somebody calls when the bucket lets the next one go.
    fn arm(self: &Arc<Self>, state: &mut State<oneshot::Sender<Pass>>) {
        if state.armed {
            return;
        }
        if let Some(next) = state.look_again() {
            state.armed = true;
            let line = Arc::clone(self);
            tokio::spawn(async move {
                time::sleep_until(next).await;
                line.state().armed = false;
                line.call();
            });
        }
    }
}

#[cfg(test)]
mod tests;
