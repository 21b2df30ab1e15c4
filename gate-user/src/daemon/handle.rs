//! The daemon as the control API sees it: readers take the snapshot, writers ask the writer.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use gate_common::Mode;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::{
    answer, explain, listings,
    lookup::Lookups,
    policy::{self, Policy},
    reports::Hear,
    request::{Changed, Handed, Reply, Request},
    rules,
    series::Samples,
    top::TopSources,
    view::View,
};
use crate::{
    book::{Change, Standing},
    config::FloodMode,
    control::{
        Caller, Service, ServiceError,
        api::{
            Allow, AllowEntries, AllowName, Allowed, Block, BlockName, Blocked, Check, Complained,
            ComplaintQuery, Complaints, ComplaintsQuery, Connections, ConnectionsQuery,
            DecideRemoval, Detached, Disallow, Disallowed, DnsblLists, DnsblTest, EndName,
            EndOverride, Evidence, EvidenceTaken, Explanation, Export, Feed, Feeds as FeedList,
            Filter, Flood, Flushed, History, Import, Imported, Judged, Latest, LatestQuery,
            Listings, LookedUp, MAX_CONTACT, ModeState, NameCheck, NameHistory, NameHistoryQuery,
            NameSet, Names, NamesEnded, OverrideHistory, OverrideHistoryQuery, OverrideSet,
            Overrides, OverridesEnded, PolicyState, Reloaded, Removal, RemovalRequest, Removals,
            RemovalsQuery, ReplayQuery, Replayed, RollUp, RolledUp, Series, SetOverride, Stats,
            Status, Top, Unblock, Unblocked, Verdict, VerdictQuery, Verdicts, VerdictsQuery,
            convert,
        },
    },
    evidence::{
        Taken,
        intake::{Counts, Desk},
    },
    feeds::{FeedStatus, Feeds},
    metrics,
    network::Network,
    plan,
    rollup::Step,
    web::entrance::Troubles,
};

/// The longest note, in bytes.
const MAX_NOTE: usize = 2000;

/// The daemon, for whoever asks. Reading never waits for the writer.
#[derive(Clone, Debug)]
pub struct Handle {
    view: Arc<ArcSwap<View>>,
    requests: mpsc::Sender<Request>,
    pub(super) feeds: Feeds,
    top: Arc<Mutex<TopSources>>,
    samples: Samples,
    pub(super) hear: Hear,
    pub(super) desk: Arc<Desk>,
    pub(super) lookups: Lookups,
    pub(super) policy: Arc<Policy>,
    /// Where a page cannot be served.
    pub(super) troubles: Troubles,
}

impl Handle {
    pub(super) fn new(
        view: Arc<ArcSwap<View>>,
        requests: mpsc::Sender<Request>,
        feeds: Feeds,
        top: Arc<Mutex<TopSources>>,
        hear: Hear,
        desk: Arc<Desk>,
        lookups: Lookups,
    ) -> Self {
        let policy = policy::service(&view, &lookups);
        let samples = Samples::default();
        tokio::spawn(samples.clone().go_on(Arc::clone(&view)));
        Self {
            view,
            requests,
            feeds,
            top,
            samples,
            hear,
            desk,
            lookups,
            policy,
            troubles: Troubles::default(),
        }
    }

    /// How the gate stands, with what an operator should look at.
    pub(super) fn state(
        &self,
        feeds: &[FeedStatus],
        handed_in: Counts,
        missed: u64,
    ) -> Result<Status, ServiceError> {
        let mut status = answer::status(&self.view(), feeds, handed_in, missed, &self.lookups)?;
        status.warnings.extend(self.troubles.told());
        Ok(status)
    }

    pub(super) fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Asks the writer, and waits for its answer.
    pub(super) async fn ask<T>(
        &self,
        request: impl FnOnce(Reply<T>) -> Request,
    ) -> Result<T, ServiceError> {
        let (reply, answer) = oneshot::channel();
        let stopping = || ServiceError::Unavailable("gated is stopping".to_owned());
        self.requests
            .send(request(reply))
            .await
            .map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?
    }

    /// Takes evidence in; what is told of it is stored.
    pub(super) async fn take(
        &self,
        records: Vec<crate::evidence::Evidence>,
        by: String,
    ) -> Result<Taken, ServiceError> {
        self.ask(|reply| Request::Evidence(Handed { records, by, reply }))
            .await
    }

    /// Has the writer change the book.
    pub(super) async fn change(
        &self,
        changes: Vec<Change>,
        by: &Caller,
    ) -> Result<Changed, ServiceError> {
        let by = by.to_string();
        self.ask(|reply| Request::Change { changes, by, reply })
            .await
    }
}

/// When what begins now and lasts `duration` ends.
pub(super) fn end(
    duration: Option<std::time::Duration>,
) -> Result<Option<Timestamp>, ServiceError> {
    duration
        .map(|duration| {
            Timestamp::now().checked_add(duration).map_err(|_| {
                ServiceError::BadRequest(
                    "it would end after the year 9999: leave the time out to list for good"
                        .to_owned(),
                )
            })
        })
        .transpose()
}

/// How many are shown at most, of which 0 means all.
pub(super) fn limit(limit: u32) -> u32 {
    if limit == 0 { u32::MAX } else { limit }
}

impl Service for Handle {
    async fn status(&self) -> Result<Status, ServiceError> {
        self.state(
            &self.feeds.status(),
            self.desk.counts(),
            self.hear.opened.missed(),
        )
    }

    async fn check(&self, address: IpAddr) -> Result<Check, ServiceError> {
        answer::check(&self.view(), address)
    }

    async fn block(&self, request: Block, by: &Caller) -> Result<Blocked, ServiceError> {
        listings::block(self, request, by).await
    }

    async fn unblock(&self, request: Unblock, by: &Caller) -> Result<Unblocked, ServiceError> {
        listings::unblock(self, request, by).await
    }

    async fn allow(&self, request: Allow, by: &Caller) -> Result<Allowed, ServiceError> {
        listings::allow(self, request, by).await
    }

    async fn disallow(&self, request: Disallow, by: &Caller) -> Result<Disallowed, ServiceError> {
        listings::disallow(self, request, by).await
    }

    async fn list(&self, filter: Filter) -> Result<Listings, ServiceError> {
        Ok(answer::listings(&self.view().book, &filter))
    }

    async fn allow_list(&self, filter: Filter) -> Result<AllowEntries, ServiceError> {
        Ok(answer::allow_entries(&self.view().book, &filter))
    }

    async fn history(&self, network: Network, limit: usize) -> Result<History, ServiceError> {
        listings::history(self, network, limit).await
    }

    async fn stats(&self) -> Result<Stats, ServiceError> {
        answer::stats(&self.view())
    }

    async fn series(&self) -> Result<Series, ServiceError> {
        Ok(self.samples.series())
    }

    async fn latest(&self, query: LatestQuery) -> Result<Latest, ServiceError> {
        listings::latest(self, query).await
    }

    async fn metrics(&self) -> Result<String, ServiceError> {
        Ok(metrics::text(self.reading()?))
    }

    async fn top(&self, limit: usize) -> Result<Top, ServiceError> {
        let top = self.top.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(answer::top(&top, self.view().config.gate.sample, limit))
    }

    async fn connections(&self, query: ConnectionsQuery) -> Result<Connections, ServiceError> {
        answer::connections(&self.view(), &query)
    }

    async fn mode(&self) -> Result<ModeState, ServiceError> {
        let view = self.view();
        Ok(ModeState {
            mode: view.mode,
            configured: view.config.gate.mode,
        })
    }

    async fn set_mode(&self, mode: Mode, by: &Caller) -> Result<ModeState, ServiceError> {
        let by = by.to_string();
        self.ask(|reply| Request::SetMode { mode, by, reply }).await
    }

    async fn flood(&self) -> Result<Flood, ServiceError> {
        Ok(answer::flood(&self.view()))
    }

    async fn set_flood(&self, mode: FloodMode, by: &Caller) -> Result<Flood, ServiceError> {
        let by = by.to_string();
        self.ask(|reply| Request::SetFlood { mode, by, reply })
            .await?;
        self.flood().await
    }

    async fn feeds(&self) -> Result<FeedList, ServiceError> {
        Ok(FeedList {
            feeds: self
                .feeds
                .status()
                .iter()
                .cloned()
                .map(Into::into)
                .collect(),
        })
    }

    async fn reload_feed(&self, name: &str, by: &Caller) -> Result<Feed, ServiceError> {
        let status = self.feeds.reload(name).await;
        let status = status.map_err(|error| ServiceError::NotFound(error.to_string()))?;
        tracing::info!(feed = name, %by, "reloaded feed");
        Ok(status.into())
    }

    async fn dnsbl(&self) -> Result<DnsblLists, ServiceError> {
        let lists = self.lookups.dnsbl.status();
        Ok(DnsblLists {
            lists: lists.into_iter().map(Into::into).collect(),
        })
    }

    async fn test_dnsbl(&self, address: IpAddr) -> Result<DnsblTest, ServiceError> {
        Ok(self.lookups.dnsbl.test(address).await.into())
    }

    async fn import(&self, request: Import, by: &Caller) -> Result<Imported, ServiceError> {
        listings::import(self, request, by).await
    }

    async fn export(&self) -> Result<Export, ServiceError> {
        let view = self.view();
        Ok(plan::table(&view.book, &view.rules))
    }

    async fn reload(&self, by: &Caller) -> Result<Reloaded, ServiceError> {
        let by = by.to_string();
        self.ask(|reply| Request::Reload { by, reply }).await
    }

    async fn detach(&self, by: &Caller) -> Result<Detached, ServiceError> {
        let by = by.to_string();
        self.ask(|reply| Request::Detach { by, reply }).await
    }

    async fn flush(&self, by: &Caller) -> Result<Flushed, ServiceError> {
        listings::flush(self, by).await
    }

    async fn explain(&self, address: IpAddr) -> Result<Explanation, ServiceError> {
        explain::explain(&self.view(), address).await
    }

    async fn lookup(&self, address: IpAddr, by: &Caller) -> Result<LookedUp, ServiceError> {
        self.look_up(address, by.to_string()).await
    }

    async fn complaints(&self, query: ComplaintsQuery) -> Result<Complaints, ServiceError> {
        explain::complaints(&self.view().history, query).await
    }

    async fn take_evidence(
        &self,
        request: Evidence,
        by: &Caller,
    ) -> Result<EvidenceTaken, ServiceError> {
        let now = Timestamp::now();
        let records = request.records.iter().map(|one| convert::record(one, now));
        let taken = self.take(records.collect(), by.to_string()).await?;
        Ok(convert::taken(taken))
    }

    async fn complaint(
        &self,
        mail: Vec<u8>,
        query: ComplaintQuery,
        by: &Caller,
    ) -> Result<Complained, ServiceError> {
        self.take_complaint(&mail, query, &by.to_string()).await
    }

    async fn verdicts(&self, lines: Vec<u8>, by: Option<&Caller>) -> Result<Judged, ServiceError> {
        let by = by.map_or_else(|| "HTTP".to_owned(), ToString::to_string);
        self.take_verdicts(&lines, &by).await
    }

    async fn roll_up(&self, request: RollUp, by: &Caller) -> Result<RolledUp, ServiceError> {
        let view = self.view();
        let steps = explain::steps(&view.book, &view.history, &view.config).await?;
        let of = |wanted| {
            let chosen = steps.iter().filter(move |(_, step)| *step == wanted);
            chosen.map(|(state, _)| state.network).collect::<Vec<_>>()
        };
        let (entered, left) = (of(Step::Enter), of(Step::Leave));
        let networks = if request.dry_run {
            steps.into_iter().map(|(state, _)| state).collect()
        } else {
            let by = by.to_string();
            self.ask(|reply| Request::RollUp { by, reply }).await?
        };
        Ok(RolledUp {
            entered,
            left,
            networks,
        })
    }

    async fn removals(&self, query: RemovalsQuery) -> Result<Removals, ServiceError> {
        explain::removals(&self.view().history, query).await
    }

    async fn request_removal(
        &self,
        request: RemovalRequest,
        by: &Caller,
    ) -> Result<Removal, ServiceError> {
        for (what, text, max) in [
            ("contact", &request.contact, MAX_CONTACT),
            ("note", &request.note, MAX_NOTE),
        ] {
            let length = text.as_ref().map_or(0, String::len);
            if length > max {
                let message = format!("{what} is {length} bytes long: {max} are the most");
                return Err(ServiceError::BadRequest(message));
            }
        }
        let by = by.clone();
        let finding = self.asked_again(request.address).await;
        let asked = self.ask(|reply| Request::Removal {
            request,
            finding,
            by,
            reply,
        });
        let id = asked.await?;
        explain::removal(&self.view().history, id).await
    }

    async fn verdict(&self, query: VerdictQuery) -> Result<Verdict, ServiceError> {
        policy::verdict(&self.policy, query).await
    }

    async fn verdicts_of(&self, query: VerdictsQuery) -> Result<Verdicts, ServiceError> {
        policy::verdicts(&self.policy, query).await
    }

    async fn replay_policy(&self, query: ReplayQuery) -> Result<Replayed, ServiceError> {
        policy::replay(&self.policy, query).await
    }

    async fn policy(&self) -> Result<PolicyState, ServiceError> {
        Ok(policy::state(&self.policy))
    }

    async fn decide_removal(
        &self,
        request: DecideRemoval,
        by: &Caller,
    ) -> Result<Removal, ServiceError> {
        let DecideRemoval { id, grant } = request;
        let by = by.to_string();
        self.ask(|reply| Request::DecideRemoval {
            id,
            grant,
            by,
            reply,
        })
        .await?;
        explain::removal(&self.view().history, id).await
    }

    async fn names(&self) -> Result<Names, ServiceError> {
        let names = &self.view().names;
        Ok(Names {
            names: names.roster().iter().map(Into::into).collect(),
        })
    }

    async fn block_name(&self, request: BlockName, by: &Caller) -> Result<NameSet, ServiceError> {
        self.enter_blocked_name(request, by.to_string()).await
    }

    async fn allow_name(&self, request: AllowName, by: &Caller) -> Result<NameSet, ServiceError> {
        self.enter_allowed_name(request, by.to_string()).await
    }

    async fn unblock_name(
        &self,
        request: EndName,
        by: &Caller,
    ) -> Result<NamesEnded, ServiceError> {
        let listed = |standing| standing != Standing::Allowed;
        self.end_names(request, "blocks", listed, by.to_string())
            .await
    }

    async fn disallow_name(
        &self,
        request: EndName,
        by: &Caller,
    ) -> Result<NamesEnded, ServiceError> {
        let allowed = |standing| standing == Standing::Allowed;
        self.end_names(request, "allows", allowed, by.to_string())
            .await
    }

    async fn check_name(&self, name: String) -> Result<NameCheck, ServiceError> {
        Ok(rules::check_name(&self.view(), name))
    }

    async fn name_history(&self, query: NameHistoryQuery) -> Result<NameHistory, ServiceError> {
        self.past_names(query).await
    }

    async fn overrides(&self) -> Result<Overrides, ServiceError> {
        let overrides = &self.view().overrides;
        Ok(Overrides {
            overrides: overrides.roster().iter().map(Into::into).collect(),
        })
    }

    async fn set_override(
        &self,
        request: SetOverride,
        by: &Caller,
    ) -> Result<OverrideSet, ServiceError> {
        self.enter_override(request, by.to_string()).await
    }

    async fn end_override(
        &self,
        request: EndOverride,
        by: &Caller,
    ) -> Result<OverridesEnded, ServiceError> {
        self.end_overrides(request, by.to_string()).await
    }

    async fn override_history(
        &self,
        query: OverrideHistoryQuery,
    ) -> Result<OverrideHistory, ServiceError> {
        self.past_overrides(query).await
    }
}
