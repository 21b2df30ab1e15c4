//! What DNS says, in the writer: findings are taken in, and asked for again when it is time.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{
    DaemonError, Handle,
    request::Request,
    writer::{DAEMON, Writer, refused},
};
use crate::{
    book::{Book, Listing, Origin},
    config::{Config, DnsConfig, ListName},
    control::{
        ServiceError,
        api::{LookedUp, LookupCounts},
    },
    dns::{
        dnsbl::{Dnsbl, ListHealth, ListStatus},
        inquiry::{Found, Inquiry},
        resolver::Resolver,
    },
    evidence::{self, Finding, Ground, Sample},
    names::Pattern,
    network::Network,
};

/// Sources that are asked about again in one go, at most.
const AGAIN: u32 = 500;
/// Findings that may wait for the writer; the inquiry waits while there are more.
const WAITING: usize = 1000;

/// Those who ask DNS.
#[derive(Clone, Debug)]
pub(super) struct Lookups {
    resolver: Resolver,
    pub(super) dnsbl: Dnsbl,
    pub(super) inquiry: Inquiry,
    /// Why it is not asked as configured.
    problem: Arc<Mutex<Option<String>>>,
}

impl Lookups {
    /// Begins to ask by this configuration; also what is found out. To be called within the runtime.
    pub(super) fn open(config: &Config) -> Result<(Self, mpsc::Receiver<Found>), DaemonError> {
        let (sink, found) = mpsc::channel(WAITING);
        let mut problem = None;
        let resolver = match Resolver::new(&config.dns) {
            Ok(resolver) => resolver,
            Err(error) => {
                // The gate must stand all the same. Whom to ask then: resolv.conf(5), `nameserver`.
                tracing::error!(%error, "the name server of this machine is asked");
                problem = Some(error.to_string());
                let local = "127.0.0.1".parse().expect("an address names a server");
                Resolver::new(&DnsConfig {
                    servers: vec![local],
                    ..config.dns.clone()
                })?
            }
        };
        let dnsbl = Dnsbl::start(config.dnsbl.clone(), resolver.clone());
        let inquiry = Inquiry::start(config, resolver.clone(), dnsbl.clone(), sink)?;
        let lookups = Self {
            resolver,
            dnsbl,
            inquiry,
            problem: Arc::new(Mutex::new(problem)),
        };
        Ok((lookups, found))
    }

    /// Asks by this configuration from now on. Where the servers cannot be told, by the former ones.
    pub(super) fn configure(&self, config: &Config) -> Result<(), DaemonError> {
        self.inquiry.configure(config)?;
        self.dnsbl.configure(config.dnsbl.clone());
        let problem = self.resolver.reload(&config.dns).err();
        if let Some(error) = &problem {
            tracing::error!(%error, "the former name servers are asked");
        }
        *self.problem() = problem.map(|error| error.to_string());
        Ok(())
    }

    fn problem(&self) -> MutexGuard<'_, Option<String>> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much was asked.
    pub(super) fn counts(&self) -> LookupCounts {
        let (sources, queries) = (self.inquiry.counts(), self.resolver.stats());
        LookupCounts {
            waiting: sources.waiting,
            asked: sources.asked,
            skipped: sources.skipped,
            unanswered: sources.unanswered,
            queries: queries.total.queries,
        }
    }

    /// What an operator should look at.
    pub(super) fn warnings(&self) -> Vec<String> {
        let held = self.dnsbl.status().into_iter().filter_map(|list| {
            let ListHealth::Held { why, .. } = list.health else {
                return None;
            };
            Some(format!("DNSBL {} is on hold: it {why}", list.name))
        });
        self.problem().iter().cloned().chain(held).collect()
    }
}

impl Writer {
    /// Takes in what was found out, all of it in one transaction.
    pub(super) async fn take_found(&mut self, found: Vec<Found>) {
        let (mut findings, mut samples) = (Vec::new(), Vec::new());
        for one in found {
            match one {
                Found::Finding(finding) => findings.push(finding),
                Found::Sample(sample) => samples.push(sample),
            }
        }
        // What is lost by a failure is asked for again when its source comes again.
        if let Err(error) = self.take_dns(findings, &samples, DAEMON).await {
            tracing::error!(%error, "what DNS said is not taken in");
        }
    }

    /// Takes in what DNS said of one address for somebody who asked; what follows from it.
    pub(super) async fn look_up(
        &mut self,
        finding: Finding,
        by: &str,
    ) -> Result<LookedUp, ServiceError> {
        let source = finding.source();
        let (asked, address) = (finding.clone(), finding.address);
        self.take_dns(vec![finding], &[], by).await?;
        let known = evidence::finding_of(&self.ledger.history(), source).await;
        // None is on record of what is never listed.
        let dns = known.map_err(refused)?.unwrap_or(asked);
        let rests = |is: &Listing| matches!(is.origin, Origin::Dnsbl | Origin::Ptr);
        let mut dns: crate::control::api::DnsFinding = dns.into();
        dns.address = address;
        Ok(LookedUp {
            dns,
            listings: self
                .ledger
                .book()
                .at(source)
                .filter(rests)
                .map(Into::into)
                .collect(),
        })
    }

    async fn take_dns(
        &mut self,
        findings: Vec<Finding>,
        samples: &[Sample],
        by: &str,
    ) -> Result<(), ServiceError> {
        let before = self.ledger.book().clone();
        let ground = Ground {
            config: &self.config,
            rules: &self.rules,
            names: &self.names,
            overrides: &self.overrides,
        };
        let mut work = self.ledger.begin(Timestamp::now()).await.map_err(refused)?;
        let listed = evidence::take_findings(&mut work, findings, ground).await;
        let listed = listed.map_err(refused)?;
        evidence::take_samples(&mut work, samples, &self.config)
            .await
            .map_err(refused)?;
        evidence::roll_up(&mut work, &self.config)
            .await
            .map_err(refused)?;
        let touched = work.commit(by).await.map_err(refused)?;
        self.follow(&before, &listed, &touched);
        Ok(())
    }

    /// Judges again what DNS said of the sources in `networks`, and of those with a name that meets
    /// one of the `patterns`: an operator has said something of them.
    pub(super) async fn judge_again(
        &mut self,
        networks: &[Network],
        patterns: &[Pattern],
        by: &str,
    ) -> Result<(), ServiceError> {
        let before = self.ledger.book().clone();
        let ground = Ground {
            config: &self.config,
            rules: &self.rules,
            names: &self.names,
            overrides: &self.overrides,
        };
        let mut work = self.ledger.begin(Timestamp::now()).await.map_err(refused)?;
        let listed = evidence::judge_again(&mut work, networks, patterns, ground).await;
        let listed = listed.map_err(refused)?;
        evidence::roll_up(&mut work, &self.config)
            .await
            .map_err(refused)?;
        let touched = work.commit(by).await.map_err(refused)?;
        self.follow(&before, &listed, &touched);
        Ok(())
    }

    /// Takes back what those DNSBLs said that turned out to list everybody.
    pub(super) async fn withdraw(&mut self, lists: Vec<ListStatus>) {
        for list in lists {
            let ListHealth::Held {
                since,
                doubted: Some(from),
                ..
            } = list.health
            else {
                self.doubted.remove(&list.name);
                continue;
            };
            if self.doubted.contains(&list.name) {
                continue;
            }
            match self.take_back(&list.name, from).await {
                Ok(sources) => {
                    tracing::warn!(list = %list.name, sources, %since, "what it said is taken back");
                    self.doubted.insert(list.name);
                }
                Err(error) => {
                    tracing::error!(%error, "what a DNSBL said is not taken back; it will be tried again");
                }
            }
        }
    }

    async fn take_back(&mut self, list: &ListName, from: Timestamp) -> Result<usize, ServiceError> {
        let before = self.ledger.book().clone();
        let ground = Ground {
            config: &self.config,
            rules: &self.rules,
            names: &self.names,
            overrides: &self.overrides,
        };
        let mut work = self.ledger.begin(Timestamp::now()).await.map_err(refused)?;
        let taken = evidence::withdraw(&mut work, list.as_str(), from, ground).await;
        let taken = taken.map_err(refused)?;
        evidence::roll_up(&mut work, &self.config)
            .await
            .map_err(refused)?;
        let touched = work.commit(DAEMON).await.map_err(refused)?;
        self.follow(&before, &[], &touched);
        Ok(taken)
    }

    /// Tells what was listed, and enforces what changed since `before`.
    fn follow(&mut self, before: &Book, listed: &[Listing], touched: &[Network]) {
        for listing in listed {
            let (network, reason) = (listing.network, listing.reason.code());
            let evidence = listing.evidence.as_deref().unwrap_or_default();
            tracing::info!(%network, reason, evidence, "listed for what DNS says");
        }
        self.want_samples(listed);
        if !touched.is_empty() {
            // Told by `enforce`, and shows in the status.
            let _ = self.carry_out(before, touched);
        }
    }

    /// Asks for the names of the networks around sources that were listed for spam: in dynamic
    /// space one such source speaks for all.
    pub(super) fn want_samples(&self, listed: &[Listing]) {
        for listing in listed.iter().filter(|is| is.origin == Origin::Complaints) {
            if listing.network.is_v4() && self.config.rollup.enabled {
                let around = Network::containing(listing.network.address(), 24);
                self.inquiry.sample(around);
            }
        }
    }

    /// Asks again about those whose time has come.
    pub(super) async fn ask_again(&self) {
        let due = evidence::due(&self.ledger.history(), Timestamp::now(), AGAIN).await;
        match due {
            Ok(due) => self.inquiry.again(&due),
            Err(error) => tracing::error!(%error, "cannot read who is to be asked about again"),
        }
    }
}

impl Handle {
    /// Asks DNS about `address` now.
    pub(super) async fn look_up(
        &self,
        address: IpAddr,
        by: String,
    ) -> Result<LookedUp, ServiceError> {
        if !self.view().config.lookup.enabled {
            let message = "DNS is not asked about sources: lookup.enabled is false".to_owned();
            return Err(ServiceError::Conflict(message));
        }
        let finding = self.lookups.inquiry.ask(address).await;
        self.ask(|reply| Request::Lookup { finding, by, reply })
            .await
    }

    /// What DNS says now of `address`, if a listing of it rests on that.
    pub(super) async fn asked_again(&self, address: IpAddr) -> Option<Finding> {
        let view = self.view();
        let source = Network::source(address);
        let mut listings = view.book.at(source);
        let listing = listings.find(|is| matches!(is.origin, Origin::Dnsbl | Origin::Ptr))?;
        if !view.config.lookup.enabled {
            return None;
        }
        let mut finding = self.lookups.inquiry.ask(address).await;
        // To ask for a removal is not to come.
        finding.seen = listing.since;
        Some(finding)
    }
}
