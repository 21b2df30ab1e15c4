//! Taking findings in: what is on record of each source is completed and judged, and what follows
//! is applied to the book, all in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use gate_common::Reason;
use jiff::Timestamp;

use super::{
    judge::{Case, Word, by_lists, by_name},
    model::{Finding, Sample, Standing},
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

/// When DNS is asked again that told nothing this time, at the latest.
const RETRY: i64 = 15 * 60;

/// Takes `findings` in; returns the listings that are new, and those for a score that last longer.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn take_findings(
    work: &mut Work<'_>,
    findings: Vec<Finding>,
    ground: Ground<'_>,
) -> Result<Vec<Listing>, BookError> {
    let (now, config) = (work.now(), ground.config);
    let since = oldest(now, config);
    // Of a source that was asked about twice the last counts.
    let findings: BTreeMap<i64, Finding> = findings
        .into_iter()
        .filter_map(|finding| Some((store::key_of(&finding)?, finding)))
        .collect();
    let keys: Vec<i64> = findings.keys().copied().collect();
    let former = store::load(work.connection(), &keys).await;
    let mut former = former.map_err(|source| work.failed("reading findings", source))?;
    let (mut rows, mut changes, mut worse) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut room = room_for_names(work.book(), config);
    for (key, mut finding) in findings {
        let burden = |finding: &Finding| finding.burden(config.score.ptr_points);
        let wait = seconds(config.lookup.recheck);
        let wait = if finding.tells_something() {
            wait
        } else {
            wait.min(RETRY)
        };
        let protected = ground.rules.protects(Network::host(finding.address));
        let mut before = 0;
        if let Some(former) = former.remove(&key) {
            before = burden(&former);
            finding.complete(former, since);
        } else if protected {
            // Nothing need be known of it. What is, from another time, is judged once more.
            continue;
        }
        let said = heed(&mut finding, ground);
        let mut cases = if protected {
            Vec::new()
        } else {
            cases(work.book(), &finding, said, now, config)
        };
        finding
            .pardoned
            .retain(|pardoned| cases.iter().any(|(reason, _)| reason == pardoned));
        cases.retain(|(reason, _)| !finding.pardoned.contains(reason));
        let is_listed = |reason, origin: &Origin| {
            let mut listed = work.book().at(finding.place_of(reason));
            listed.any(|is| is.origin == *origin)
        };
        cases.retain(|&(reason, _)| {
            let origin = origin_of(reason);
            if origin == Origin::Dnsbl || is_listed(reason, &origin) {
                return true;
            }
            let fits = room > 0;
            room = room.saturating_sub(1);
            fits
        });
        let again = (!cases.is_empty()).then(|| after(now, wait));
        changes.extend(changes_for(work.book(), &finding, cases, config));
        if burden(&finding) > before && !protected {
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
    listed.extend(judge(work, &worse, config).await?);
    Ok(listed)
}

/// Judges again what is on record of the sources of these numbers: an operator has said something
/// that is about them.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn judge_again(
    work: &mut Work<'_>,
    keys: &[i64],
    ground: Ground<'_>,
) -> Result<Vec<Listing>, BookError> {
    let found = store::load(work.connection(), keys).await;
    let found = found.map_err(|source| work.failed("reading findings", source))?;
    take_findings(work, found.into_values().collect(), ground).await
}

/// Takes back what `list` has said of `heard` since `since`: it lists everybody. Returns how many of
/// them it had listed.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn withdraw(
    work: &mut Work<'_>,
    heard: Vec<Finding>,
    list: &str,
    since: Timestamp,
    ground: Ground<'_>,
) -> Result<usize, BookError> {
    let now = work.now();
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

/// Notes that an operator has ended these listings: those that rest on what DNS says do not come back
/// before DNS has said otherwise.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn pardon(work: &mut Work<'_>, ended: &[Listing]) -> Result<(), BookError> {
    for listing in ended.iter().filter(|is| rests_on_dns(is)) {
        let source = Network::source(listing.network.address());
        store::pardon(work.connection(), source, listing.reason)
            .await
            .map_err(|source| work.failed("storing a pardon", source))?;
    }
    Ok(())
}

/// Whether a listing rests on what DNS says.
pub fn rests_on_dns(listing: &Listing) -> bool {
    matches!(listing.origin, Origin::Dnsbl | Origin::Ptr)
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

/// The numbers of the sources in `networks`, and of those whose name meets one of the `patterns`, of
/// which it is on record what DNS said.
///
/// # Errors
/// If the database cannot be read.
pub async fn findings_of(
    history: &History,
    networks: &[Network],
    patterns: &[Pattern],
) -> Result<Vec<i64>, BookError> {
    let mut connection = history.connection().await?;
    let found = store::keys_of(&mut connection, networks, patterns).await;
    found.map_err(|source| history.failed("reading findings", source))
}

/// The numbers of all sources that are asked about again and again, which from now on is due.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn ask_all_again(work: &mut Work<'_>) -> Result<Vec<i64>, BookError> {
    let now = work.now();
    let due = store::ask_all_again(work.connection(), now).await;
    due.map_err(|source| work.failed("reading findings", source))
}

/// What is on record of the sources about which `list` may have been heard since `since`.
///
/// # Errors
/// If the database cannot be read.
pub async fn heard_of(
    history: &History,
    list: &str,
    since: Timestamp,
) -> Result<Vec<Finding>, BookError> {
    let mut connection = history.connection().await?;
    let found = store::heard_of(&mut connection, list, since).await;
    found.map_err(|source| history.failed("reading findings", source))
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

/// How many more sources may be listed for their names.
fn room_for_names(book: &Book, config: &Config) -> usize {
    let listed = book.counts().of_origin(&Origin::Ptr);
    (config.lookup.most_listed as usize).saturating_sub(listed)
}

fn origin_of(reason: Reason) -> Origin {
    match reason {
        Reason::Dnsbl => Origin::Dnsbl,
        _ => Origin::Ptr,
    }
}

/// Notes what operators have said of the finding's name and of its DNSBLs; the word on the name.
fn heed<'g>(finding: &mut Finding, ground: Ground<'g>) -> Option<Word<'g>> {
    for answer in &mut finding.answers {
        let by = ground.overrides.covers(finding.address, &answer.list);
        answer.overridden = by.is_some();
    }
    let entry = ground.names.of_any(finding.names().map(AsRef::as_ref));
    let word = entry.map(|entry| match entry.reason() {
        None => Word::Allow,
        Some(reason) => Word::Block {
            reason,
            pattern: entry.rule.pattern.as_str(),
        },
    });
    if let Some(reverse) = &mut finding.reverse {
        let confirmed = matches!(reverse.standing, Standing::Confirmed { .. });
        reverse.allowed = confirmed && word == Some(Word::Allow);
    }
    word
}

/// For what the source is to be listed. Nobody is who is allowed, or has not come for so long that
/// what is known of it need not be kept up.
fn cases(
    book: &Book,
    finding: &Finding,
    word: Option<Word<'_>>,
    now: Timestamp,
    config: &Config,
) -> Vec<Case> {
    let host = Network::host(finding.address);
    if book.allows_all_of(host) || lapses(finding, config) <= now {
        return Vec::new();
    }
    let by_lists = by_lists(finding, &config.dnsbl);
    by_name(finding, word).into_iter().chain(by_lists).collect()
}

/// When what is listed for a finding ends, unless its source comes again.
fn lapses(finding: &Finding, config: &Config) -> Timestamp {
    after(finding.seen, seconds(config.lookup.lapse_after))
}

/// The changes that make the listings of the finding's address, and of its source, what follows from
/// it, and no more.
fn changes_for(book: &Book, finding: &Finding, cases: Vec<Case>, config: &Config) -> Vec<Change> {
    let wanted: BTreeSet<Reason> = cases.iter().map(|&(reason, _)| reason).collect();
    let places = BTreeSet::from([finding.source(), Network::host(finding.address)]);
    let gone = places
        .into_iter()
        .flat_map(|place| book.at(place))
        .filter(rests_on_dns)
        .filter(|is| !wanted.contains(&is.reason) || is.network != finding.place_of(is.reason))
        .map(|is| Change::Unlist {
            network: is.network,
            origin: Some(is.origin),
            reason: Some(is.reason),
        });
    let expires = lapses(finding, config);
    let new = cases.into_iter().map(|(reason, evidence)| {
        Change::List(NewListing {
            network: finding.place_of(reason),
            reason,
            origin: origin_of(reason),
            comment: None,
            evidence: Some(evidence.into()),
            expires: Some(expires),
            force: false,
        })
    });
    gone.chain(new).collect()
}
