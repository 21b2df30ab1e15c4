//! `gated`: start, serve, stop.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::StreamExt as _;
use jiff::Timestamp;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, watch},
    task::{JoinSet, spawn_blocking},
    time::{self, MissedTickBehavior},
};

use super::{
    DaemonError, Handle, Loader, Passed,
    burst::Burst,
    classes::Classes,
    connections::Comparison,
    intake::{self, WaysIn},
    logging,
    lookup::{self, Lookups},
    notify,
    policy::{self, Policy},
    reports::{self, Hear, Heard},
    request::{Request, gather},
    settings,
    top::TopSources,
    verify::Look,
    web,
    writer::{DAEMON, Writer},
};
use crate::{
    book::{Change, Outcome},
    config::{Config, Effect},
    control::{
        ServiceError,
        api::{Detached, Reloaded},
        server::{self, Limits, Socket},
    },
    dns::inquiry::Found,
    feeds::{FeedUpdate, Feeds},
    kernel::Netlink,
    policy::server as policy_server,
    web::operators::{Door, Tokens},
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

/// Requests that may wait for the writer; more wait at their sender.
const REQUESTS: usize = 64;

/// How often is looked which DNSBLs are not to be believed.
const DOUBT: Duration = Duration::from_secs(1);

/// How long is waited before what could not be judged again is tried once more.
const JUDGE_PAUSE: Duration = Duration::from_secs(10);

/// Findings that are taken in one transaction.
const TOGETHER: usize = 500;

/// What `gated` is given at its start.
#[derive(Debug)]
pub struct Options {
    /// The configuration file; `None` for the defaults.
    pub config: Option<PathBuf>,
    /// Sockets that systemd listens on.
    pub passed: Passed,
    /// The thread that may load programs.
    pub loader: Loader,
}

/// Runs the daemon until it is told to stop. The gate stays on the wire, but for a detach.
///
/// # Errors
///
/// [`DaemonError`]: what keeps it from starting.
pub async fn run(options: Options) -> Result<(), DaemonError> {
    let Options {
        config: config_path,
        passed,
        loader,
    } = options;
    let config = load(config_path.as_deref())?;
    let log = logging::init(config.log)?;
    let signals = Signals::listen()?;
    let socket = Socket::bind(
        &config.paths.control_socket(),
        config.control.mode,
        config.control.group.as_deref(),
    )
    .await?;
    let (feed_configs, copies) = (config.feeds.clone(), config.paths.feeds());
    let (lookups, found) = Lookups::open(&config)?;
    let inquiry = lookups.inquiry.clone();
    let mut writer = Writer::start(config, config_path, log, inquiry, loader).await?;
    let (feeds, updates) = Feeds::start(feed_configs, copies.clone(), writer.listed_feeds())
        .map_err(|source| DaemonError::File {
            path: copies,
            what: "starting to watch the feeds",
            source,
        })?;
    let (requests, inbox) = mpsc::channel(REQUESTS);
    let top = Arc::new(Mutex::new(TopSources::new(writer.started)));
    let (hear, heard, scored) = Hear::channel();
    if let Some(gate) = &mut writer.gate {
        let events = gate.events()?;
        tokio::spawn(reports::hand_on(events, Arc::clone(&top), hear.clone()));
    }
    let own = writer.netlink.own_addresses().await?;
    let desk = intake::open_desk(&writer.config, own)?;
    let view = Arc::clone(&writer.view);
    let asks = lookups.inquiry.clone();
    tokio::spawn(lookup::keep_asking(Arc::clone(&view), asks));
    let mut comparison = Comparison::new(Arc::clone(&view), hear.clone());
    comparison.compare().await;
    tokio::spawn(comparison.go_on());
    tokio::spawn(Classes::new(Arc::clone(&view)).go_on(scored));
    let handle = Handle::new(
        view,
        requests,
        feeds.clone(),
        top,
        hear,
        desk,
        lookups.clone(),
    );
    let policy = Arc::clone(&handle.policy);
    let ways_in = WaysIn::open(&handle, &writer.config.evidence)?;
    let (stop, stopped) = watch::channel(false);
    let door = web::door(&writer.config)?;
    let mut servers = serve(&writer.config, handle, &door, socket, passed, &stopped).await?;
    notify::ready(&format!(
        "enforcing; {} listings",
        writer.ledger.book().counts().listings
    ));
    let ended = Loop {
        writer,
        feeds,
        ways_in,
        lookups,
        policy,
        door,
        looks: JoinSet::new(),
    }
    .turn(inbox, updates, found, heard, signals)
    .await;
    notify::stopping();
    stop.send_replace(true);
    while let Some(ended) = servers.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "lost a server");
        }
    }
    ended
}

/// Answers whoever asks, at all places that the configuration names, until it is `stopped`.
async fn serve(
    config: &Config,
    handle: Handle,
    door: &Arc<Door>,
    socket: Socket,
    mut passed: Passed,
    stopped: &watch::Receiver<bool>,
) -> Result<JoinSet<()>, DaemonError> {
    let stopped = || {
        let mut stopped = stopped.clone();
        async move {
            // An error means that the daemon is ending.
            let _ = stopped.wait_for(|stop| *stop).await;
        }
    };
    let policy = Arc::clone(&handle.policy);
    let handle = Arc::new(handle);
    let mut servers = JoinSet::new();
    if let Some(listener) = intake::listener(&config.evidence).await? {
        let handle = Arc::clone(&handle);
        servers.spawn(server::serve_verdicts(
            listener,
            handle,
            // Any user of the machine may connect, and send a whole batch.
            Limits {
                connections: 8,
                ..Limits::default()
            },
            stopped(),
        ));
    }
    servers.spawn(policy_server::serve(
        policy::doors(config, &mut passed).await?,
        policy,
        policy::limits(config),
        stopped(),
    ));
    web::serve(&mut servers, config, &handle, door, &mut passed, stopped)?;
    servers.spawn(server::serve(socket, handle, Limits::default(), stopped()));
    passed.tell_unused();
    Ok(servers)
}

/// What `gated` is told from outside.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on they wait to be heard, and end nothing: also during the start.
    fn listen() -> Result<Self, DaemonError> {
        let listen = |kind| signal(kind).map_err(DaemonError::Signal);
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }
}

/// The configuration, by that file or by default.
pub(super) fn load(path: Option<&Path>) -> Result<Config, DaemonError> {
    match path {
        Some(path) => Ok(Config::load(path)?),
        None => Ok(Config::default()),
    }
}

/// Whether the loop goes on.
#[derive(Eq, PartialEq)]
enum Next {
    Turn,
    Stop,
}

/// The writer's loop.
struct Loop {
    writer: Writer,
    feeds: Feeds,
    ways_in: WaysIn,
    lookups: Lookups,
    policy: Arc<Policy>,
    door: Arc<Door>,
    /// Looks at the kernel's table that are under way: one at most.
    looks: JoinSet<Look>,
}

impl Loop {
    /// Takes one thing after the other, until it is told to stop.
    async fn turn(
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
    async fn look_at_machine(&mut self) {
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

    async fn attach(&mut self) {
        match self.writer.attach().await {
            Ok(failed) => {
                for (interface, error) in failed {
                    tracing::error!(%interface, %error, "cannot guard an interface");
                }
            }
            Err(error) => tracing::error!(%error, "cannot look at interfaces"),
        }
    }

    /// Reads the configuration again; a bad one changes nothing.
    async fn reload(&mut self, by: &str) -> Result<Reloaded, ServiceError> {
        let path = self.writer.config_path.clone();
        let shown = path.as_ref().map(|path| path.display().to_string());
        let Some(path) = path else {
            return Ok(Reloaded {
                config: None,
                changes: Vec::new(),
                needs_restart: Vec::new(),
            });
        };
        let fresh =
            Config::load(&path).map_err(|error| ServiceError::BadRequest(error.to_string()))?;
        let tokens = fresh.web.operators.as_ref().map(Tokens::read).transpose();
        let tokens = tokens.map_err(|error| ServiceError::BadRequest(error.to_string()))?;
        let former = Arc::clone(&self.writer.config);
        let changes = former.changes(&fresh);
        let fresh = former.reloaded(fresh);
        let allow = Change::Configure {
            allow: fresh.allow.networks.clone(),
        };
        self.writer.config = Arc::new(fresh);
        self.door.configure(tokens);
        self.writer.log.set_level(self.writer.config.log.level);
        let internal = |error: &dyn std::fmt::Display| ServiceError::Internal(error.to_string());
        let mode = self.writer.config.gate.mode;
        if former.gate.mode != mode {
            let in_force = self.writer.kept_mode.in_force(mode);
            self.writer.mode = in_force.map_err(|error| internal(&error))?;
        }
        self.writer.configure().map_err(|error| internal(&error))?;
        self.writer
            .reconfigure_flood(&former, by)
            .map_err(|error| internal(&error))?;
        self.writer.change(vec![allow], by).await?;
        self.writer
            .choose_interfaces()
            .await
            .map_err(|error| internal(&error))?;
        self.attach().await;
        self.look_at_machine().await;
        self.feeds.configure(self.writer.config.feeds.clone());
        self.lookups
            .configure(&self.writer.config)
            .map_err(|error| internal(&error))?;
        let asks = |config: &Config| (config.dnsbl.clone(), config.ptr.clone(), config.lookup);
        if asks(&former) != asks(&self.writer.config) {
            self.writer.reconsider().await?;
        }
        tracing::info!(by, changes = changes.len(), "reloaded configuration");
        let (live, restart): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .partition(|change| change.effect == Effect::Live);
        Ok(Reloaded {
            config: shown,
            changes: live.iter().map(ToString::to_string).collect(),
            needs_restart: restart.into_iter().map(|change| change.key).collect(),
        })
    }
}
