//! The postmaster's desk in the writer: evidence is taken in, requests are decided.
//!
//! In: records, requests and verdicts on them. Out: what became of each, stored with the listings
//! that follow, and enforced.

use std::{collections::BTreeSet, net::IpAddr};

use super::{
    reports::ReachedLimit,
    request::{Changed, Handed},
    told,
    writer::{DAEMON, Writer, refused},
};
use crate::{
    book::{Applied, Book, BookError, Change, Listing, NewListing, Origin, Outcome},
    control::{
        Caller, ServiceError,
        api::{RemovalRequest, RollupState},
    },
    evidence::{self, Evidence, Finding, Kind, Taken},
    limits,
    network::Network,
    policy::traffic::{self, Traffic},
    removal::{self, Decision, Filing, Ruling},
    rollup,
};

use gate_common::Reason;
use jiff::{SignedDuration, Timestamp};

/// How many steps of folding are made at a time.
const FOLDS: usize = 8;

impl Writer {
    /// Changes the book, and what follows from it. Stored before it is enforced, enforced before
    /// it is answered.
    pub(super) async fn change(
        &mut self,
        changes: Vec<Change>,
        by: &str,
    ) -> Result<Changed, ServiceError> {
        let before = self.ledger.book().clone();
        let mut work = self.ledger.begin(Timestamp::now()).await.map_err(refused)?;
        let outcomes = work.apply(changes).map_err(refused)?;
        evidence::pardon(&mut work, &ended(&outcomes))
            .await
            .map_err(refused)?;
        evidence::roll_up(&mut work, &self.config)
            .await
            .map_err(refused)?;
        let touched = work.commit(by).await.map_err(refused)?;
        // Also where the kernel lags behind: it is stored.
        told::book(&outcomes, by);
        self.carry_out(&before, &touched)?;
        Ok(Changed {
            applied: Applied { outcomes, touched },
            book: self.ledger.book().clone(),
        })
    }

    /// Takes notice that a source reached a limit, and lists it if that was once too often.
    pub(super) async fn take_limit(&mut self, report: ReachedLimit) {
        let (source, repeat) = (Network::source(report.source), self.config.limits.repeat);
        let now = Timestamp::now();
        let limit = report.limit.as_str();
        tracing::debug!(%source, limit, count = report.count, "limit reached");
        // Who is allowed is held to no limit (invariant 1), and nothing is held against him.
        let is_allowed = self.ledger.book().allow_covering(source).next().is_some();
        if is_allowed || !self.repeats.note(source, now, repeat) {
            return;
        }
        let evidence = format!(
            "{limit} reached {} times in {}, last with {} connections",
            repeat.count(),
            humantime::format_duration(repeat.time()),
            report.count
        );
        match self.list_for_limits(source, &evidence, now).await {
            Ok(()) => {
                tracing::info!(network = %source, reason = Reason::ConnLimit.code(), evidence, "listed network for its connections");
            }
            Err(error) => {
                tracing::error!(network = %source, %error, "cannot list a network for its connections");
            }
        }
    }

    async fn list_for_limits(
        &mut self,
        source: Network,
        evidence: &str,
        now: Timestamp,
    ) -> Result<(), ServiceError> {
        let (reason, origin) = (Reason::ConnLimit, Origin::Limits);
        let limits = &self.config.limits;
        let since =
            now.saturating_sub(SignedDuration::try_from(limits.repeat_within).unwrap_or_default());
        let before = self.ledger.book().clone();
        let mut work = self.ledger.begin(now).await.map_err(refused)?;
        let former = work
            .ended_listings(&[source], reason, &origin, since.unwrap_or(now))
            .await
            .map_err(refused)?;
        let former = former.get(&source).copied().unwrap_or(0);
        let expires = now.checked_add(limits::list_for(former, limits)).ok();
        let listing = NewListing {
            network: source,
            reason,
            origin,
            comment: None,
            evidence: Some(evidence.into()),
            expires,
            force: false,
        };
        work.apply(vec![Change::List(listing)]).map_err(refused)?;
        evidence::roll_up(&mut work, &self.config)
            .await
            .map_err(refused)?;
        let touched = work.commit(DAEMON).await.map_err(refused)?;
        self.carry_out(&before, &touched)
    }

    /// Takes evidence in, all that one caller handed in together, and tells each what became of
    /// his part.
    pub(super) async fn take_all(&mut self, waiting: Vec<Handed>) {
        let mut waiting = waiting.into_iter().peekable();
        while let Some(first) = waiting.next() {
            let by = first.by.clone();
            let mut together = vec![first];
            while let Some(next) = waiting.next_if(|next| next.by == by) {
                together.push(next);
            }
            let parts: Vec<&[Evidence]> = together.iter().map(|one| &one.records[..]).collect();
            let taken = self.take_evidence(&parts.concat(), &by).await;
            let mut told = 0;
            for handed in together {
                let part = told..told + handed.records.len();
                told = part.end;
                let taken = taken.as_ref().map_err(Clone::clone);
                // Whoever asked may have gone.
                let _ = handed.reply.send(taken.map(|taken| Taken {
                    fates: taken.fates[part].to_vec(),
                    listed: of(&handed.records, &taken.listed),
                }));
            }
        }
    }

    /// Takes evidence in. It is acknowledged once it is stored: the kernel is given what follows
    /// before that, but where it fails the next look at its table mends it.
    async fn take_evidence(
        &mut self,
        records: &[Evidence],
        by: &str,
    ) -> Result<Taken, ServiceError> {
        let before = self.ledger.book().clone();
        let mut work = self.ledger.begin(Timestamp::now()).await.map_err(refused)?;
        let taken = evidence::take(&mut work, records, &self.config, &self.rules)
            .await
            .map_err(refused)?;
        evidence::roll_up(&mut work, &self.config)
            .await
            .map_err(refused)?;
        let touched = work.commit(by).await.map_err(refused)?;
        self.want_samples(&taken.listed);
        for record in records {
            if !matches!(record.kind(), Kind::Ham { .. }) {
                self.seen(record.address());
            }
        }
        for listing in &taken.listed {
            let (network, reason) = (listing.network, listing.reason.code());
            let evidence = listing.evidence.as_deref().unwrap_or_default();
            tracing::info!(%network, reason, evidence, "listed network for its evidence");
        }
        if !touched.is_empty() {
            // Told by `enforce`, and shows in the status.
            let _ = self.carry_out(&before, &touched);
        }
        Ok(taken)
    }

    /// Stores what mail servers told of sources.
    pub(super) async fn keep_traffic(
        &mut self,
        came: &[(Network, Traffic)],
    ) -> Result<(), BookError> {
        let mut work = self.ledger.begin(Timestamp::now()).await?;
        traffic::keep(&mut work, came).await?;
        work.commit(DAEMON).await.map(|_| ())
    }

    /// Folds a part of the evidence that is too old to be told apart, and deletes requests that were
    /// decided long ago; returns whether there is more to fold.
    pub(super) async fn fold(&mut self) -> Result<bool, BookError> {
        for _ in 0..FOLDS {
            let mut work = self.ledger.begin(Timestamp::now()).await?;
            let more = evidence::fold(&mut work, &self.config).await?;
            removal::prune(&mut work, &self.config.removal).await?;
            work.commit(DAEMON).await?;
            if !more {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Looks at every network that may be rolled up.
    pub(super) async fn roll_up(&mut self, by: &str) -> Result<Vec<RollupState>, ServiceError> {
        let before = self.ledger.book().clone();
        let mut work = self.ledger.begin(Timestamp::now()).await.map_err(refused)?;
        let all = rollup::all_candidates(work.book(), &self.config.rollup);
        evidence::roll_up_all(&mut work, all, &self.config)
            .await
            .map_err(refused)?;
        let touched = work.commit(by).await.map_err(refused)?;
        tracing::info!(count = touched.len(), by, "rolled networks up");
        self.carry_out(&before, &touched)?;
        let (book, history) = (self.ledger.book().clone(), self.ledger.history());
        super::explain::rollups(&book, &history, &self.config).await
    }

    /// Decides a removal request by the rules, and carries out what it grants; tells its number.
    /// What DNS said when it was asked for it stays on record whatever becomes of the request, and
    /// is stored before, so that it counts in the score.
    pub(super) async fn request_removal(
        &mut self,
        request: RemovalRequest,
        finding: Option<Finding>,
        by: &Caller,
    ) -> Result<i64, ServiceError> {
        let visitor = match by {
            Caller::Visitor(address) => Some(address.to_canonical()),
            Caller::Peer { .. } | Caller::Token(_) => None,
        };
        let by = by.to_string();
        let address = request.address.to_canonical();
        let before = self.ledger.book().clone();
        if let Some(finding) = finding {
            self.look_up(finding, &by).await?;
        }
        let (asked, history) = (self.ledger.book().clone(), self.ledger.history());
        let mut judged = super::explain::judge(&asked, &history, address, &self.config).await?;
        judged.add_ended(before.covering(Network::host(address)), &asked);
        if judged.rulings.is_empty() {
            return Err(ServiceError::NotFound(format!("nothing lists {address}")));
        }
        let lines: Vec<_> = judged.rulings.iter().map(explained).collect();
        let filing = Filing {
            address,
            contact: request.contact,
            note: request.note,
            decision: judged.decision,
            explanation: lines.join("\n"),
            score: judged.score.value,
            evidence: judged.score.to_string(),
        };
        let mut work = self.ledger.begin(Timestamp::now()).await.map_err(refused)?;
        let filed = removal::file(&mut work, &filing, visitor, &by, &self.config.removal).await;
        let id = filed
            .map_err(refused)?
            .map_err(|limit| ServiceError::Conflict(limit.to_string()))?;
        let granted = judged.rulings.iter();
        let granted = granted.filter(|ruling| ruling.decision == Decision::Granted);
        let changes = granted.map(|ruling| end(&ruling.listing)).collect();
        work.apply(changes).map_err(refused)?;
        evidence::roll_up(&mut work, &self.config)
            .await
            .map_err(refused)?;
        let touched = work.commit(&by).await.map_err(refused)?;
        let decision = judged.decision.to_string();
        tracing::info!(id, source = %address, decision, by, "took removal request");
        self.carry_out(&asked, &touched)?;
        Ok(id)
    }

    /// Carries out the postmaster's word on a request that is not granted yet.
    pub(super) async fn decide_removal(
        &mut self,
        id: i64,
        grant: bool,
        by: &str,
    ) -> Result<(), ServiceError> {
        let found = removal::find(&self.ledger.history(), Some(id), None, 1).await;
        let found = found.map_err(refused)?.into_iter().next();
        let request = found
            .ok_or_else(|| ServiceError::NotFound(format!("there is no removal request {id}")))?;
        let decision = match (request.filing.decision, grant) {
            (Decision::Granted, _) | (Decision::Refused, false) => {
                let message = format!("request {id} is {} already", request.filing.decision);
                return Err(ServiceError::Conflict(message));
            }
            (_, true) => Decision::Granted,
            (_, false) => Decision::Refused,
        };
        let before = self.ledger.book().clone();
        let mut work = self.ledger.begin(Timestamp::now()).await.map_err(refused)?;
        let resolved = removal::resolve(&mut work, id, decision, by).await;
        resolved.map_err(refused)?;
        if grant {
            let changes = open(work.book(), request.filing.address);
            let outcomes = work.apply(changes).map_err(refused)?;
            evidence::pardon(&mut work, &ended(&outcomes))
                .await
                .map_err(refused)?;
            evidence::roll_up(&mut work, &self.config)
                .await
                .map_err(refused)?;
        }
        let touched = work.commit(by).await.map_err(refused)?;
        let (source, decision) = (request.filing.address, decision.to_string());
        tracing::info!(id, %source, decision, by, "decided removal request");
        self.carry_out(&before, &touched)
    }
}

/// The listings that somebody has ended by name.
fn ended(outcomes: &[Outcome]) -> Vec<Listing> {
    let ended = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Unlisted(ended) => Some(ended),
        _ => None,
    });
    ended.flatten().cloned().collect()
}

/// Those of `listed` that are about `records`.
fn of(records: &[Evidence], listed: &[Listing]) -> Vec<Listing> {
    let sources: BTreeSet<Network> = records.iter().map(Evidence::source).collect();
    let about = listed.iter().filter(|is| sources.contains(&is.network));
    about.cloned().collect()
}

/// A ruling in one line.
fn explained(ruling: &Ruling) -> String {
    let Ruling {
        listing,
        decision,
        why,
    } = ruling;
    let (network, reason) = (listing.network, listing.reason.code());
    format!("{network} {reason}: {decision}: {why}")
}

fn end(listing: &Listing) -> Change {
    Change::Unlist {
        network: listing.network,
        origin: Some(listing.origin.clone()),
        reason: Some(listing.reason),
    }
}

/// The changes that let `address` pass: its own listings end; of a rollup it is taken out, the
/// rest of the network stays. What others list is ended by them alone, and what an operator lists
/// around it by an operator.
fn open(book: &Book, address: IpAddr) -> Vec<Change> {
    let source = Network::source(address);
    book.covering(Network::host(address))
        .filter_map(|listing| match (&listing.origin, listing.reason) {
            (Origin::Feed(_) | Origin::Dnsbl, _) => None,
            (Origin::Rollup, Reason::Rollup) => {
                Some(Change::Allow(rollup::shelter(source, listing.network)))
            }
            _ if source.covers(listing.network) => Some(end(&listing)),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests;
