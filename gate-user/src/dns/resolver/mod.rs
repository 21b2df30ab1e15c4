//! The resolver: questions in, answers out, within a budget and from a cache.
//!
//! A question is answered from what is kept; else together with one that is being asked; else it
//! waits for its turn in its lane and over all (`budget`), is sent (`server`), once more if that
//! fails, and what the reply says (`digest`) is kept until its TTL ends.

mod answer;
mod ask;
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

use self::{
    answer::Record,
    budget::{Limits, Line},
    cache::Cache,
    digest::Kind,
    flight::{Boarding, Flights, Key, Shared},
    lane::Share,
    server::Servers,
};
use crate::{
    config::{DnsCacheConfig, DnsConfig},
    dns::name::Name,
};

pub use answer::{Answer, Failure, Mx, Nothing, Shed, Urgency};
pub use error::ResolverError;
pub use lane::Lane;
pub use stats::{Counts, LaneStats, ResolverStats};

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
}

#[cfg(test)]
mod tests;
