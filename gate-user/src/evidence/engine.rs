//! From evidence to listings: what came in is stored, the sources it touches are scored, and what
//! follows for them and the networks around them is decided, all in one transaction.

mod ends;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use self::ends::{Subject, decide, ends};
use super::{
    model::{Evidence, Kind},
    record,
    score::{PtrClass, SourceEvidence, score},
    store::{self, seconds},
};
use crate::{
    book::{Book, BookError, Listing, Outcome, Work},
    config::Config,
    network::Network,
    plan::Rules,
    rollup::{self, Step},
};

/// The PTR names of a sample of a network of which none is on record.
pub const NO_NAMES: &[PtrClass] = &[];

/// How far a clock may be ahead, in seconds.
const AHEAD: i64 = 600;

/// What became of one record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It is stored, and counts.
    Taken,
    /// The same was stored before; it counts once.
    Repeated,
    /// It is not taken.
    Refused(Unfit),
}

/// Why a record is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// It happens later than now.
    #[error("its time is still to come")]
    Future,
    /// It would count nothing any more.
    #[error("it is older than the memory")]
    Old,
    /// It is about what is never listed.
    #[error("its address is never blocked: own, loopback, link-local, multicast or reserved")]
    Protected,
}

/// What came of records.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Taken {
    /// One for each record, in their order.
    pub fates: Vec<Fate>,
    /// The listings that are new or last longer now.
    pub listed: Vec<Listing>,
}

/// Takes `records` in: stores them, and applies to the book what follows.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn take(
    work: &mut Work<'_>,
    records: &[Evidence],
    config: &Config,
    rules: &Rules,
) -> Result<Taken, BookError> {
    let now = work.now();
    let mut fates = Vec::with_capacity(records.len());
    let mut fit = Vec::new();
    for (at, record) in records.iter().enumerate() {
        match fitness(record, now, config, rules) {
            Ok(key) => {
                fates.push(Fate::Repeated);
                fit.push((at, (key, record)));
            }
            Err(unfit) => fates.push(Fate::Refused(unfit)),
        }
    }
    let (places, rows): (Vec<_>, Vec<_>) = fit.into_iter().unzip();
    let added = store::add(work.connection(), &rows).await;
    let added = added.map_err(|source| work.failed("storing evidence", source))?;
    let mut touched = BTreeMap::<i64, bool>::new();
    for ((place, (key, record)), added) in places.into_iter().zip(rows).zip(added) {
        if added {
            fates[place] = Fate::Taken;
            // Good mail lists nobody: a source that the postmaster let go, or that was quiet long
            // enough, is not listed again before something speaks against it anew.
            let complained = match record.kind() {
                Kind::Ham { .. } => continue,
                Kind::Complaint { .. } => true,
                Kind::Spam { .. } | Kind::Bounce { .. } => false,
            };
            *touched.entry(key).or_default() |= complained;
        }
    }
    let listed = judge(work, &touched, config).await?;
    Ok(Taken { fates, listed })
}

/// The number of the record's source, if the record is to be taken.
fn fitness(
    record: &Evidence,
    now: Timestamp,
    config: &Config,
    rules: &Rules,
) -> Result<i64, Unfit> {
    let age = now.as_second() - record.at().as_second();
    let memory = match record.kind() {
        Kind::Complaint { .. } => seconds(config.score.complaint_window),
        _ => store::fresh_mail(&config.score),
    };
    let host = Network::host(record.address());
    if age < -AHEAD {
        Err(Unfit::Future)
    } else if age > memory {
        Err(Unfit::Old)
    } else if rules.protects(host) {
        Err(Unfit::Protected)
    } else {
        store::key(record.source()).ok_or(Unfit::Protected)
    }
}

/// Scores the sources that something speaks against, told by their numbers and whether that is a
/// complaint, and lists those that are to be listed.
pub(super) async fn judge(
    work: &mut Work<'_>,
    touched: &BTreeMap<i64, bool>,
    config: &Config,
) -> Result<Vec<Listing>, BookError> {
    let keys: Vec<i64> = touched.keys().copied().collect();
    let now = work.now();
    let found = record::of(work.connection(), &keys, now, config).await;
    let mut found = found.map_err(|source| work.failed("reading evidence", source))?;
    let mut due = Vec::new();
    for (&key, &complained) in touched {
        let source = store::source(key);
        let mut evidence = found.remove(&key).unwrap_or_default();
        evidence.credit = credit(source, config);
        let score = score(&evidence, now, &config.score);
        let subject = Subject {
            source,
            complained,
            score: &score,
            evidence: &evidence,
        };
        if let Some(end) = decide(work.book(), &subject) {
            due.push((source, end, score.to_string()));
        }
    }
    let changes = ends(work, due, config).await?;
    let outcomes = work.apply(changes)?;
    Ok(outcomes
        .into_iter()
        .filter_map(Outcome::into_listing)
        .collect())
}

/// Applies what the changes so far mean for the networks around what they touched: rollups begin
/// and end.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn roll_up(work: &mut Work<'_>, config: &Config) -> Result<(), BookError> {
    let touched = work.touched().to_vec();
    let ended: Vec<_> = touched
        .iter()
        .flat_map(|&network| rollup::unshelter(work.book(), network))
        .collect();
    work.apply(ended)?;
    if !rollup::concerns(work.book()) {
        return Ok(());
    }
    let candidates: Vec<_> = touched
        .iter()
        .flat_map(|&network| rollup::candidates(network, &config.rollup))
        .collect();
    roll_up_all(work, candidates, config).await
}

/// Looks at each of `candidates`, the narrowest first: begins and ends what is to begin and end.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn roll_up_all(
    work: &mut Work<'_>,
    mut candidates: Vec<rollup::Candidate>,
    config: &Config,
) -> Result<(), BookError> {
    candidates
        .sort_unstable_by_key(|one| (std::cmp::Reverse(one.network.prefix_len()), one.network));
    candidates.dedup();
    for candidate in candidates {
        let now = work.now();
        let mut state = rollup::state(work.book(), candidate, NO_NAMES, now, &config.rollup);
        if state.step(&config.rollup) != Step::Enter {
            let names = record::names(work.connection(), &state).await;
            let names = names.map_err(|source| work.failed("reading a sample", source))?;
            state = rollup::state(work.book(), candidate, &names, now, &config.rollup);
        }
        let changes = match state.step(&config.rollup) {
            Step::Stay => continue,
            Step::Leave => rollup::leave(work.book(), candidate.network),
            Step::Enter => {
                let found = record::within(work.connection(), candidate.network, now, config).await;
                let found = found.map_err(|source| work.failed("reading evidence", source))?;
                let evidence = found.into_iter().map(|(key, is)| (store::source(key), is));
                let mail = mail(work.book(), candidate.network, evidence, now, config);
                if let Some(objection) = mail.objection(candidate.network, &config.rollup) {
                    tracing::info!(network = %candidate.network, why = objection, "refused to roll a network up");
                    continue;
                }
                rollup::enter(work.book(), state, &mail)
            }
        };
        work.apply(changes)?;
    }
    Ok(())
}

/// The mail of `network`, of whose sources `evidence` is on record.
pub(super) fn mail(
    book: &Book,
    network: Network,
    evidence: impl Iterator<Item = (Network, SourceEvidence)>,
    now: Timestamp,
    config: &Config,
) -> rollup::Mail {
    let registered = config.score.registered.iter().copied();
    let registered = registered.filter(|one| network.covers(*one) || one.covers(network));
    let mut mail = rollup::Mail {
        clean: registered.collect(),
        ..rollup::Mail::default()
    };
    let from = now.as_second() - seconds(config.rollup.window);
    for (source, mut evidence) in evidence {
        evidence.credit = credit(source, config);
        let recent = evidence
            .sums
            .iter()
            .filter(|sum| sum.start.as_second() + i64::from(sum.length) > from);
        let (ham, all) = recent.fold((0_u64, 0_u64), |(ham, all), sum| {
            let bad = sum.spam.saturating_add(sum.bounced);
            let good = sum.ham;
            (
                ham.saturating_add(good),
                all.saturating_add(good).saturating_add(bad),
            )
        });
        mail.all = mail.all.saturating_add(all);
        let listed = book.listed_within(source).any(rollup::speaks_against);
        // Who sent no good mail is unknown, and no more: a score of 50 is no standing.
        let known = evidence.sums.iter().any(|sum| sum.ham > 0);
        if known
            && !listed
            && score(&evidence, now, &config.score).value >= config.rollup.good_score
        {
            mail.good = mail.good.saturating_add(ham);
            mail.clean.push(source);
        }
    }
    mail.clean.sort_unstable();
    mail.clean.dedup();
    mail
}

/// An operator's credit for `source`.
pub(super) fn credit(source: Network, config: &Config) -> u8 {
    let registered = &config.score.registered;
    if registered.iter().any(|network| network.covers(source)) {
        config.score.registered_points
    } else {
        0
    }
}

/// That many seconds later.
pub(super) fn after(time: Timestamp, seconds: i64) -> Timestamp {
    let later = time.saturating_add(SignedDuration::from_secs(seconds));
    later.unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
