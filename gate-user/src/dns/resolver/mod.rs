//! The resolver: questions in, answers out, within a budget and from a cache.
//!
//! A question is answered from what is kept; else together with one that is being asked; else it
//! waits for its turn in its lane and over all (`budget`), is sent (`server`), once more if that
//! fails, and what the reply says (`digest`) is kept until its TTL ends.

mod answer;
mod budget;
mod cache;
mod digest;
mod error;
mod flight;
mod lane;
mod server;
mod stats;

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

use arc_swap::ArcSwap;
use hickory_resolver::proto::op::Query;
use tokio::time::Instant;

use self::{
    answer::Record,
    budget::{Limits, Line, Pass},
    cache::Cache,
    digest::{Chain, Kind, Step},
    flight::{Boarding, End, Flight, Flights, Key, Shared, Watch},
    lane::{Share, of_all, of_lane},
    server::{Manner, Miss, Reply, Servers},
};
use crate::{
    config::{DnsCacheConfig, DnsConfig},
    dns::name::Name,
};

pub use answer::{Answer, Failure, Mx, Nothing, Shed, Urgency};
pub use error::ResolverError;
pub use lane::Lane;
pub use stats::{Counts, LaneStats, Latency, ResolverStats};

/// How long a failure is kept, so that a dead server is not asked again for each source.
pub const FAILURE_TTL: Duration = Duration::from_secs(30);

/// Asks DNS. Clones are one resolver. Must be used within a tokio runtime.
#[derive(Clone)]
pub struct Resolver(Arc<Inner>);

struct Inner {
    settings: ArcSwap<Settings>,
    line: Arc<Line>,
    lanes: Mutex<BTreeMap<String, Registered>>,
    cache: Cache<Key, Shared>,
    flights: Flights,
    shedding: AtomicBool,
}

/// What a reload may change.
struct Settings {
    servers: Servers,
    bounds: DnsCacheConfig,
    per_zone: u32,
    wait: Duration,
}

/// A lane, and its queries in a second where it has a number of its own.
struct Registered {
    share: Arc<Share>,
    per_second: Option<u32>,
}

impl Resolver {
    /// A resolver with an empty cache.
    ///
    /// # Errors
    /// When no servers are configured and the system does not say which to ask.
    pub fn new(config: &DnsConfig) -> Result<Self, ResolverError> {
        Ok(Self(Arc::new(Inner {
            settings: ArcSwap::from_pointee(Settings::new(config)?),
            line: Line::new(limits_over_all(config)),
            lanes: Mutex::new(BTreeMap::new()),
            cache: Cache::new(config.cache.entries as usize),
            flights: Flights::default(),
            shedding: AtomicBool::new(false),
        })))
    }

    /// Puts other settings in force; what is kept stays, and lanes remain what they are.
    ///
    /// # Errors
    /// As [`new`](Self::new); everything stays as it was then.
    pub fn reload(&self, config: &DnsConfig) -> Result<(), ResolverError> {
        let inner = &self.0;
        inner.settings.store(Arc::new(Settings::new(config)?));
        inner.line.limit(limits_over_all(config));
        inner.cache.resize(config.cache.entries as usize);
        for Registered { share, per_second } in inner.lanes().values() {
            let per_second = per_second.unwrap_or(config.per_zone);
            share.line.limit(limits_of_lane(per_second, config.wait));
        }
        Ok(())
    }

    /// The share of the budget of that name, for questions in the background: `per_second` queries
    /// in a second, or as many as `dns.per_zone` says. Asked again for the same name, it is the same
    /// share, with the number given last.
    pub fn lane(&self, name: &str, per_second: Option<u32>) -> Lane {
        let settings = self.0.settings.load();
        let limits = limits_of_lane(per_second.unwrap_or(settings.per_zone), settings.wait);
        let mut lanes = self.0.lanes();
        let registered = lanes.entry(name.to_owned()).or_insert_with(|| {
            let share = Share::new(name, limits);
            share
                .line
                .set_shedding(self.0.shedding.load(Ordering::SeqCst));
            Registered {
                share: Arc::new(share),
                per_second,
            }
        });
        registered.per_second = per_second;
        registered.share.line.limit(limits);
        Lane {
            share: Arc::clone(&registered.share),
            urgency: Urgency::Background,
        }
    }

    /// During a flood: nothing in the background is asked, what waits included; or it is again.
    pub fn set_shedding(&self, shedding: bool) {
        let lanes = self.0.lanes();
        self.0.shedding.store(shedding, Ordering::SeqCst);
        self.0.line.set_shedding(shedding);
        for registered in lanes.values() {
            registered.share.line.set_shedding(shedding);
        }
    }

    /// The IPv4 addresses of a name.
    pub async fn a(&self, name: &Name, lane: &Lane) -> Answer<Ipv4Addr> {
        let (answer, left) = self.ask(name, Kind::A, lane).await;
        answer.filter_map(left, |record| match record {
            Record::A(address) => Some(*address),
            _ => None,
        })
    }

    /// The IPv6 addresses of a name.
    pub async fn aaaa(&self, name: &Name, lane: &Lane) -> Answer<Ipv6Addr> {
        let (answer, left) = self.ask(name, Kind::Aaaa, lane).await;
        answer.filter_map(left, |record| match record {
            Record::Aaaa(address) => Some(*address),
            _ => None,
        })
    }

    /// The texts of a name, each at most 1024 bytes of it: without control characters, and with
    /// U+FFFD for what is no UTF-8.
    pub async fn txt(&self, name: &Name, lane: &Lane) -> Answer<String> {
        let (answer, left) = self.ask(name, Kind::Txt, lane).await;
        answer.filter_map(left, |record| match record {
            Record::Txt(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// The mail exchangers of a domain, the preferred ones first.
    pub async fn mx(&self, name: &Name, lane: &Lane) -> Answer<Mx> {
        let (answer, left) = self.ask(name, Kind::Mx, lane).await;
        answer.filter_map(left, |record| match record {
            Record::Mx(mx) => Some(mx.clone()),
            _ => None,
        })
    }

    /// The names that an address claims, not confirmed: see [`ptr`](crate::dns::ptr).
    pub async fn ptr(&self, address: IpAddr, lane: &Lane) -> Answer<Name> {
        let name = Name::reverse_of(address);
        let (answer, left) = self.ask(&name, Kind::Ptr, lane).await;
        answer.filter_map(left, |record| match record {
            Record::Ptr(name) => Some(name.clone()),
            _ => None,
        })
    }

    /// What it has done, and does now.
    pub fn stats(&self) -> ResolverStats {
        let inner = &self.0;
        let lanes: Vec<LaneStats> = inner
            .lanes()
            .values()
            .map(|registered| registered.share.stats())
            .collect();
        let mut total = Counts::default();
        for lane in &lanes {
            total += &lane.counts;
        }
        let (waiting, under_way) = inner.line.load();
        ResolverStats {
            total,
            lanes,
            waiting,
            under_way,
            kept: inner.cache.len(),
            shedding: inner.shedding.load(Ordering::SeqCst),
        }
    }

    /// The answer, and for how long it is still good if it was kept.
    async fn ask(&self, name: &Name, kind: Kind, lane: &Lane) -> (Shared, Option<Duration>) {
        let inner = &self.0;
        let counters = &lane.share.counters;
        counters.questions.count();
        let key = Key {
            name: name.clone(),
            kind,
        };
        let seat = match inner.flights.board(&key, lane.urgency, || inner.kept(&key)) {
            Boarding::Known(answer, left) => {
                counters.cached.count();
                return (answer, Some(left));
            }
            Boarding::Joined(seat) => {
                counters.joined.count();
                seat
            }
            Boarding::Begin(seat, flight) => {
                let (inner, share) = (Arc::clone(inner), Arc::clone(&lane.share));
                tokio::spawn(async move { inner.fly(&key, &flight, &share).await });
                seat
            }
        };
        let answer = seat.answer().await;
        if let Answer::NotAsked(shed) = *answer {
            counters.shed(shed);
        }
        (answer, None)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resolver").field(&self.stats()).finish()
    }
}

impl Settings {
    fn new(config: &DnsConfig) -> Result<Self, ResolverError> {
        Ok(Self {
            servers: Servers::new(config)?,
            bounds: config.cache,
            per_zone: config.per_zone,
            wait: config.wait,
        })
    }
}

const fn limits_over_all(config: &DnsConfig) -> Limits {
    Limits {
        per_second: config.per_second,
        at_once: config.concurrency,
        wait: config.wait,
    }
}

const fn limits_of_lane(per_second: u32, wait: Duration) -> Limits {
    Limits {
        per_second,
        at_once: u32::MAX,
        wait,
    }
}

impl Inner {
    fn lanes(&self) -> MutexGuard<'_, BTreeMap<String, Registered>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept, and for how long it is still good.
    fn kept(&self, key: &Key) -> Option<(Shared, Duration)> {
        let now = Instant::now();
        let (answer, until) = self.cache.get(key, now)?;
        Some((answer, until.saturating_duration_since(now)))
    }

    fn keep(&self, key: &Key, answer: &Shared) {
        let ttl = match **answer {
            Answer::Found { ttl, .. } | Answer::Nothing { ttl, .. } => ttl,
            Answer::Failed(_) => FAILURE_TTL,
            Answer::NotAsked(_) => return,
        };
        self.cache
            .insert(key.clone(), Arc::clone(answer), Instant::now() + ttl);
    }

    /// Asks until there is an end.
    async fn fly(&self, key: &Key, flight: &Arc<Flight>, share: &Share) {
        let _watch = Watch {
            flights: &self.flights,
            key,
            flight,
        };
        loop {
            let end = self.resolve(key, flight, share).await;
            let counter = match &end {
                End::Answer(Answer::Found { .. }) => Some(&share.counters.found),
                End::Answer(Answer::Nothing { .. }) => Some(&share.counters.nothing),
                End::Answer(Answer::Failed(_)) => Some(&share.counters.failed),
                End::Answer(Answer::NotAsked(_)) | End::Refused(..) | End::Abandoned => None,
            };
            if self.flights.land(key, end, |answer| self.keep(key, answer)) {
                if let Some(counter) = counter {
                    counter.count();
                }
                return;
            }
        }
    }

    /// Asks for the name, and for those that it leads to.
    async fn resolve(&self, key: &Key, flight: &Flight, share: &Share) -> End {
        let settings = self.settings.load_full();
        let mut chain = Chain::new(key.name.clone(), key.kind);
        loop {
            let query = Query::query(chain.name.wire().clone(), key.kind.wire());
            let reply = match self.reply(&settings.servers, &query, flight, share).await {
                Ok(reply) => reply,
                Err(end) => return end,
            };
            match chain.take(&reply, &settings.bounds) {
                Step::Done(answer) => return End::Answer(answer),
                Step::Ask(next) => chain = next,
            }
        }
    }

    /// Sends a query, once more if that fails, each time when it is its turn.
    ///
    /// Silence and what makes no sense is asked for again at the next server, or the same if there
    /// is one alone; a server that says that it cannot tell is not asked again.
    async fn reply(
        &self,
        servers: &Servers,
        query: &Query,
        flight: &Flight,
        share: &Share,
    ) -> Result<Reply, End> {
        let counters = &share.counters;
        let mut server = servers.preferred();
        let mut manner = Manner {
            tcp: false,
            edns: true,
        };
        let mut failed = None;
        loop {
            let pass = match self.turn(flight, share).await {
                Ok(pass) => pass,
                Err(end) => {
                    return Err(failed.map_or(end, |failure| End::Answer(Answer::Failed(failure))));
                }
            };
            counters.queries.count();
            if failed.is_some() {
                counters.retries.count();
            }
            if manner.tcp {
                counters.tcp.count();
            }
            let begun = Instant::now();
            let asked = servers.ask(server, query.clone(), manner).await;
            drop(pass);
            match asked {
                Ok(reply) => {
                    counters.took(begun.elapsed());
                    servers.prefer(server);
                    return Ok(reply);
                }
                Err(Miss::UseTcp) => manner.tcp = true,
                Err(Miss::NoEdns) => manner.edns = false,
                Err(Miss::Failed(failure)) => {
                    if failure == Failure::Timeout {
                        counters.timeouts.count();
                    }
                    let next = servers.after(server);
                    if failed.is_some() || (next == server && failure.is_said()) {
                        return Err(End::Answer(Answer::Failed(failure)));
                    }
                    failed = Some(failure);
                    server = next;
                }
            }
        }
    }

    /// Waits until the lane and the budget over all let one query go.
    async fn turn(&self, flight: &Flight, share: &Share) -> Result<Pass, End> {
        let mut urgencies = flight.urgency();
        loop {
            let urgency = *urgencies.borrow_and_update();
            let passes = async {
                share.line.pass(urgency).await.map_err(of_lane)?;
                self.line.pass(urgency).await.map_err(of_all)
            };
            tokio::select! {
                biased;
                pass = passes => return pass.map_err(|shed| End::Refused(shed, urgency)),
                // Somebody more urgent came in: again, before those in the background.
                Ok(()) = urgencies.changed() => {}
                () = flight.abandoned() => return Err(End::Abandoned),
            }
        }
    }
}

#[cfg(test)]
mod tests;
