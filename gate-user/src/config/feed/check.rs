//! What no key of a feed can tell alone.

use std::path::Path;

use humantime::format_duration;

use super::{Column, Delimiter, FeedConfig, FeedFormat};

/// What is wrong with a feed whose keys are good each for itself: which key (`""` for the feed), and
/// why. `copies` is the directory of the last good copies.
pub(in crate::config) fn problems(feed: &FeedConfig, copies: &Path) -> Vec<(&'static str, String)> {
    let mut problems = source(feed, copies);
    problems.extend(options_without_their_format(feed));
    let guards = &feed.guards;
    if guards.min_entries > guards.max_entries {
        problems.push((
            "guards.min_entries",
            format!(
                "{} is more than max_entries = {}",
                guards.min_entries, guards.max_entries
            ),
        ));
    }
    problems
}

fn source(feed: &FeedConfig, copies: &Path) -> Vec<(&'static str, String)> {
    let mut problems = Vec::new();
    let mut problem = |key, message| problems.push((key, message));
    match (&feed.path, &feed.url) {
        (None, None) => problem("", "`path` or `url` is missing".to_owned()),
        (Some(_), Some(_)) => problem(
            "url",
            "there is a `path` already: expected one of them, another feed for the other"
                .to_owned(),
        ),
        (Some(path), None) => {
            if path.starts_with(copies) {
                problem(
                    "path",
                    format!(
                        "{} is for gated's own copies: expected a file elsewhere",
                        copies.display()
                    ),
                );
            }
            if feed.ca_file.is_some() {
                problem(
                    "ca_file",
                    "a file is not fetched: expected a `url`".to_owned(),
                );
            }
        }
        (None, Some(url)) => {
            let interval = format_duration(feed.interval);
            if feed.interval < url.floor() {
                let host = url.whole().host_str().unwrap_or_default();
                let floor = format_duration(url.floor());
                problem(
                    "interval",
                    format!("{interval} is too often for {host}: expected {floor} or more"),
                );
            }
            if feed.lapse_after <= feed.interval {
                problem(
                    "lapse_after",
                    format!(
                        "{} would lapse before the next fetch: expected more than interval = {interval}",
                        format_duration(feed.lapse_after)
                    ),
                );
            }
        }
    }
    problems
}

/// Keys that say something of another format than the feed's.
fn options_without_their_format(feed: &FeedConfig) -> Vec<(&'static str, String)> {
    let FeedConfig {
        format,
        column,
        delimiter,
        min_count,
        ..
    } = feed;
    let set = [
        ("column", *column != Column::default(), FeedFormat::Csv),
        (
            "delimiter",
            *delimiter != Delimiter::default(),
            FeedFormat::Csv,
        ),
        ("min_count", *min_count != 1, FeedFormat::IpCount),
    ];
    set.into_iter()
        .filter(|&(_, set, of)| set && of != *format)
        .map(|(key, _, of)| {
            (
                key,
                format!(
                    "only lists of the format \"{}\" have it: this one is \"{}\"",
                    of.as_str(),
                    format.as_str()
                ),
            )
        })
        .collect()
}
