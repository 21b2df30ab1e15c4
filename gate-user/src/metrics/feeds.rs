//! How the feeds stand. An age is the time since one of the timestamps.

use jiff::Timestamp;

use super::{
    Reading,
    metric::{Metric, Sample, gauge, sample},
};
use crate::feeds::{FeedStatus, FileState, InForce, SourceStatus};

pub(super) const METRICS: &[Metric] = &[
    gauge(
        "gate_feed_entries",
        &["feed"],
        "Networks of a feed that are in force",
        |reading| by_feed(reading, |feed| Some(feed.entries as u64)),
    ),
    gauge(
        "gate_feed_state",
        &["feed", "state"],
        "1 for what became of the list when it was last read or fetched, 0 for all else",
        |reading| by_state(reading, STATES, |feed| state(&feed.file)),
    ),
    gauge(
        "gate_feed_in_force",
        &["feed", "what"],
        "1 for what of a feed is in force, 0 for all else",
        |reading| by_state(reading, IN_FORCE, |feed| in_force(feed.in_force)),
    ),
    gauge(
        "gate_feed_last_good_timestamp_seconds",
        &["feed"],
        "When the list was last known to be good, in seconds since 1970",
        |reading| by_feed(reading, |feed| seconds(feed.last_good)),
    ),
    gauge(
        "gate_feed_made_timestamp_seconds",
        &["feed"],
        "When the list was made, as it says itself, in seconds since 1970",
        |reading| by_feed(reading, |feed| seconds(feed.made)),
    ),
    gauge(
        "gate_feed_checked_timestamp_seconds",
        &["feed"],
        "When the file was last looked at, or the last fetch ended, in seconds since 1970",
        |reading| by_feed(reading, |feed| seconds(feed.checked)),
    ),
    gauge(
        "gate_feed_bad_lines",
        &["feed"],
        "Lines of the list that name no network, as it was last read",
        |reading| by_feed(reading, |feed| Some(feed.bad_lines.count as u64)),
    ),
    gauge(
        "gate_feed_fetch_failures",
        &["feed"],
        "Fetches that have failed one behind the other",
        |reading| {
            by_feed(reading, |feed| match &feed.source {
                SourceStatus::File(_) => None,
                SourceStatus::Url(fetch) => Some(fetch.failures.into()),
            })
        },
    ),
];

const STATES: &[&str] = &["unread", "ok", "refused", "missing", "unreadable", "failed"];

const fn state(state: &FileState) -> &'static str {
    match state {
        FileState::Unread => "unread",
        FileState::Ok => "ok",
        FileState::Refused { .. } => "refused",
        FileState::Missing => "missing",
        FileState::Unreadable { .. } => "unreadable",
        FileState::Failed { .. } => "failed",
    }
}

const IN_FORCE: &[&str] = &["file", "last_good", "nothing"];

const fn in_force(what: InForce) -> &'static str {
    match what {
        InForce::File => "file",
        InForce::LastGood => "last_good",
        InForce::Nothing => "nothing",
    }
}

fn by_feed(reading: &Reading, value: impl Fn(&FeedStatus) -> Option<u64>) -> Vec<Sample> {
    let feeds = reading.feeds.iter();
    feeds
        .filter_map(|feed| Some(sample([feed.name.as_str()], value(feed)?)))
        .collect()
}

fn by_state(
    reading: &Reading,
    all: &[&'static str],
    state: impl Fn(&FeedStatus) -> &'static str,
) -> Vec<Sample> {
    let of_feed = |feed| {
        let is = state(feed);
        all.iter()
            .map(move |one| sample([feed.name.as_str(), one], (*one == is).into()))
    };
    reading.feeds.iter().flat_map(of_feed).collect()
}

fn seconds(at: Option<Timestamp>) -> Option<u64> {
    at.and_then(|at| u64::try_from(at.as_second()).ok())
}
