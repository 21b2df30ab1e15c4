//! What the tests of the service and of its server share: a book, and lookups that say what they
//! are told to.

use std::{
    net::IpAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use gate_common::Mode;

use super::{
    facts::{Connections, Dnsbl, Lookup, Reverse, SenderDomain},
    lookups::Lookups,
    service::{Policy, Scene},
};
use crate::{
    book::{Change, testing::Sandbox},
    config::Config,
    plan,
};

/// A scene with these changes to an empty book.
pub(crate) fn scene(config: &str, changes: Vec<Change>) -> Scene {
    let mut sandbox = Sandbox::default();
    sandbox.apply(changes, 1_700_000_000).unwrap();
    Scene {
        book: sandbox.book,
        rules: Arc::new(plan::Rules::default()),
        config: Arc::new(Config::parse(config, Path::new("gate.toml")).unwrap()),
        mode: Mode::Enforce,
    }
}

/// A service that looks at `scene`, which may be changed.
pub(crate) fn policy<L: Lookups>(scene: &Arc<Mutex<Scene>>, lookups: L) -> Policy<L> {
    let scene = Arc::clone(scene);
    Policy::new(move || scene.lock().unwrap().clone(), lookups)
}

/// Lookups that say one thing of everybody, after a while, and count how often they are asked.
#[derive(Debug)]
pub(crate) struct Saying {
    pub(crate) reverse: Lookup<Reverse>,
    pub(crate) dnsbl: Lookup<Dnsbl>,
    pub(crate) sender: Lookup<SenderDomain>,
    pub(crate) connections: Option<Connections>,
    pub(crate) after: Duration,
    pub(crate) asked: Arc<AtomicUsize>,
}

impl Default for Saying {
    fn default() -> Self {
        Self {
            reverse: Lookup::NotAsked,
            dnsbl: Lookup::NotAsked,
            sender: Lookup::NotAsked,
            connections: None,
            after: Duration::ZERO,
            asked: Arc::default(),
        }
    }
}

impl Saying {
    async fn after_a_while(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if !self.after.is_zero() {
            tokio::time::sleep(self.after).await;
        }
    }
}

impl Lookups for Saying {
    async fn reverse(&self, _: IpAddr) -> Lookup<Reverse> {
        self.after_a_while().await;
        self.reverse.clone()
    }

    async fn dnsbl(&self, _: IpAddr) -> Lookup<Dnsbl> {
        self.after_a_while().await;
        self.dnsbl.clone()
    }

    async fn sender(&self, domain: &str) -> Lookup<SenderDomain> {
        self.after_a_while().await;
        match domain {
            "good.example" => Lookup::Known(SenderDomain::Good),
            _ => self.sender,
        }
    }

    fn connections(&self, _: IpAddr) -> Option<Connections> {
        self.connections
    }

    fn connection_limit(&self, _: IpAddr) -> u32 {
        self.connections.map_or(0, |connections| connections.limit)
    }
}
