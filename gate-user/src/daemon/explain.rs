//! Answers about evidence, from the snapshot and from the store: nothing here waits for the
//! writer.

use std::{collections::BTreeMap, net::IpAddr};

use jiff::Timestamp;

use super::{answer, handle::limit, view::View};
use crate::{
    book::{Book, BookError, History, Listing, Scope},
    config::Config,
    control::{
        ServiceError,
        api::{
            Age, ComplaintOnRecord, Complaints, ComplaintsQuery, EvidenceKind, EvidenceOnRecord,
            Explanation, Removal, Removals, RemovalsQuery, RollupState, Traffic, WayOut,
        },
    },
    evidence::{self, NO_NAMES, Score, SourceEvidence},
    network::Network,
    policy::traffic,
    removal::{self, Decision, Filed, Ruling},
    rollup::{self, Candidate, Step},
};

/// Past listings that an explanation shows.
const PAST: u32 = 20;
const DAY: i64 = 86_400;

/// What the rules say to a removal request for an address.
pub(super) struct Judged {
    pub(super) evidence: SourceEvidence,
    pub(super) score: Score,
    pub(super) decision: Decision,
    /// None if nothing lists the address.
    pub(super) rulings: Vec<Ruling>,
}

impl Judged {
    /// Adds those of the listings `before` that `now` has no more, because DNS was asked again.
    pub(super) fn add_ended(&mut self, before: impl Iterator<Item = Listing>, now: &Book) {
        let ended = before.filter(|old| now.at(old.network).all(|listing| listing.id != old.id));
        self.rulings.extend(ended.map(|listing| Ruling {
            listing,
            decision: Decision::Granted,
            why: "DNS was asked again, and says it no more".to_owned(),
        }));
    }
}

fn failed(error: &BookError) -> ServiceError {
    ServiceError::Internal(error.to_string())
}

/// Judges `address` by its listings in `book` and the evidence on record.
pub(super) async fn judge(
    book: &Book,
    history: &History,
    address: IpAddr,
    config: &Config,
) -> Result<Judged, ServiceError> {
    let now = Timestamp::now();
    let source = Network::source(address);
    let found = evidence::of_source(history, source, now, config).await;
    let (evidence, score) = found.map_err(|error| failed(&error))?;
    let listings = book.covering(Network::host(address)).collect();
    let outlook = removal::outlook(&evidence, now, &config.score);
    let minimum = config.score.minimum;
    let (decision, rulings) = removal::decide(listings, &score, outlook, minimum);
    Ok(Judged {
        evidence,
        score,
        decision,
        rulings,
    })
}

/// How it came that `address` is listed, or is not, and what would change that.
pub(super) async fn explain(view: &View, address: IpAddr) -> Result<Explanation, ServiceError> {
    let address = address.to_canonical();
    let source = Network::source(address);
    let config = &view.config;
    let judged = judge(&view.book, &view.history, address, config).await?;
    let past = view.history.find(source, Scope::Exact, PAST).await;
    let finding = evidence::finding_of(&view.history, source).await;
    let finding = finding.map_err(|error| failed(&error))?;
    let mut states = Vec::new();
    for candidate in rollup::candidates(source, &config.rollup) {
        states.push(state(&view.book, &view.history, candidate, config).await?.0);
    }
    Ok(Explanation {
        check: answer::check(view, address)?,
        source,
        score: judged.score.value,
        minimum: config.score.minimum,
        reason: judged.score.reason,
        components: judged.score.components,
        evidence: on_record(&judged.evidence, Timestamp::now()),
        traffic: traffic_of(&view.history, source).await?,
        history: past
            .map_err(|error| failed(&error))?
            .into_iter()
            .map(Into::into)
            .collect(),
        dns: finding.map(Into::into),
        rollup: states,
        way_out: judged
            .rulings
            .into_iter()
            .map(|ruling| WayOut {
                network: ruling.listing.network,
                reason: ruling.listing.reason,
                decision: ruling.decision,
                why: ruling.why,
            })
            .collect(),
    })
}

/// What mail servers told of `source`.
async fn traffic_of(history: &History, source: Network) -> Result<Traffic, ServiceError> {
    let came = traffic::of_source(history, source).await;
    let came = came.map_err(|error| failed(&error))?;
    Ok(Traffic {
        connections: came.connections,
        messages: came.messages,
        // A correction may have come without what it corrects.
        recipients: came.recipients.max(0).unsigned_abs(),
        refused: came.refused,
    })
}

/// Evidence by kind and age.
fn on_record(evidence: &SourceEvidence, now: Timestamp) -> Vec<EvidenceOnRecord> {
    let mut found = BTreeMap::<(EvidenceKind, Age), (u64, Timestamp)>::new();
    let mut count = |kind, at: Timestamp, count: u64| {
        if count == 0 {
            return;
        }
        let age = match (now.as_second() - at.as_second()) / DAY {
            ..1 => Age::Day,
            1..7 => Age::Week,
            7.. => Age::Older,
        };
        let sum = found.entry((kind, age)).or_insert((0, at));
        *sum = (sum.0.saturating_add(count), sum.1.max(at));
    };
    for one in &evidence.complaints {
        let kind = if one.trap {
            EvidenceKind::Trap
        } else {
            EvidenceKind::Complaint
        };
        count(kind, one.at, one.incidents.into());
    }
    for sum in &evidence.sums {
        count(EvidenceKind::Complaint, sum.start, sum.complaints);
        count(EvidenceKind::Spam, sum.start, sum.spam);
        count(EvidenceKind::Ham, sum.start, sum.ham);
        count(EvidenceKind::Bounce, sum.start, sum.bounced);
    }
    found
        .into_iter()
        .map(|((kind, age), (count, last))| EvidenceOnRecord {
            kind,
            age,
            count,
            last,
        })
        .collect()
}

/// How `candidate` stands, and what is to be done about it.
async fn state(
    book: &Book,
    history: &History,
    candidate: Candidate,
    config: &Config,
) -> Result<(RollupState, Step), ServiceError> {
    let now = Timestamp::now();
    let mut state = rollup::state(book, candidate, NO_NAMES, now, &config.rollup);
    if state.step(&config.rollup) != Step::Enter {
        let names = evidence::names_of(history, &state).await;
        let names = names.map_err(|error| failed(&error))?;
        state = rollup::state(book, candidate, &names, now, &config.rollup);
    }
    let mut step = state.step(&config.rollup);
    let mut objection = None;
    if step == Step::Enter {
        let mail = evidence::mail_of(history, book, candidate.network, now, config).await;
        objection = mail
            .map_err(|error| failed(&error))?
            .objection(candidate.network, &config.rollup);
        if objection.is_some() {
            step = Step::Stay;
        }
    }
    let state = RollupState {
        network: candidate.network,
        listed: state.listed,
        recent: state.recent,
        needed: (candidate.needed < usize::MAX).then(|| state.needed()),
        rolled_up: state.rolled_up,
        objection,
    };
    Ok((state, step))
}

/// How each network stands that is rolled up, or has half of the sources that it takes.
pub(super) async fn rollups(
    book: &Book,
    history: &History,
    config: &Config,
) -> Result<Vec<RollupState>, ServiceError> {
    let steps = steps(book, history, config).await?;
    Ok(steps.into_iter().map(|(state, _)| state).collect())
}

/// The same with what is to be done about each.
pub(super) async fn steps(
    book: &Book,
    history: &History,
    config: &Config,
) -> Result<Vec<(RollupState, Step)>, ServiceError> {
    let mut steps = Vec::new();
    for candidate in rollup::all_candidates(book, &config.rollup) {
        let (state, step) = state(book, history, candidate, config).await?;
        if state.rolled_up || state.listed >= candidate.needed.div_ceil(2) {
            steps.push((state, step));
        }
    }
    Ok(steps)
}

/// The complaints on record that meet the query.
pub(super) async fn complaints(
    history: &History,
    query: ComplaintsQuery,
) -> Result<Complaints, ServiceError> {
    let network = query.network.map(|network| {
        let source = Network::source(network.address());
        if source.covers(network) {
            source
        } else {
            network
        }
    });
    let found = evidence::complaints(history, network, query.since, limit(query.limit)).await;
    let complaints = found.map_err(|error| failed(&error))?.into_iter();
    Ok(Complaints {
        complaints: complaints
            .map(|one| ComplaintOnRecord {
                at: one.at,
                address: one.address,
                reporter: one.reporter.to_string(),
                incidents: one.incidents,
                trap: one.trap,
            })
            .collect(),
    })
}

/// The removal requests that meet the query.
pub(super) async fn removals(
    history: &History,
    query: RemovalsQuery,
) -> Result<Removals, ServiceError> {
    let found = removal::find(history, query.id, query.decision, limit(query.limit)).await;
    Ok(Removals {
        removals: found
            .map_err(|error| failed(&error))?
            .into_iter()
            .map(shown)
            .collect(),
    })
}

fn shown(filed: Filed) -> Removal {
    let filing = filed.filing;
    Removal {
        id: filed.id,
        at: filed.at,
        address: filing.address,
        contact: filing.contact,
        note: filing.note,
        asked_by: filed.asked_by,
        decision: filing.decision,
        explanation: filing.explanation.lines().map(str::to_owned).collect(),
        score: filing.score,
        evidence: filing.evidence,
        decided: filed.decided,
        decided_by: filed.decided_by,
    }
}

/// The removal request of that number.
pub(super) async fn removal(history: &History, id: i64) -> Result<Removal, ServiceError> {
    let query = RemovalsQuery {
        id: Some(id),
        ..RemovalsQuery::default()
    };
    let found = removals(history, query).await?.removals.into_iter().next();
    found.ok_or_else(|| ServiceError::NotFound(format!("there is no removal request {id}")))
}
