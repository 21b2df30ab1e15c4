//! The writer's turns: one thing after the other, of what is asked, told and due, until it is told to stop.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use jiff::Timestamp;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    task::{JoinSet, spawn_blocking},
    time::{self, MissedTickBehavior},
};

use super::{
    DaemonError,
    burst::Burst,
    intake::WaysIn,
    lookup::Lookups,
    notify,
    policy::Policy,
    reports::Heard,
    request::{Request, gather},
    settings,
    verify::Look,
    writer::{DAEMON, Writer},
};
use crate::{
    book::{Change, Outcome},
    control::{ServiceError, api::Detached},
    dns::inquiry::Found,
    feeds::{FeedUpdate, Feeds},
    kernel::Netlink,
    web::operators::Door,
};

/// How often the writer looks at the clock: expiry acts within a second of its time.
const TICK: Duration = Duration::from_millis(500);

/// How often is looked whether there is a flood.
const WATCH: Duration = Duration::from_secs(1);

/// How long after a first change the machine's interfaces and addresses are looked at: they change
/// in bursts.
const BURST: Duration = Duration::from_millis(200);

/// How long others come first while there is more evidence to fold.
const FOLD_PAUSE: Duration = Duration::from_millis(200);

/// How often evidence is looked through for what is too old to be told apart.
const FOLD: Duration = Duration::from_mins(10);

/// How often what mail servers told of sources is stored.
const TRAFFIC: Duration = Duration::from_mins(1);

/// How often is looked which DNSBLs are not to be believed.
const DOUBT: Duration = Duration::from_secs(1);

/// How long is waited before what could not be judged again is tried once more.
const JUDGE_PAUSE: Duration = Duration::from_secs(10);

/// Findings that are taken in one transaction.
const TOGETHER: usize = 500;

/// What `gated` is told from outside.
pub(super) struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on they wait to be heard, and end nothing: also during the start.
    pub(super) fn listen() -> Result<Self, DaemonError> {
        let listen = |kind| signal(kind).map_err(DaemonError::Signal);
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }
}

/// Whether the loop goes on.
#[derive(Eq, PartialEq)]
enum Next {
    Turn,
    Stop,
}

/// The writer, and what it is told by and tells.
pub(super) struct Turns {
    pub(super) writer: Writer,
    pub(super) feeds: Feeds,
    pub(super) ways_in: WaysIn,
    pub(super) lookups: Lookups,
    pub(super) policy: Arc<Policy>,
    pub(super) door: Arc<Door>,
    /// Looks at the kernel's table that are under way: one at most.
    pub(super) looks: JoinSet<Look>,
}

impl Turns {
    /// Takes one thing after the other, until it is told to stop.
    pub(super) async fn turn(
        mut self,
        inbox: mpsc::Receiver<Request>,
        updates: mpsc::Receiver<FeedUpdate>,
        found: mpsc::Receiver<Found>,
        heard: Heard,
        signals: Signals,
    ) -> Result<(), DaemonError> {
        let ended = self.take_turns(inbox, updates, found, heard, signals).await;
        self.keep_traffic().await;
        ended
    }

    async fn take_turns(
        &mut self,
        mut inbox: mpsc::Receiver<Request>,
        mut updates: mpsc::Receiver<FeedUpdate>,
        mut found: mpsc::Receiver<Found>,
        mut heard: Heard,
        signals: Signals,
    ) -> Result<(), DaemonError> {
        let Signals {
            mut hangup,
            mut terminate,
            mut interrupt,
        } = signals;
        let mut machine = Netlink::changes()?;
        let mut machine_changes = Burst::default();
        let mut tick = time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watch = time::interval(WATCH);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next_look = time::Instant::now() + self.writer.config.gate.verify;
        let mut next_fold = time::Instant::now() + FOLD;
        let mut next_doubt = time::Instant::now() + DOUBT;
        let mut next_judging = time::Instant::now();
        let mut finds = Vec::new();
        let mut traffic = time::interval(TRAFFIC);
        traffic.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watchdog = notify::watchdog_interval();
        let mut alive = time::interval(watchdog.unwrap_or(Duration::MAX / 4));
        loop {
            tokio::select! {
                Some(request) = inbox.recv() => {
                    let (evidence, other) = gather(request, &mut inbox);
                    self.writer.take_all(evidence).await;
                    if let Some(request) = other && self.answer(request).await == Next::Stop {
                        return Ok(());
                    }
                }
                Some(update) = updates.recv() => self.take_feed(update).await,
                Some(source) = heard.firsts.recv() => self.writer.seen(source),
                Some(reached) = heard.reached.recv() => self.writer.take_limit(reached).await,
                1.. = found.recv_many(&mut finds, TOGETHER) => {
                    self.writer.take_found(std::mem::take(&mut finds)).await;
                }
                () = time::sleep_until(next_doubt) => {
                    next_doubt = time::Instant::now() + DOUBT;
                    self.writer.withdraw(self.lookups.dnsbl.status()).await;
                }
                () = time::sleep_until(next_judging), if !self.writer.to_judge.is_empty() => {
                    if let Err(error) = self.writer.judge_some().await {
                        tracing::error!(%error, "cannot judge again what DNS said");
                        next_judging = time::Instant::now() + JUDGE_PAUSE;
                    }
                }
                Some(()) = machine.next() => machine_changes.changed(BURST),
                () = machine_changes.over() => {
                    machine_changes.looked();
                    self.look_at_machine().await;
                }
                _ = tick.tick() => self.expire().await,
                _ = watch.tick() => self.writer.watch_flood(),
                () = time::sleep_until(next_fold) => next_fold = self.fold().await,
                _ = traffic.tick() => self.keep_traffic().await,
                () = time::sleep_until(next_look) => {
                    next_look = time::Instant::now() + self.writer.config.gate.verify;
                    self.begin_look();
                }
                Some(look) = self.looks.join_next() => {
                    if !look.is_ok_and(|look| self.writer.end_look(look)) {
                        // The plan changed meanwhile: once more, a little later.
                        next_look = time::Instant::now() + Duration::from_secs(1);
                    }
                }
                _ = alive.tick(), if watchdog.is_some() => notify::alive(),
                _ = hangup.recv() => {
                    notify::reloading();
                    if let Err(error) = self.reload(DAEMON).await {
                        tracing::error!(%error, "refused configuration; the former one stays");
                    }
                    notify::ready("enforcing");
                }
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
            }
        }
    }

    /// Does what is asked. Whoever asked may have gone, so answering may fail.
    async fn answer(&mut self, request: Request) -> Next {
        match request {
            Request::Change { changes, by, reply } => {
                let _ = reply.send(self.writer.change(changes, &by).await);
            }
            Request::Evidence(handed) => self.writer.take_all(vec![handed]).await,
            Request::RollUp { by, reply } => {
                let _ = reply.send(self.writer.roll_up(&by).await);
            }
            Request::Lookup { finding, by, reply } => {
                let _ = reply.send(self.writer.look_up(finding, &by).await);
            }
            Request::Removal {
                request,
                finding,
                by,
                reply,
            } => {
                let decided = self.writer.request_removal(request, finding, &by).await;
                let _ = reply.send(decided);
            }
            Request::DecideRemoval {
                id,
                grant,
                by,
                reply,
            } => {
                let _ = reply.send(self.writer.decide_removal(id, grant, &by).await);
            }
            Request::Names { change, by, reply } => {
                let _ = reply.send(self.writer.change_names(change, &by).await);
            }
            Request::Overrides { change, by, reply } => {
                let _ = reply.send(self.writer.change_overrides(change, &by).await);
            }
            Request::SetMode { mode, by, reply } => {
                let _ = reply.send(self.writer.set_mode(mode, &by));
            }
            Request::SetFlood { mode, by, reply } => {
                let _ = reply.send(self.writer.set_flood_mode(mode, &by));
            }
            Request::Reload { by, reply } => {
                let _ = reply.send(self.reload(&by).await);
            }
            Request::Detach { by, reply } => match self.writer.detach(&by) {
                Ok(interfaces) => {
                    let _ = reply.send(Ok(Detached {
                        interfaces: interfaces.iter().map(ToString::to_string).collect(),
                        stopping: true,
                    }));
                    return Next::Stop;
                }
                Err(error) => {
                    let _ = reply.send(Err(ServiceError::Internal(error.to_string())));
                }
            },
        }
        Next::Turn
    }

    async fn take_feed(&mut self, update: FeedUpdate) {
        let change = Change::Feed {
            name: update.name.to_shared(),
            entries: update.entries.clone(),
        };
        match self.writer.change(vec![change], DAEMON).await {
            Ok(changed) => {
                if let Some(Outcome::Replaced(replaced)) = changed.applied.outcomes.first() {
                    tracing::info!(
                        feed = %update.name,
                        added = replaced.added,
                        changed = replaced.changed,
                        kept = replaced.kept,
                        ended = replaced.ended,
                        "took feed"
                    );
                }
            }
            Err(error) => tracing::error!(feed = %update.name, %error, "cannot take a feed"),
        }
    }

    async fn expire(&mut self) {
        let due = self
            .writer
            .ledger
            .next_expiry()
            .is_some_and(|at| at <= Timestamp::now());
        if due && let Err(error) = self.writer.change(vec![Change::Expire], DAEMON).await {
            tracing::error!(%error, "cannot end what has expired; it will be tried again");
        }
        if let Err(error) = self.writer.expire_rules().await {
            tracing::error!(%error, "cannot end names or overrides that have expired; it will be tried again");
        }
    }

    /// Stores what mail servers told of sources since the last time. What cannot be stored is lost:
    /// nothing is decided by it.
    async fn keep_traffic(&mut self) {
        let came = self.policy.take_traffic();
        if !came.is_empty()
            && let Err(error) = self.writer.keep_traffic(&came).await
        {
            tracing::error!(%error, "cannot store what mail servers told of sources");
        }
    }

    /// Folds old evidence, a part at a time so that nobody waits long; tells when to go on.
    async fn fold(&mut self) -> time::Instant {
        let pause = match self.writer.fold().await {
            Ok(true) => FOLD_PAUSE,
            Ok(false) => FOLD,
            Err(error) => {
                tracing::error!(%error, "cannot fold evidence; it will be tried again");
                FOLD
            }
        };
        time::Instant::now() + pause
    }

    fn begin_look(&mut self) {
        if self.looks.is_empty()
            && let Some(look) = self.writer.begin_look()
        {
            self.looks.spawn(async move {
                // The thread only reads; it panics if the process is broken anyway.
                spawn_blocking(look)
                    .await
                    .expect("a look at the gate table does not panic")
            });
        }
    }

    /// The machine's addresses may have changed, or its interfaces.
    pub(super) async fn look_at_machine(&mut self) {
        match self.writer.netlink.own_addresses().await {
            Ok(own) => {
                let rules = settings::rules(&self.writer.config, &own, self.writer.flood.is_on());
                self.writer.change_rules(rules);
                self.ways_in.configure(&self.writer.config, own);
            }
            Err(error) => tracing::error!(%error, "cannot read own addresses"),
        }
        if !self.writer.stands() {
            self.attach().await;
        }
    }

    pub(super) async fn attach(&mut self) {
        match self.writer.attach().await {
            Ok(failed) => {
                for (interface, error) in failed {
                    tracing::error!(%interface, %error, "cannot guard an interface");
                }
            }
            Err(error) => tracing::error!(%error, "cannot look at interfaces"),
        }
    }
}
