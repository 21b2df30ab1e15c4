//! DNS block lists (RFC 5782): a source in, what the configured lists say of it out.
//!
//! A zone is asked once, whatever lists are made of its answers. Only answers in 127.0.0.0/8 count;
//! what says that the zone does not answer us, or cannot be a list, puts it on hold, and so do its
//! test points (`health`), and listing nearly everybody (`breaker`; invariant 7). `verdict` adds up
//! what the others say. A zone's name may hold a private key: it is used for questions alone, and
//! whatever is shown has the list's public name.

mod breaker;
mod health;
mod question;
mod rate;
mod says;
mod status;
#[cfg(test)]
mod tests;
mod text;
mod verdict;
mod zone;

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Weak},
    time::Instant,
};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use tokio::{sync::Notify, time::sleep_until};

use self::{
    verdict::{Word, ZoneLists, judge},
    zone::{Record, ZoneAtWork, named},
};
use crate::{
    config::{DnsblConfig, Family, ListName},
    dns::resolver::{Answer, Resolver, Urgency},
    network::Network,
};

pub use breaker::Trip;
pub use health::Why;
pub use says::{Astray, Says};
pub use status::{ListHealth, ListStatus, Tested, TestedList};
pub use verdict::{Missing, NoAnswer, Verdict, ZoneAnswer, weigh_named};

/// The DNS block lists. Clones are the same; the task that tests the zones ends with the last.
#[derive(Clone)]
pub struct Dnsbl(Arc<Shared>);

struct Shared {
    resolver: Resolver,
    in_force: ArcSwap<InForce>,
    wake: Arc<Notify>,
}

/// Whether an answer goes into the count by which a zone is told that lists nearly everybody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Weigh {
    /// It does: the source came by itself.
    Counted,
    /// It does not: somebody chose the source. Those that are asked about again are on lists
    /// already, and would make a list look as if it had gone mad.
    Aside,
}

/// A configuration, and its zones at work.
struct InForce {
    config: DnsblConfig,
    zones: Vec<ZoneAtWork>,
}

impl Dnsbl {
    /// Begins to test the zones of `config`; each is asked about sources once it has passed. Must be
    /// called within a tokio runtime.
    pub fn start(config: DnsblConfig, resolver: Resolver) -> Self {
        let wake = Arc::new(Notify::new());
        let zones = at_work(&config, &[], &resolver, &wake);
        let shared = Arc::new(Shared {
            resolver,
            in_force: ArcSwap::from_pointee(InForce { config, zones }),
            wake: Arc::clone(&wake),
        });
        tokio::spawn(keep_testing(Arc::downgrade(&shared), wake));
        Self(shared)
    }

    /// Puts another configuration in force. What is known of a zone that stays is kept; one that is
    /// on hold is tested at once, but for the pause of the breaker.
    pub fn configure(&self, config: DnsblConfig) {
        let shared = &self.0;
        let before = shared.in_force.load_full();
        let zones = at_work(&config, &before.zones, &shared.resolver, &shared.wake);
        shared.in_force.store(Arc::new(InForce { config, zones }));
        let now = Instant::now();
        for zone in &shared.in_force.load().zones {
            zone.record.kept().health.hurry(now);
        }
        shared.wake.notify_one();
    }

    /// Whether any list is configured.
    pub fn is_configured(&self) -> bool {
        !self.0.in_force.load().zones.is_empty()
    }

    /// What the lists say of `address`: all zones in service are asked at the same time. A mapped
    /// IPv4 address is the IPv4 address. `weigh` tells whether the breakers of the zones count it. What
    /// a zone has not said at `until` it does not say.
    pub async fn ask(
        &self,
        address: IpAddr,
        urgency: Urgency,
        weigh: Weigh,
        until: Instant,
    ) -> Verdict {
        let address = address.to_canonical();
        let shared = &self.0;
        let in_force = shared.in_force.load_full();
        let config = &in_force.config;
        let zones: Vec<_> = in_force.asked_about(address).collect();
        let words = zones
            .iter()
            .map(|zone| zone.word(address, urgency, until, &shared.resolver, config));
        let words = join_all(words).await;
        let words = in_force.weighed(Network::source(address), weigh, &zones, words);
        judge(address, &words, config)
    }

    /// How each list stands, in the order of the configuration.
    pub fn status(&self) -> Vec<ListStatus> {
        let in_force = self.0.in_force.load_full();
        let of_zone = |zone| status::of_zone(zone, &in_force.config);
        let mut all: Vec<_> = in_force.zones.iter().flat_map(of_zone).collect();
        all.sort_by_key(|(list, _)| *list);
        all.into_iter().map(|(_, status)| status).collect()
    }

    /// Why the list called `name` lists `address`, in its own words: its TXT record, on one line of
    /// printable ASCII, at most 300 of it. To be asked where a listing needs it; `None` if the list
    /// does not say, is not there, or does not answer.
    pub async fn text(&self, name: &ListName, address: IpAddr) -> Option<String> {
        let in_force = self.0.in_force.load_full();
        let mut lists = in_force.config.lists.iter();
        let list = lists.position(|list| list.public_name() == *name)?;
        let mut zones = in_force.zones.iter();
        let zone = zones.find(|zone| zone.lists.lists.contains(&list))?;
        let urgency = Urgency::Background;
        let resolver = &self.0.resolver;
        explained(zone, name, address.to_canonical(), urgency, resolver).await
    }

    /// What each list says of `address`, those on hold too: for an operator, and counted nowhere.
    pub async fn test(&self, address: IpAddr) -> Tested {
        let address = address.to_canonical();
        let in_force = self.0.in_force.load_full();
        let config = &in_force.config;
        let resolver = &self.0.resolver;
        let zones: Vec<_> = in_force.asked_about(address).collect();
        let asked = zones.iter().map(async |zone| {
            let says = zone.look_up(address, Urgency::Door, resolver).await;
            let text = if matches!(says, Says::Listed(_)) {
                explained(zone, &zone.name, address, Urgency::Door, resolver).await
            } else {
                None
            };
            (says, text)
        });
        let asked = join_all(asked).await;
        let words: Vec<_> = zones
            .iter()
            .zip(&asked)
            .map(|(zone, (says, _))| {
                let word = zone.out_of_service().map_or(Ok(says.clone()), Err);
                (&zone.lists, word)
            })
            .collect();
        let verdict = judge(address, &words, config);
        let mut lists = Vec::new();
        for (zone, (says, text)) in zones.iter().zip(asked) {
            let codes = match &says {
                Says::Listed(codes) => codes.clone(),
                _ => Vec::new(),
            };
            for &list in &zone.lists.lists {
                let name = config.lists[list].public_name();
                let missing = verdict.missing.iter().find(|missing| missing.name == name);
                let tested = TestedList {
                    codes: codes.clone(),
                    counts: verdict.answers.iter().any(|answer| answer.list == list),
                    weight: config.lists[list].site.weight,
                    problem: missing.map(|missing| missing.why.to_string()),
                    text: text.clone(),
                    name,
                };
                lists.push((list, tested));
            }
        }
        lists.sort_by_key(|(list, _)| *list);
        Tested {
            address,
            lists: lists.into_iter().map(|(_, tested)| tested).collect(),
            sum: verdict.sum,
            threshold: config.threshold,
            listed: verdict.listed,
        }
    }
}

impl fmt::Debug for Dnsbl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.status()).finish()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.wake.notify_one();
    }
}

impl InForce {
    /// The zones that are asked about addresses like that.
    fn asked_about(&self, address: IpAddr) -> impl Iterator<Item = &ZoneAtWork> {
        let family = Family::of(address);
        let zones = self.zones.iter();
        zones.filter(move |zone| zone.lists.families.contains(&family))
    }

    /// The words that count, once the breakers of their zones have taken them if they are to.
    fn weighed<'a>(
        &self,
        source: Network,
        weigh: Weigh,
        zones: &[&'a ZoneAtWork],
        words: Vec<Word>,
    ) -> Vec<(&'a ZoneLists, Word)> {
        let config = &self.config;
        let speaks: Vec<bool> = zones
            .iter()
            .zip(&words)
            .map(|(zone, word)| matches!(word, Ok(says) if zone.lists.speaks(says, config)))
            .collect();
        let backed = |at: usize| {
            let side = zones[at].lists.speaks_for(config);
            let mut others = speaks.iter().zip(zones).enumerate();
            others.any(|(other, (&speaks, zone))| {
                other != at && speaks && zone.lists.speaks_for(config) == side
            })
        };
        let weighed = words.into_iter().enumerate().map(|(at, word)| {
            let zone = zones[at];
            let heard = match (&word, speaks[at]) {
                (Ok(Says::Listed(_)), true) if backed(at) => breaker::Word::Backed,
                (Ok(Says::Listed(_)), true) => breaker::Word::Alone,
                (Ok(Says::Listed(_) | Says::Unlisted), _) => breaker::Word::Unlisted,
                _ => return (&zone.lists, word),
            };
            let no_answer = match weigh {
                Weigh::Counted => zone.weigh(source, heard, config),
                Weigh::Aside => zone.out_of_service(),
            };
            match no_answer {
                Some(no_answer) => (&zone.lists, Err(no_answer)),
                None => (&zone.lists, word),
            }
        });
        weighed.collect()
    }
}

/// The zones of `config`; those that were at work `before` keep their record.
fn at_work(
    config: &DnsblConfig,
    before: &[ZoneAtWork],
    resolver: &Resolver,
    wake: &Arc<Notify>,
) -> Vec<ZoneAtWork> {
    let zones = ZoneLists::of(config).into_iter();
    zones
        .map(|lists| {
            let known = before.iter().find(|zone| {
                zone.lists.zone == lists.zone
                    && zone.lists.families == lists.families
                    && zone.lists.test_points == lists.test_points
            });
            let record = known.map_or_else(
                || Arc::new(Record::new(Instant::now())),
                |zone| Arc::clone(&zone.record),
            );
            let first = &config.lists[lists.lists[0]];
            let name = first.public_name();
            let lane = resolver.lane(&format!("dnsbl:{name}"), first.per_second);
            ZoneAtWork {
                lists,
                name,
                lane,
                record,
                wake: Arc::clone(wake),
            }
        })
        .collect()
}

/// Tests each zone when it is due, until nobody needs it any more.
async fn keep_testing(shared: Weak<Shared>, wake: Arc<Notify>) {
    while let Some(strong) = shared.upgrade() {
        let in_force = strong.in_force.load_full();
        let now = Instant::now();
        let due = |zone: &&ZoneAtWork| zone.record.kept().health.due() <= now;
        let tests = in_force
            .zones
            .iter()
            .filter(due)
            .map(|zone| zone.test(&strong.resolver, &in_force.config));
        join_all(tests).await;
        let dues = in_force
            .zones
            .iter()
            .map(|zone| zone.record.kept().health.due());
        let next = dues.min();
        drop((strong, in_force));
        match next {
            Some(next) => tokio::select! {
                () = sleep_until(next.into()) => {}
                () = wake.notified() => {}
            },
            None => wake.notified().await,
        }
    }
}

/// A zone's reason for listing `address`, for the list called `name`.
async fn explained(
    zone: &ZoneAtWork,
    name: &ListName,
    address: IpAddr,
    urgency: Urgency,
    resolver: &Resolver,
) -> Option<String> {
    let zone_name = &zone.lists.zone;
    let asked = named(&question::name(address, zone_name));
    match resolver.txt(&asked, &zone.lane.at(urgency)).await {
        Answer::Found { records, .. } => text::reason(&records, zone_name, name),
        Answer::Nothing { .. } | Answer::Failed(_) | Answer::NotAsked(_) => None,
    }
}
