//! Taking findings in: what is on record of each source is completed and judged, and what follows
//! is applied to the book, all in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use gate_common::Reason;
use jiff::Timestamp;

use super::{
    judge::{Case, Word, by_lists, by_name},
    model::{Finding, Sample},
    store::{self, Row},
};
use crate::{
    book::{Book, BookError, Change, History, Listing, NewListing, Origin, Outcome, Work},
    config::Config,
    evidence::{
        engine::{after, judge, roll_up_all},
        store::seconds,
    },
    names::{Names, Pattern},
    network::Network,
    overrides::Overrides,
    plan::Rules,
    rollup,
};

/// What findings are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Who is never listed.
    pub rules: &'a Rules,
    /// What operators have said of names.
    pub names: &'a Names,
    /// What operators have said of DNSBLs.
    pub overrides: &'a Overrides,
}

/// Takes `findings` in; returns the listings that are new, and those for a score that last longer.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn take_findings(
    work: &mut Work<'_>,
    findings: Vec<Finding>,
    ground: Ground<'_>,
) -> Result<Vec<Listing>, BookError> {
    let now = work.now();
    let since = oldest(now, ground.config);
    // Of a source that was asked about twice the last counts.
    let findings: BTreeMap<i64, Finding> = findings
        .into_iter()
        .filter(|finding| !is_protected(finding, ground.rules))
        .filter_map(|finding| Some((store::key_of(&finding)?, finding)))
        .collect();
    let keys: Vec<i64> = findings.keys().copied().collect();
    let former = store::load(work.connection(), &keys).await;
    let mut former = former.map_err(|source| work.failed("reading findings", source))?;
    let (mut rows, mut changes, mut worse) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (key, mut finding) in findings {
        let burden = |finding: &Finding| finding.burden(ground.config.score.ptr_points);
        let mut before = 0;
        if let Some(former) = former.remove(&key) {
            before = burden(&former);
            finding.complete(former, since);
        }
        for answer in &mut finding.answers {
            let by = ground.overrides.covers(finding.address, &answer.list);
            answer.overridden = by.is_some();
        }
        let cases = cases(work.book(), &finding, ground);
        let again = (!cases.is_empty()).then(|| after(now, seconds(ground.config.lookup.recheck)));
        changes.extend(changes_for(work.book(), &finding, cases, ground.config));
        if burden(&finding) > before {
            worse.insert(key, false);
        }
        rows.push(Row {
            key,
            again,
            finding,
        });
    }
    let outcomes = work.apply(changes)?;
    store::put(work.connection(), &rows)
        .await
        .map_err(|source| work.failed("storing findings", source))?;
    let mut listed: Vec<Listing> = outcomes
        .into_iter()
        .filter_map(|outcome| match outcome {
            Outcome::Listed(listing) => Some(listing),
            _ => None,
        })
        .collect();
    // What DNS says lists nobody for spam by itself, but it may be the last straw.
    listed.extend(judge(work, &worse, ground.config).await?);
    Ok(listed)
}

/// Judges again what is on record of the sources in `networks`, and of those with a name that meets
/// one of the `patterns`: an operator has said something of them.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn judge_again(
    work: &mut Work<'_>,
    networks: &[Network],
    patterns: &[Pattern],
    ground: Ground<'_>,
) -> Result<Vec<Listing>, BookError> {
    let mut all = Vec::new();
    for &network in networks {
        let found = store::load_within(work.connection(), network).await;
        let found = found.map_err(|source| work.failed("reading findings", source))?;
        all.extend(found.into_values());
    }
    for pattern in patterns {
        let found = store::named(work.connection(), pattern).await;
        all.extend(found.map_err(|source| work.failed("reading findings", source))?);
    }
    take_findings(work, all, ground).await
}

/// Takes back what `list` has said since `since`: it lists everybody. Returns how many sources it
/// had listed, and the listings for a score that last longer.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn withdraw(
    work: &mut Work<'_>,
    list: &str,
    since: Timestamp,
    ground: Ground<'_>,
) -> Result<usize, BookError> {
    let now = work.now();
    let heard = store::heard_of(work.connection(), list, since).await;
    let heard = heard.map_err(|source| work.failed("reading findings", source))?;
    let mut doubted = Vec::new();
    for mut finding in heard {
        let mut said = finding.answers.iter_mut();
        let Some(answer) = said.find(|one| &*one.list == list && one.at >= since) else {
            continue;
        };
        if !answer.codes.is_empty() {
            answer.codes.clear();
            answer.text = None;
            (answer.weight, answer.points, answer.at) = (0, 0, now);
            doubted.push(finding);
        }
    }
    let count = doubted.len();
    take_findings(work, doubted, ground).await?;
    Ok(count)
}

/// Takes samples in, and looks whether their networks are to be rolled up now.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn take_samples(
    work: &mut Work<'_>,
    samples: &[Sample],
    config: &Config,
) -> Result<(), BookError> {
    for sample in samples {
        store::put_sample(work.connection(), sample)
            .await
            .map_err(|source| work.failed("storing a sample", source))?;
    }
    let of = |sample: &Sample| rollup::candidates(first_source(sample.network), &config.rollup);
    let candidates = samples
        .iter()
        .flat_map(|sample| of(sample).filter(|one| one.network == sample.network));
    roll_up_all(work, candidates.collect(), config).await
}

/// What is to be asked about again by `now`: at most `limit`.
///
/// # Errors
/// If the database cannot be read.
pub async fn due(history: &History, now: Timestamp, limit: u32) -> Result<Vec<Finding>, BookError> {
    let mut connection = history.connection().await?;
    let found = store::due(&mut connection, now, limit).await;
    found.map_err(|source| history.failed("reading findings", source))
}

/// Before this, what was told counts no more.
pub(in crate::evidence) fn oldest(now: Timestamp, config: &Config) -> Timestamp {
    after(now, -seconds(config.lookup.lapse_after))
}

fn first_source(network: Network) -> Network {
    Network::source(network.address())
}

fn is_protected(finding: &Finding, rules: &Rules) -> bool {
    let host = Network::host(finding.address);
    rules.protected().iter().any(|own| own.covers(host))
}

/// For what the source is to be listed. Nobody is who is allowed, or has not come for so long that
/// what is known of it need not be kept up.
fn cases(book: &Book, finding: &Finding, ground: Ground<'_>) -> Vec<Case> {
    let source = finding.source();
    if book.allows_all_of(source) || lapses(finding, ground.config) <= finding.at {
        return Vec::new();
    }
    let entry = finding.name().and_then(|name| ground.names.of(name));
    let word = entry.map(|entry| match entry.reason() {
        None => Word::Allow,
        Some(reason) => Word::Block {
            reason,
            pattern: entry.rule.pattern.as_str(),
        },
    });
    let by_lists = by_lists(finding, &ground.config.dnsbl);
    by_name(finding, word).into_iter().chain(by_lists).collect()
}

/// When what is listed for a finding ends, unless its source comes again.
fn lapses(finding: &Finding, config: &Config) -> Timestamp {
    after(finding.seen, seconds(config.lookup.lapse_after))
}

/// The changes that make the source's listings what follows from the finding, and no more.
fn changes_for(book: &Book, finding: &Finding, cases: Vec<Case>, config: &Config) -> Vec<Change> {
    let network = finding.source();
    let origin = |reason| match reason {
        Reason::Dnsbl => Origin::Dnsbl,
        _ => Origin::Ptr,
    };
    let wanted: BTreeSet<(Origin, Reason)> = cases
        .iter()
        .map(|&(reason, _)| (origin(reason), reason))
        .collect();
    let gone = book
        .at(network)
        .filter(|is| matches!(is.origin, Origin::Dnsbl | Origin::Ptr))
        .filter(|is| !wanted.contains(&(is.origin.clone(), is.reason)))
        .map(|is| Change::Unlist {
            network,
            origin: Some(is.origin),
            reason: Some(is.reason),
        });
    let expires = lapses(finding, config);
    let new = cases.into_iter().map(|(reason, evidence)| {
        Change::List(NewListing {
            network,
            reason,
            origin: origin(reason),
            comment: None,
            evidence: Some(evidence.into()),
            expires: Some(expires),
            force: false,
        })
    });
    gone.chain(new).collect()
}
