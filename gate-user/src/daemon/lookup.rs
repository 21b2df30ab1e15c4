//! What DNS says, in the writer: findings are taken in, and asked for again when it is time.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::{sync::mpsc, time};

use super::{
    DaemonError, Handle,
    request::Request,
    view::View,
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
    plan::Rules,
};

/// Sources that are asked about again in one go, at most.
const AGAIN: u32 = 500;
/// Findings that are judged again, or taken back, in one transaction.
const PAGE: usize = 500;
/// So many of those transactions for an operator's word before he is answered.
const AT_ONCE: usize = 4;
/// How often is looked who is to be asked about again.
const ASK_AGAIN: Duration = Duration::from_secs(1);
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
                tracing::error!(%error, "cannot tell the name servers; that of this machine is asked");
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

    /// Who asks DNS for whatever else there is to ask.
    pub(super) fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// Asks by this configuration from now on. Where the servers cannot be told, by the former ones.
    pub(super) fn configure(&self, config: &Config) -> Result<(), DaemonError> {
        self.inquiry.configure(config)?;
        self.dnsbl.configure(config.dnsbl.clone());
        let problem = self.resolver.reload(&config.dns).err();
        if let Some(error) = &problem {
            tracing::error!(%error, "cannot tell the name servers; the former ones are asked");
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
            tracing::error!(%error, "cannot take in what DNS said");
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
        let host = Network::host(address);
        let known = evidence::finding_of(&self.ledger.history(), source).await;
        // None is on record of what is never listed.
        let dns = known.map_err(refused)?.unwrap_or(asked);
        let mut dns: crate::control::api::DnsFinding = dns.into();
        dns.address = address;
        Ok(LookedUp {
            dns,
            listings: self
                .ledger
                .book()
                .covering(host)
                .filter(evidence::rests_on_dns)
                .map(Into::into)
                .collect(),
        })
    }

    async fn take_dns(
        &mut self,
        mut findings: Vec<Finding>,
        samples: &[Sample],
        by: &str,
    ) -> Result<(), ServiceError> {
        // What such a list said comes late where the name took long to tell.
        for finding in &mut findings {
            let doubted = |list: &str| self.doubted.iter().any(|name| name.as_str() == list);
            finding
                .answers
                .retain(|one| one.codes.is_empty() || !doubted(&one.list));
        }
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
    /// one of the `patterns`: an operator has said something of them. The first of them at once, and
    /// before all that wait already, the others in the loop ([`Writer::judge_some`]).
    pub(super) async fn judge_again(
        &mut self,
        networks: &[Network],
        patterns: &[Pattern],
    ) -> Result<(), ServiceError> {
        let keys = evidence::findings_of(&self.ledger.history(), networks, patterns).await;
        for key in keys.map_err(refused)?.into_iter().rev() {
            self.to_judge.push_front(key);
        }
        for _ in 0..AT_ONCE {
            self.judge_some().await?;
        }
        Ok(())
    }

    /// Judges some of those again that wait for it.
    pub(super) async fn judge_some(&mut self) -> Result<(), ServiceError> {
        let some = self.to_judge.len().min(PAGE);
        if some == 0 {
            return Ok(());
        }
        let keys: Vec<i64> = self.to_judge.range(..some).copied().collect();
        let before = self.ledger.book().clone();
        let ground = Ground {
            config: &self.config,
            rules: &self.rules,
            names: &self.names,
            overrides: &self.overrides,
        };
        let mut work = self.ledger.begin(Timestamp::now()).await.map_err(refused)?;
        let listed = evidence::judge_again(&mut work, &keys, ground).await;
        let listed = listed.map_err(refused)?;
        evidence::roll_up(&mut work, &self.config)
            .await
            .map_err(refused)?;
        let touched = work.commit(DAEMON).await.map_err(refused)?;
        // Only now: what cannot be stored waits for another turn.
        self.to_judge.drain(..some);
        self.follow(&before, &listed, &touched);
        Ok(())
    }

    /// Another configuration of what DNS is asked for: all that is listed for it is asked about
    /// again, and judged by it before that.
    pub(super) async fn reconsider(&mut self) -> Result<(), ServiceError> {
        let mut work = self.ledger.begin(Timestamp::now()).await.map_err(refused)?;
        let keys = evidence::ask_all_again(&mut work).await.map_err(refused)?;
        work.commit(DAEMON).await.map_err(refused)?;
        self.to_judge.extend(keys);
        Ok(())
    }

    /// Asks DNS about an address that has come, or of which something was said.
    pub(super) fn seen(&self, address: IpAddr) {
        if worth_asking(self.ledger.book(), &self.rules, address) {
            self.inquiry.seen(address);
        }
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
                    tracing::warn!(list = %list.name, sources, %since, "withdrew what a DNSBL said");
                    self.doubted.insert(list.name);
                }
                Err(error) => {
                    tracing::error!(%error, "cannot withdraw what a DNSBL said; it will be tried again");
                }
            }
        }
    }

    async fn take_back(&mut self, list: &ListName, from: Timestamp) -> Result<usize, ServiceError> {
        let heard = evidence::heard_of(&self.ledger.history(), list.as_str(), from).await;
        let mut sources = 0;
        for heard in heard.map_err(refused)?.chunks(PAGE) {
            let before = self.ledger.book().clone();
            let ground = Ground {
                config: &self.config,
                rules: &self.rules,
                names: &self.names,
                overrides: &self.overrides,
            };
            let mut work = self.ledger.begin(Timestamp::now()).await.map_err(refused)?;
            let heard = heard.to_vec();
            let taken = evidence::withdraw(&mut work, heard, list.as_str(), from, ground).await;
            sources += taken.map_err(refused)?;
            evidence::roll_up(&mut work, &self.config)
                .await
                .map_err(refused)?;
            let touched = work.commit(DAEMON).await.map_err(refused)?;
            self.follow(&before, &[], &touched);
        }
        Ok(sources)
    }

    /// Tells what was listed, and enforces what changed since `before`.
    fn follow(&mut self, before: &Book, listed: &[Listing], touched: &[Network]) {
        for listing in listed {
            let (network, reason) = (listing.network, listing.reason.code());
            let evidence = listing.evidence.as_deref().unwrap_or_default();
            tracing::info!(%network, reason, evidence, "listed network for what DNS says");
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
}

/// Asks again and again about those whose time has come, as long as it is let run; a flood is waited
/// out.
pub(super) async fn keep_asking(view: Arc<ArcSwap<View>>, inquiry: Inquiry) {
    loop {
        time::sleep(ASK_AGAIN).await;
        let view = view.load_full();
        if !view.config.lookup.enabled || view.flood.cause.is_some() {
            continue;
        }
        match evidence::due(&view.history, Timestamp::now(), AGAIN).await {
            Ok(due) => inquiry.again(&due),
            Err(error) => tracing::error!(%error, "cannot read who is to be asked about again"),
        }
    }
}

/// Whether DNS is to be asked about `address`: not where it passes whatever DNS says, and not of
/// networks like this one's own.
pub(super) fn worth_asking(book: &Book, rules: &Rules, address: IpAddr) -> bool {
    let host = Network::host(address);
    !rules.protects(host) && !is_private(address) && !book.allows_all_of(host)
}

/// Whether `address` is of a network that every site may have (RFC 1918, RFC 6598, RFC 4193): the DNS
/// of others tells nothing of it.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private() || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(v6) => v6.is_unique_local(),
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
        let mut listings = view.book.covering(Network::host(address));
        let listing = listings.find(evidence::rests_on_dns)?;
        if !view.config.lookup.enabled {
            return None;
        }
        let mut finding = self.lookups.inquiry.ask(address).await;
        // To ask for a removal is not to come.
        finding.seen = listing.since;
        Some(finding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_addresses_every_site_may_have() {
        for (address, expected) in [
            ("10.1.2.3", true),
            ("172.31.0.1", true),
            ("172.32.0.1", false),
            ("192.168.1.1", true),
            ("100.64.0.1", true),
            ("100.128.0.1", false),
            ("::ffff:10.1.2.3", true),
            ("fd00::1", true),
            ("2001:db8::1", false),
            ("192.0.2.7", false),
        ] {
            assert_eq!(is_private(address.parse().unwrap()), expected, "{address}");
        }
    }
}
