//! Asking about one source or one network: DNS in, a finding out.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use futures_util::future;
use jiff::Timestamp;
use tokio::time::timeout_at;

use super::sample;
use crate::{
    clock::now,
    config::{Config, LookupConfig},
    dns::{
        class::{Classification, Confidence, NameClass, PatternError, Patterns, classify},
        dnsbl::{Dnsbl, Verdict, Weigh},
        name::Name,
        ptr::{ReverseName, Unknown, reverse_name},
        resolver::{Failure, Lane, Resolver, Urgency},
    },
    evidence::{Finding, ListAnswer, PtrClass, Reverse, Sample, Standing},
    network::Network,
};

/// The share of the budget for reverse names.
const LANE: &str = "reverse names";

/// How long one source is asked about at most. What was told by then counts.
pub(super) const LONGEST: Duration = Duration::from_secs(20);

/// Whom to ask, and how to take the answers.
#[derive(Debug)]
pub(super) struct Asker {
    resolver: Resolver,
    lane: Lane,
    pub(super) dnsbl: Dnsbl,
    settings: ArcSwap<Settings>,
}

#[derive(Debug)]
struct Settings {
    lookup: LookupConfig,
    patterns: Patterns,
}

impl Settings {
    fn new(config: &Config) -> Result<Self, PatternError> {
        Ok(Self {
            lookup: config.lookup,
            patterns: Patterns::compile(&config.ptr.patterns).map_err(|(_, error)| error)?,
        })
    }
}

impl Asker {
    pub(super) fn new(
        config: &Config,
        resolver: Resolver,
        dnsbl: Dnsbl,
    ) -> Result<Self, PatternError> {
        Ok(Self {
            lane: resolver.lane(LANE, None),
            resolver,
            dnsbl,
            settings: ArcSwap::from_pointee(Settings::new(config)?),
        })
    }

    pub(super) fn configure(&self, config: &Config) -> Result<(), PatternError> {
        self.settings.store(Arc::new(Settings::new(config)?));
        Ok(())
    }

    pub(super) fn set_shedding(&self, shedding: bool) {
        self.resolver.set_shedding(shedding);
    }

    pub(super) fn lookup(&self) -> LookupConfig {
        self.settings.load().lookup
    }

    /// Asks for everything about `address`, whose source last came at `seen`; what is not told
    /// `within` this time is left out. A quarter of it is kept for the words of lists.
    pub(super) async fn source(
        &self,
        address: IpAddr,
        seen: Timestamp,
        urgency: Urgency,
        weigh: Weigh,
        within: Duration,
    ) -> Finding {
        let begun = Instant::now();
        let (until, end) = (begun + within / 4 * 3, begun + within);
        // Each is dated when it was told: the other may take long.
        let name = async {
            let overdue = Err(Unknown::Failed(Failure::Timeout));
            let standing = timeout_at(until.into(), self.name(address, urgency)).await;
            let standing = standing.unwrap_or(overdue).inspect_err(|why| {
                tracing::debug!(%address, ?why, "its reverse name cannot be told now");
            });
            standing.ok().map(|standing| Reverse {
                at: now(),
                standing,
                allowed: false,
            })
        };
        let lists = async {
            let verdict = self.lists(address, urgency, weigh, until).await;
            let at = now();
            self.answers(verdict, address, at, end).await
        };
        let (reverse, answers) = future::join(name, lists).await;
        Finding {
            address,
            at: now(),
            seen,
            reverse,
            answers,
            pardoned: Vec::new(),
        }
    }

    /// What each list said that said anything; where they list the address, with their words.
    async fn answers(
        &self,
        verdict: Verdict,
        address: IpAddr,
        at: Timestamp,
        until: Instant,
    ) -> Vec<ListAnswer> {
        let needed = verdict.listed;
        let listed = verdict.answers.into_iter().map(|one| async move {
            let text = if needed && one.weight > 0 {
                let text = self.dnsbl.text(&one.name, address);
                timeout_at(until.into(), text).await.ok().flatten()
            } else {
                None
            };
            ListAnswer {
                list: one.name.to_shared(),
                at,
                weight: one.weight,
                points: one.points,
                codes: one.codes,
                text: text.map(Into::into),
                overridden: false,
            }
        });
        let mut answers = future::join_all(listed).await;
        answers.extend(verdict.unlisted.into_iter().map(|name| ListAnswer {
            list: name.to_shared(),
            at,
            weight: 0,
            points: 0,
            codes: Vec::new(),
            text: None,
            overridden: false,
        }));
        answers
    }

    /// Asks for the reverse name of `address`.
    pub(super) async fn name(
        &self,
        address: IpAddr,
        urgency: Urgency,
    ) -> Result<Standing, Unknown> {
        let lane = self.lane.at(urgency);
        match reverse_name(&self.resolver, &lane, address).await.name {
            ReverseName::Missing => Ok(Standing::Missing),
            ReverseName::Forged { name, .. } => Ok(Standing::Forged {
                name: name.to_string().into(),
            }),
            ReverseName::Confirmed { name, also, .. } => {
                let name = name.to_string();
                let (class, confidence, evidence) = self.settings.load().class(&name, address);
                Ok(Standing::Confirmed {
                    name: name.into(),
                    also: also.iter().map(|name| name.to_string().into()).collect(),
                    class,
                    confidence,
                    evidence: evidence.into(),
                })
            }
            ReverseName::Unknown(why) => Err(why),
        }
    }

    /// Asks the DNSBLs about `address`.
    pub(super) async fn lists(
        &self,
        address: IpAddr,
        urgency: Urgency,
        weigh: Weigh,
        until: Instant,
    ) -> Verdict {
        self.dnsbl.ask(address, urgency, weigh, until).await
    }

    /// Asks for the names of a sample of `network`; `None` if too few could be told.
    pub(super) async fn sample(&self, network: Network) -> Option<Sample> {
        let addresses = sample::addresses(network);
        let names = addresses.iter().map(|&address| async move {
            let reverse = reverse_name(&self.resolver, &self.lane, address).await;
            self.sampled(&reverse.name, address)
        });
        let classes: Vec<PtrClass> = future::join_all(names)
            .await
            .into_iter()
            .flatten()
            .collect();
        // Fewer tell nothing, and it is better asked again.
        (classes.len() * 2 > addresses.len()).then(|| Sample {
            network,
            at: now(),
            classes,
        })
    }

    /// What a name tells of the space that its address is in. A provider's name counts whether or
    /// not it resolves back: hardly one of dynamic space does.
    fn sampled(&self, reverse: &ReverseName, address: IpAddr) -> Option<PtrClass> {
        let name: &Name = match reverse {
            ReverseName::Unknown(_) => return None,
            ReverseName::Missing => return Some(PtrClass::Missing),
            ReverseName::Forged { name, .. } | ReverseName::Confirmed { name, .. } => name,
        };
        let (class, ..) = self.settings.load().class(&name.to_string(), address);
        Some(class.into())
    }
}

impl Settings {
    /// What `name` tells, and by what.
    fn class(&self, name: &str, address: IpAddr) -> (NameClass, Confidence, String) {
        if let Some(pattern) = self.patterns.class(name) {
            let said = format!("ptr.pattern[{}] of the configuration", pattern.number);
            return (pattern.class, Confidence::High, said);
        }
        let Classification {
            class,
            confidence,
            evidence,
        } = classify(name, address);
        (class, confidence, evidence.to_string())
    }
}
