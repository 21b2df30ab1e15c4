//! The reputation score of one source: pure, from the evidence on record and the time alone.
//!
//! In: [`SourceEvidence`], the time, [`ScoreConfig`]. Out: [`Score`]: a number from 0 (worst) to
//! 100, and the [`Component`]s that make it, each with its weight and points.
//!
//! The score is 50, less what speaks against the source, plus what speaks for it, cut to 0 to
//! 100. Every component but a complaint's is a function of its counts in a window, every function
//! is monotone, and all of it is integers in thousandths: the order in which evidence came does
//! not matter, and more bad evidence never raises a score.
//!
//! Complaints weigh as SpamCop publishes it (<https://www.spamcop.net/fom-serve/cache/297.html>):
//! a report 4 when fresh, falling in a straight line to 1 at 48 h, 0 after a week; n trap hits 5n
//! below six and n² from there. Each unit of weight costs `complaint_points`. Where enough good
//! mail is known, the weight is scaled down by how far the share of complaints stays below
//! `complaint_share`.

use std::{collections::BTreeSet, fmt, fmt::Write as _, sync::Arc, time::Duration};

use gate_common::Reason;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::intake::distinct_reporters;
use crate::config::ScoreConfig;

/// One point or one unit of weight.
const ONE: i64 = 1000;
/// The score of a source of which nothing is known.
const UNKNOWN: i64 = 50 * ONE;
/// Where points that a share costs end: at a share of 1.
const ALL_BAD: i64 = 50 * ONE;
/// Weight of a fresh report, and of an old one.
const FRESH: i64 = 4 * ONE;
const OLD: i64 = ONE;
/// Trap hits weigh this much each, until there are so many that their square is more.
const TRAP: i64 = 5;
const TRAPS_SQUARED: i64 = 6;
/// Good mail earns from this many messages on.
const HAM_UNIT: u64 = 10;
/// Points for each doubling of it.
const HAM_DOUBLING: i64 = 2 * ONE;
/// Seconds of good standing that earn a point.
const STANDING_POINT: i64 = 3 * 86_400;

/// All that is on record of one source. The order within does not matter.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SourceEvidence {
    /// Reports and trap hits, one by one.
    pub complaints: Vec<Complaint>,
    /// Sums over hours and days.
    pub sums: Vec<Sum>,
    /// What DNSBLs answer of it.
    pub dnsbl: Vec<DnsblAnswer>,
    /// What its PTR name tells, if that is known.
    pub ptr: Option<PtrClass>,
    /// An operator's credit, in points.
    pub credit: u8,
}

/// A report or a trap hit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Complaint {
    /// When the mail arrived.
    pub at: Timestamp,
    /// Who complained.
    pub reporter: Arc<str>,
    /// How many messages it is about.
    pub incidents: u32,
    /// Whether a trap was hit.
    pub trap: bool,
}

/// What was seen of a source in a stretch of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sum {
    /// When the stretch began.
    pub start: Timestamp,
    /// How long it was, in seconds: an hour or a day.
    pub length: u32,
    /// Messages that the filter called spam.
    pub spam: u64,
    /// Messages that it called good.
    pub ham: u64,
    /// Messages whose bounces could not be delivered.
    pub bounced: u64,
    /// Complaints, too old to be kept one by one.
    pub complaints: u64,
}

/// A DNSBL's answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DnsblAnswer {
    /// The zone.
    pub zone: Arc<str>,
    /// The points that it costs.
    pub points: u8,
}

/// What a PTR name tells of its address.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PtrClass {
    /// A mail server, or static space.
    Fixed,
    /// Nothing of who uses the address.
    Generic,
    /// Dynamic, dial-up or DSL space.
    Dynamic,
    /// There is none.
    Missing,
}

/// A reputation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Score {
    /// 0 (worst) to 100; 50 where nothing is known.
    pub value: u8,
    /// For what it is to be listed; `None` if it is not below the minimum, or nothing that a
    /// source did brought it there.
    pub reason: Option<Reason>,
    /// What the score is made of; what is not there has no part in it.
    pub components: Vec<Component>,
}

/// A part of a score.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Component {
    /// What it is about.
    pub part: Part,
    /// What it weighs: the unit is the part's own.
    pub weight: Milli,
    /// Points that it costs (below 0) or earns.
    pub points: Milli,
    /// How it came about, for an operator.
    pub detail: String,
}

/// What a [`Component`] is about.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Reports and trap hits. Weight: as SpamCop counts.
    Complaints,
    /// The filter's verdicts. Weight: the share of spam.
    Filter,
    /// Undeliverable bounces. Weight: their share.
    Bounces,
    /// DNSBL answers. Weight: how many.
    Dnsbl,
    /// The PTR name. Weight: 1.
    Ptr,
    /// Good mail. Weight: messages.
    Ham,
    /// Good mail without a complaint. Weight: days.
    Standing,
    /// An operator's credit. Weight: 1.
    Credit,
}

impl Part {
    /// The name used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complaints => "complaints",
            Self::Filter => "filter",
            Self::Bounces => "bounces",
            Self::Dnsbl => "dnsbl",
            Self::Ptr => "ptr",
            Self::Ham => "ham",
            Self::Standing => "standing",
            Self::Credit => "credit",
        }
    }
}

/// A number of thousandths; in JSON and text a decimal number.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(from = "f64", into = "f64")]
pub struct Milli(pub i64);

impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.abs() / ONE, self.0.abs() % ONE);
        let text = format!("{sign}{whole}.{rest:03}");
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl From<Milli> for f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn from(milli: Milli) -> Self {
        milli.0 as Self / 1000.0
    }
}

impl From<f64> for Milli {
    #[expect(clippy::cast_possible_truncation, reason = "a float cast saturates")]
    fn from(number: f64) -> Self {
        Self((number * 1000.0).round() as i64)
    }
}

impl Score {
    /// The points of `part`, 0 if it has none.
    pub fn points(&self, part: Part) -> Milli {
        let found = self.components.iter().find(|is| is.part == part);
        found.map_or(Milli(0), |component| component.points)
    }
}

/// The evidence in one line: `score 18: complaints -32 (2 reports by 2 reporters)`.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "score {}", self.value)?;
        for (at, component) in self.components.iter().enumerate() {
            let before = if at == 0 { ": " } else { ", " };
            let Component { points, detail, .. } = component;
            write!(f, "{before}{} {points} ({detail})", component.part.as_str())?;
        }
        Ok(())
    }
}

/// What `evidence` makes of a source at `now`.
pub fn score(evidence: &SourceEvidence, now: Timestamp, config: &ScoreConfig) -> Score {
    let now = now.as_second();
    let components: Vec<_> = [
        complaints(evidence, now, config),
        filter(evidence, now, config),
        bounces(evidence, now, config),
        dnsbl(evidence, config),
        ptr(evidence, config),
        ham(evidence, now, config),
        standing(evidence, now, config),
        credit(evidence),
    ]
    .into_iter()
    .flatten()
    .collect();
    let total: i64 = components.iter().map(|component| component.points.0).sum();
    let value = (UNKNOWN + total).clamp(0, 100 * ONE) / ONE;
    let value = u8::try_from(value).unwrap_or(100);
    let mut score = Score {
        value,
        reason: None,
        components,
    };
    if value < config.minimum {
        score.reason = carried(&score, i64::from(config.minimum) * ONE);
    }
    score
}

/// What brought a score below `minimum`: complaints, with the filter or without; else the filter
/// alone; else bounces; where none of them did by itself, what costs most.
fn carried(score: &Score, minimum: i64) -> Option<Reason> {
    let points = |part| score.points(part).0;
    let (complaints, filter, bounces) = (
        points(Part::Complaints),
        points(Part::Filter),
        points(Part::Bounces),
    );
    let all: i64 = score.components.iter().map(|is| is.points.0).sum();
    let others = UNKNOWN + all - complaints - filter - bounces;
    let spam = if complaints < 0 {
        Reason::DirectSpam
    } else {
        Reason::HighSpam
    };
    if complaints + filter < 0 && others + complaints + filter < minimum {
        Some(spam)
    } else if bounces < 0 && (others + bounces < minimum || bounces <= complaints + filter) {
        Some(Reason::NoBounce)
    } else {
        (complaints + filter < 0).then_some(spam)
    }
}

/// The weight of a report that is `age` seconds old.
fn report_weight(age: i64, config: &ScoreConfig) -> i64 {
    let fresh = seconds(config.complaint_fresh);
    if age > seconds(config.complaint_window) {
        0
    } else if age >= fresh {
        OLD
    } else {
        FRESH - (FRESH - OLD) * age.max(0) / fresh
    }
}

fn complaints(evidence: &SourceEvidence, now: i64, config: &ScoreConfig) -> Option<Component> {
    let window = seconds(config.complaint_window);
    let (mut reports, mut traps, mut weight) = (0_i64, 0_i64, 0_i64);
    let mut reporters = BTreeSet::new();
    for complaint in &evidence.complaints {
        let age = now - complaint.at.as_second();
        if age > window {
            continue;
        }
        let incidents = i64::from(complaint.incidents.clamp(1, config.max_incidents));
        if complaint.trap {
            traps += incidents;
        } else {
            reports += incidents;
            weight += incidents * report_weight(age, config);
            reporters.insert(&*complaint.reporter);
        }
    }
    if reports + traps == 0 {
        return None;
    }
    let reporters = distinct_reporters(reporters);
    weight += ONE
        * if traps < TRAPS_SQUARED {
            TRAP * traps
        } else {
            traps.saturating_mul(traps)
        };
    let mut detail = complaint_detail(reports, reporters, traps);
    let enough = traps > 0 || reporters >= config.reporters as usize;
    let mut counted = weight;
    if !enough {
        counted = 0;
        detail.push_str("; too few reporters, counts nothing");
    } else if let Some((share, scaled)) =
        against_volume(reports + traps, weight, evidence, now, config)
    {
        counted = scaled;
        let _ = write!(detail, "; {} % of its mail", Milli(share / 10));
    }
    Some(Component {
        part: Part::Complaints,
        weight: Milli(weight),
        points: Milli(-(counted.saturating_mul(config.complaint_points.into())).min(100 * ONE)),
        detail,
    })
}

fn complaint_detail(reports: i64, reporters: usize, traps: i64) -> String {
    let mut parts = Vec::new();
    if reports > 0 {
        let by = plural(reporters as u64, "reporter");
        parts.push(format!(
            "{} by {by}",
            plural(reports.unsigned_abs(), "report")
        ));
    }
    if traps > 0 {
        parts.push(plural(traps.unsigned_abs(), "trap hit"));
    }
    parts.join(", ")
}

/// `1 report`, `2 reports`.
fn plural(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The share of `complaints` in the mail, in millionths, and the weight as that share scales it;
/// `None` where too little mail is known. Only good mail counts beside the complaints: what the
/// filter calls spam must not make them weigh less.
fn against_volume(
    complaints: i64,
    weight: i64,
    evidence: &SourceEvidence,
    now: i64,
    config: &ScoreConfig,
) -> Option<(i64, i64)> {
    let ham = total(evidence, now, config.complaint_window, |sum| sum.ham);
    if ham < u64::from(config.complaint_volume) {
        return None;
    }
    let ham = i64::try_from(ham).unwrap_or(i64::MAX / 2).min(i64::MAX / 2);
    let share = complaints.saturating_mul(1_000_000) / (ham + complaints);
    let full = millionths(config.complaint_share).max(1);
    Some((share, weight.saturating_mul(share.min(full)) / full))
}

fn filter(evidence: &SourceEvidence, now: i64, config: &ScoreConfig) -> Option<Component> {
    let spam = total(evidence, now, config.filter_window, |sum| sum.spam);
    let ham = total(evidence, now, config.filter_window, |sum| sum.ham);
    let limits = Limits {
        messages: config.filter_messages,
        share: config.filter_share,
        points: config.filter_points,
    };
    shared(Part::Filter, "spam", spam, ham, &limits)
}

fn bounces(evidence: &SourceEvidence, now: i64, config: &ScoreConfig) -> Option<Component> {
    let bounced = total(evidence, now, config.bounce_window, |sum| sum.bounced);
    let ham = total(evidence, now, config.bounce_window, |sum| sum.ham);
    let limits = Limits {
        messages: config.bounce_messages,
        share: config.bounce_share,
        points: config.bounce_points,
    };
    shared(Part::Bounces, "undeliverable", bounced, ham, &limits)
}

/// From where on a share counts, and what it costs there.
struct Limits {
    messages: u32,
    share: f64,
    points: u8,
}

/// What `bad` messages cost beside `good` ones: nothing below the limits, and from there in a
/// straight line to [`ALL_BAD`] where all are bad.
fn shared(part: Part, what: &str, bad: u64, good: u64, limits: &Limits) -> Option<Component> {
    if bad == 0 {
        return None;
    }
    let all = bad.saturating_add(good);
    let share = part_of(1_000_000, bad, all);
    let (least, first) = (millionths(limits.share), i64::from(limits.points) * ONE);
    let mut detail = format!("{bad} of {all} {what} within the window");
    let points = if all < u64::from(limits.messages) || share < least {
        detail.push_str("; below the minimum, counts nothing");
        0
    } else {
        let span = (1_000_000 - least).max(1);
        first + (ALL_BAD - first).max(0) * (share - least) / span
    };
    Some(Component {
        part,
        weight: Milli(share / 1000),
        points: Milli(-points),
        detail,
    })
}

fn dnsbl(evidence: &SourceEvidence, config: &ScoreConfig) -> Option<Component> {
    if evidence.dnsbl.is_empty() {
        return None;
    }
    let points: i64 = evidence.dnsbl.iter().map(|one| i64::from(one.points)).sum();
    let mut zones: Vec<_> = evidence.dnsbl.iter().map(|answer| &*answer.zone).collect();
    zones.sort_unstable();
    Some(Component {
        part: Part::Dnsbl,
        weight: Milli(zones.iter().map(|_| ONE).sum()),
        points: Milli(-ONE * points.min(config.dnsbl_points.into())),
        detail: zones.join(", "),
    })
}

fn ptr(evidence: &SourceEvidence, config: &ScoreConfig) -> Option<Component> {
    let all = ONE * i64::from(config.ptr_points);
    let (points, detail) = match evidence.ptr? {
        PtrClass::Fixed => return None,
        PtrClass::Generic => (all / 2, "generic"),
        PtrClass::Dynamic => (all, "dynamic"),
        PtrClass::Missing => (all, "none"),
    };
    Some(Component {
        part: Part::Ptr,
        weight: Milli(ONE),
        points: Milli(-points),
        detail: detail.to_owned(),
    })
}

fn ham(evidence: &SourceEvidence, now: i64, config: &ScoreConfig) -> Option<Component> {
    let ham = total(evidence, now, config.memory, |sum| sum.ham);
    let bad = total(evidence, now, config.memory, |sum| {
        sum.spam.saturating_add(sum.bounced)
    });
    let doublings = (ham / HAM_UNIT).checked_ilog2()?;
    let earned = (HAM_DOUBLING * i64::from(doublings)).min(ONE * i64::from(config.ham_points));
    let all = ham.saturating_add(bad);
    Some(Component {
        part: Part::Ham,
        weight: Milli(ONE.saturating_mul(i64::try_from(ham).unwrap_or(i64::MAX))),
        points: Milli(part_of(earned, ham, all)),
        detail: format!("{ham} good of {all} messages"),
    })
    .filter(|component| component.points.0 > 0)
}

fn standing(evidence: &SourceEvidence, now: i64, config: &ScoreConfig) -> Option<Component> {
    let memory = now - seconds(config.memory);
    let sums = evidence.sums.iter();
    let first = sums
        .clone()
        .filter(|sum| sum.ham > 0)
        .map(|sum| sum.start.as_second())
        .min()?
        .max(memory);
    let folded = sums
        .filter(|sum| sum.complaints > 0)
        .map(|sum| sum.start.as_second() + i64::from(sum.length));
    let single = evidence.complaints.iter().map(|one| one.at.as_second());
    let since = folded.chain(single).fold(first, i64::max);
    let age = (now - since).max(0);
    let points = (age * ONE / STANDING_POINT).min(ONE * i64::from(config.standing_points));
    (points > 0).then(|| Component {
        part: Part::Standing,
        weight: Milli(age * ONE / 86_400),
        points: Milli(points),
        detail: format!(
            "{} without a complaint",
            plural(age.unsigned_abs() / 86_400, "day")
        ),
    })
}

fn credit(evidence: &SourceEvidence) -> Option<Component> {
    (evidence.credit != 0).then(|| Component {
        part: Part::Credit,
        weight: Milli(ONE),
        points: Milli(ONE * i64::from(evidence.credit)),
        detail: "registered clean".to_owned(),
    })
}

/// The sum of `count` over the stretches that reach into `window`.
fn total(
    evidence: &SourceEvidence,
    now: i64,
    window: Duration,
    count: impl Fn(&Sum) -> u64,
) -> u64 {
    let from = now - seconds(window);
    evidence
        .sums
        .iter()
        .filter(|sum| sum.start.as_second() + i64::from(sum.length) > from)
        .map(count)
        .fold(0, u64::saturating_add)
}

/// As much of `whole` as `part` is of `all`.
fn part_of(whole: i64, part: u64, all: u64) -> i64 {
    let scaled = i128::from(whole) * i128::from(part) / i128::from(all.max(1));
    i64::try_from(scaled).unwrap_or(whole)
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 4)
}

#[expect(clippy::cast_possible_truncation, reason = "a share is 0 to 1")]
fn millionths(share: f64) -> i64 {
    (share * 1_000_000.0).round() as i64
}

#[cfg(test)]
mod tests;
