//! `gated`: start, serve, stop. In: its options. Out: who answers, and a loop of [turns](super::turns) for the
//! writer.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    DaemonError, Handle, Loader, Passed,
    classes::Classes,
    connections::Comparison,
    intake::{self, WaysIn},
    logging,
    lookup::{self, Lookups},
    notify, policy,
    reports::{self, Hear},
    top::TopSources,
    turns::{Signals, Turns},
    web,
    writer::Writer,
};
use crate::{
    config::Config,
    control::server::{self, Limits, Socket},
    feeds::Feeds,
    policy::server as policy_server,
    web::operators::Door,
};

/// Requests that may wait for the writer; more wait at their sender.
const REQUESTS: usize = 64;

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
    let ended = Turns {
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

/// The configuration, by that file or by default.
pub(super) fn load(path: Option<&Path>) -> Result<Config, DaemonError> {
    match path {
        Some(path) => Ok(Config::load(path)?),
        None => Ok(Config::default()),
    }
}
