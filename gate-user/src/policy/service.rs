//! The policy service itself: a request in, what is known of its client gathered, a decision out.
//!
//! It reads the snapshot and never waits for the writer. For DNS it waits as long as the budget
//! allows, and not at all where the book has decided already.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use gate_common::Mode;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use super::{
    check::Check,
    counters::Counters,
    decide::{self, Action, By, Decision, Rules},
    facts::{Facts, Lookup, Standing},
    lookups::Lookups,
    reference::{Reference, References},
    replay::{Known, Over, Replay, Step},
    request::{Request, Subject},
    session::{Peer, Sessions},
    traffic::{Tally, Traffic},
};
use crate::{
    book::Book,
    config::{Config, Use},
    network::Network,
    plan,
};

/// After so many steps of a replay others have their turn.
const BREATH: usize = 256;

/// What one decision goes by: all of one moment.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The book.
    pub book: Book,
    /// What listings do.
    pub rules: Arc<plan::Rules>,
    /// The configuration.
    pub config: Arc<Config>,
    /// The mode in force.
    pub mode: Mode,
}

impl Scene {
    /// What the decision of that number goes by, now.
    fn rules_for(&self, reference: Reference) -> Rules<'_> {
        Rules {
            config: &self.config.policy,
            mode: self.mode,
            now: Timestamp::now(),
            reference,
        }
    }
}

/// The service.
pub struct Policy<L> {
    scene: Box<dyn Fn() -> Scene + Send + Sync>,
    lookups: L,
    sessions: Mutex<Sessions>,
    tally: Mutex<Tally>,
    counters: Counters,
    peers: AtomicU64,
    started: Instant,
    references: References,
}

impl<L> fmt::Debug for Policy<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").finish_non_exhaustive()
    }
}

impl<L: Lookups> Policy<L> {
    /// A service that looks at `scene` anew for each request, and asks `lookups`.
    pub fn new(scene: impl Fn() -> Scene + Send + Sync + 'static, lookups: L) -> Self {
        Self {
            scene: Box::new(scene),
            lookups,
            sessions: Mutex::default(),
            tally: Mutex::default(),
            counters: Counters::default(),
            peers: AtomicU64::new(1),
            started: Instant::now(),
            references: References::new(Timestamp::now()),
        }
    }

    /// What it has done.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// A number for a connection of a mail server, which no other has.
    pub fn new_peer(&self) -> Peer {
        Peer(self.peers.fetch_add(1, Relaxed))
    }

    /// What came of each source since this was last asked: to be stored.
    pub fn take_traffic(&self) -> Vec<(Network, Traffic)> {
        lock(&self.tally).take()
    }

    /// Answers a mail server, whose connection is `peer`: what is decided is counted and logged.
    pub async fn answer(&self, subject: &Subject, peer: Peer) -> Decision {
        let request = match subject {
            Subject::Client(request) => request,
            Subject::Nobody => {
                let decision = Decision::pass(By::Nobody);
                self.counters.decided(&decision);
                return decision;
            }
        };
        let begun = Instant::now();
        let scene = (self.scene)();
        let reference = self.references.next();
        let decision = self.decide(&scene, request, peer, reference).await;
        let added = match decision.action {
            Action::Dunno => {
                let (limits, now) = (&scene.config.policy.limits, self.started.elapsed());
                lock(&self.sessions).take(request, peer, limits, now)
            }
            Action::Reply(_) => Traffic {
                refused: 1,
                ..Traffic::default()
            },
        };
        lock(&self.tally).add(request.source(), added);
        self.counters.decided(&decision);
        self.counters.took(begun.elapsed());
        log(request, &decision, reference);
        decision
    }

    /// What [`Policy::answer`] would say, of which nothing is counted.
    pub async fn test(&self, subject: &Subject) -> Decision {
        match subject {
            Subject::Client(request) => {
                let reference = self.references.next();
                let scene = (self.scene)();
                self.decide(&scene, request, Peer::default(), reference)
                    .await
            }
            Subject::Nobody => Decision::pass(By::Nobody),
        }
    }

    /// What of `steps` would have been over a limit, by their places among them. Nothing is counted,
    /// and nothing of what has been counted is looked at.
    pub async fn replay(&self, steps: &[Step]) -> Vec<(usize, Over)> {
        let scene = (self.scene)();
        let rules = scene.rules_for(self.references.next());
        let (mut replay, mut over) = (Replay::default(), Vec::new());
        for (place, step) in steps.iter().enumerate() {
            let known = Known {
                standing: plan::answer(&scene.book, &scene.rules, step.client).into(),
                connections: self.lookups.connection_limit(step.client),
            };
            over.extend(replay.step(&rules, &known, step).map(|over| (place, over)));
            if place % BREATH == 0 {
                tokio::task::yield_now().await;
            }
        }
        over
    }

    async fn decide(
        &self,
        scene: &Scene,
        request: &Request,
        peer: Peer,
        reference: Reference,
    ) -> Decision {
        let rules = scene.rules_for(reference);
        let standing = plan::answer(&scene.book, &scene.rules, request.client).into();
        if let Some(decision) = decide::at_once(&rules, request, &standing) {
            return decision;
        }
        let mut facts = self.gather(scene, request, standing).await;
        let now = self.started.elapsed();
        facts.counts = lock(&self.sessions).look(request, peer, &rules.config.limits, now);
        decide::decide(&rules, request, &facts)
    }

    /// Asks for all that the checks need, at once.
    async fn gather(&self, scene: &Scene, request: &Request, standing: Standing) -> Facts {
        let config = &scene.config.policy;
        let wanted = |check| config.checks.of(check) != Use::Off;
        let until = Instant::now() + config.budget;
        let client = request.client;
        let domain = request.sender.as_deref().and_then(domain);
        let name = wanted(Check::ReverseDns) || wanted(Check::PtrClass);
        let reverse = within(until, name.then(|| self.lookups.reverse(client)));
        let dnsbl = wanted(Check::Dnsbl).then(|| self.lookups.dnsbl(client));
        let dnsbl = within(until, dnsbl);
        let domain = domain.as_deref().filter(|_| wanted(Check::SenderDomain));
        let sender = within(until, domain.map(|domain| self.lookups.sender(domain)));
        let (reverse, dnsbl, sender) = tokio::join!(reverse, dnsbl, sender);
        let connections = wanted(Check::Connections)
            .then(|| self.lookups.connections(client))
            .flatten();
        Facts {
            standing,
            reverse,
            dnsbl,
            sender,
            connections,
            ..Facts::default()
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The answer to a lookup, if it comes in time.
async fn within<T>(until: Instant, lookup: Option<impl Future<Output = Lookup<T>>>) -> Lookup<T> {
    match lookup {
        None => Lookup::NotAsked,
        Some(lookup) => timeout_at(until, lookup).await.unwrap_or(Lookup::UnderWay),
    }
}

/// The domain of an address, in lower case; `None` where there is none that DNS knows: of the null
/// sender, of a name alone, of an address literal (RFC 5321 section 4.1.3).
fn domain(sender: &str) -> Option<String> {
    let (_, domain) = sender.rsplit_once('@')?;
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    (!domain.is_empty() && !domain.starts_with('[')).then(|| domain.to_lowercase())
}

/// Logs a refusal, or what would have been one. What a stranger wrote is quoted.
fn log(request: &Request, decision: &Decision, reference: Reference) {
    let (client, state) = (request.client, request.state.name());
    let sender = || request.sender.as_deref().map(tracing::field::debug);
    if let (Action::Reply(reply), By::Check(check)) = (&decision.action, decision.by) {
        tracing::info!(%client, %check, state, sender = sender(), %reply, %reference, "refused client");
    }
    for (step, reply) in decision.observed() {
        let check = step.check;
        tracing::info!(%client, %check, state, sender = sender(), %reply, %reference, "observed client: it would be refused");
    }
}

#[cfg(test)]
mod tests;
