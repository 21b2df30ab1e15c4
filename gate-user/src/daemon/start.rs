//! From nothing to an enforcing gate: after a boot, after a crash, after an upgrade.
//!
//! The order keeps a gate that is on the wire already in force until the new program takes its
//! links over (invariants 2 and 5): the book is read and brought up to date, the maps are adopted
//! or made, the plan is in them, the settings are, and only then do the links move.

use std::{
    collections::{HashSet, VecDeque},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use tokio::{runtime, task::block_in_place};

use super::{
    DaemonError, Loader,
    classes::Known,
    flood::FloodWatch,
    logging::LogControl,
    mode::KeptMode,
    settings,
    view::View,
    writer::{DAEMON, Writer},
};
use crate::{
    book::{Change, Ledger, Origin},
    clock,
    config::{Config, FeedName},
    control::api::{Drift, TableSize},
    dns::inquiry::Inquiry,
    kernel::{self, Found, Gate, KernelError, Netlink},
    limits::Repeats,
    names::Names,
    overrides::Overrides,
    plan::Table,
    roster,
};

impl Writer {
    /// Starts everything but the control socket and the feeds; when it returns, the gate enforces.
    pub(super) async fn start(
        config: Config,
        config_path: Option<PathBuf>,
        log: LogControl,
        inquiry: Inquiry,
        loader: Loader,
    ) -> Result<Self, DaemonError> {
        let started = clock::now();
        make_directory(&config.paths.state)?;
        let mut ledger = Ledger::open(&config.paths.book()).await?;
        let changes = vec![
            Change::Expire,
            Change::Configure {
                allow: config.allow.networks.clone(),
            },
        ];
        ledger.apply(changes, started, DAEMON).await?;
        let names = Names::new(roster::load(&ledger.history()).await?);
        let overrides = Overrides::new(roster::load(&ledger.history()).await?);

        let netlink = Netlink::open()?;
        let own = netlink.own_addresses().await?;
        let flood = FloodWatch::start(&config, started)?;
        inquiry.set_shedding(flood.is_on());
        let rules = Arc::new(settings::rules(&config, &own, flood.is_on()));
        let gate = open_gate(&config, netlink.clone(), loader)?;
        let found = gate.found();
        let kernel = match found {
            Found::Same => gate.maps().read_back()?,
            Found::Nothing | Found::Other => Table::default(),
        };
        let kept_mode = KeptMode::new(&config.paths.state, "mode");
        let config = Arc::new(config);
        let view = View {
            book: ledger.book().clone(),
            names: names.clone(),
            overrides: overrides.clone(),
            rules: Arc::clone(&rules),
            history: ledger.history(),
            config: Arc::clone(&config),
            config_path: config_path.clone(),
            started,
            mode: config.gate.mode,
            flood: flood.view(),
            interfaces: Vec::new(),
            planned: TableSize::default(),
            maps: None,
            index: None,
            counting: Ok(()),
            classes: Known::default(),
            held: TableSize::default(),
            drift: Drift {
                missing: 0,
                extra: 0,
                checked: None,
            },
            kernel_problem: None,
        };
        let mut writer = Self {
            inquiry,
            to_judge: VecDeque::new(),
            doubted: HashSet::new(),
            ledger,
            names,
            overrides,
            rules,
            gate: Some(gate),
            netlink,
            mode: kept_mode.in_force(config.gate.mode)?,
            config,
            config_path,
            log,
            kept_mode,
            flood,
            wanted: Vec::new(),
            interfaces: Vec::new(),
            started,
            planned: view.planned,
            held: view.held,
            drift: view.drift,
            kernel_problem: None,
            generation: 0,
            repeats: Repeats::default(),
            view: Arc::new(ArcSwap::from_pointee(view)),
        };
        writer.choose_interfaces().await?;
        let written = writer.reconcile(&kernel)?;
        writer.configure()?;
        writer.attach_all().await?;
        kernel::give_memory_back();
        tracing::info!(
            pins = ?found,
            written,
            listings = writer.ledger.book().counts().listings,
            mode = writer.mode.as_str(),
            flood = writer.flood.is_on(),
            "started gate"
        );
        Ok(writer)
    }

    /// Puts the gate on every interface that is to be guarded, or tells of the first that failed.
    async fn attach_all(&mut self) -> Result<(), DaemonError> {
        let failed = self.attach().await?;
        match failed.into_iter().next() {
            None => Ok(()),
            Some((interface, source)) => Err(DaemonError::Attach {
                interface,
                source: Box::new(source),
            }),
        }
    }

    /// The feeds that list anything in the book.
    pub(super) fn listed_feeds(&self) -> Vec<FeedName> {
        let kinds = self.ledger.book().counts().by_kind.keys();
        kinds
            .filter_map(|(_, origin)| match origin {
                Origin::Feed(name) => FeedName::try_from(name.to_string()).ok(),
                _ => None,
            })
            .collect()
    }
}

/// Has the programs loaded by the thread that may. What they log is read in this runtime.
fn open_gate(config: &Config, netlink: Netlink, loader: Loader) -> Result<Gate, KernelError> {
    let (pins, capacity) = (config.paths.pins.clone(), settings::capacity(config));
    let runtime = runtime::Handle::current();
    block_in_place(|| {
        loader.load(move || {
            let _inside = runtime.enter();
            Gate::open(&pins, capacity, netlink)
        })
    })
}

fn make_directory(path: &Path) -> Result<(), DaemonError> {
    fs::create_dir_all(path).map_err(|source| DaemonError::File {
        path: path.to_owned(),
        what: "making the directory",
        source,
    })
}
