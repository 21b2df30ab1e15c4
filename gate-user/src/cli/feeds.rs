//! `feeds`: how the feeds stand, or read one now.

use std::fmt::Write as _;

use super::{
    error::{CliError, Exit},
    gate::Gate,
    table::{Align, Table},
    tone::Tone,
    words::{counted, foreign, maybe},
};
use crate::{
    config::FeedName,
    control::api::{Feed, FeedFile, FeedInForce, Feeds, Fetch, route},
};

/// What `feeds` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Read a feed's file now, changed or not, or fetch its list, due or not; exit code 2 if it is
    /// not taken.
    Reload {
        /// The feed.
        name: FeedName,
    },
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    match args.action {
        None => {
            let answer: Feeds = gate.client.get(route::FEEDS).await?;
            gate.show(&answer, |answer, _| render(&answer.feeds))?;
            Ok(Exit::Done)
        }
        Some(Action::Reload { name }) => {
            let feed: Feed = gate
                .client
                .post_patiently(&route::feed_reload(&name))
                .await?;
            gate.show(&feed, |feed, _| render(std::slice::from_ref(feed)))?;
            Ok(match feed.file {
                FeedFile::Ok => Exit::Done,
                _ => Exit::Error,
            })
        }
    }
}

fn render(feeds: &[Feed]) -> String {
    if feeds.is_empty() {
        return "no feed is configured\n".to_owned();
    }
    let mut table = Table::new([
        ("NAME", Align::Left),
        ("LIST", Align::Left),
        ("IN FORCE", Align::Left),
        ("NETWORKS", Align::Right),
        ("BAD LINES", Align::Right),
        ("LOADED", Align::Left),
        ("FROM", Align::Left),
    ]);
    for feed in feeds {
        let (tone, file) = match feed.file {
            FeedFile::Unread => (Tone::Care, "unread"),
            FeedFile::Ok => (Tone::Good, "ok"),
            FeedFile::Refused => (Tone::Bad, "refused"),
            FeedFile::Missing => (Tone::Bad, "missing"),
            FeedFile::Unreadable => (Tone::Bad, "unreadable"),
            FeedFile::Failed => (Tone::Bad, "failed"),
        };
        let in_force = match feed.in_force {
            FeedInForce::File => "list",
            FeedInForce::LastGood => "last good",
            FeedInForce::Nothing => "nothing",
        };
        let from = match &feed.fetch {
            Some(fetch) => &fetch.url,
            None => feed.path.as_deref().unwrap_or_default(),
        };
        table.row([
            feed.name.clone(),
            tone.paint(file),
            in_force.to_owned(),
            feed.networks.to_string(),
            feed.bad_lines.to_string(),
            maybe(feed.loaded),
            foreign(from).into_owned(),
        ]);
    }
    let mut text = table.render();
    for feed in feeds {
        if let Some(fetch) = &feed.fetch {
            fetches(&feed.name, fetch, &mut text);
        }
        problems(feed, &mut text);
    }
    text
}

/// When a feed was fetched, and will be.
fn fetches(name: &str, fetch: &Fetch, text: &mut String) {
    let _ = write!(text, "{name}: fetched {}", maybe(fetch.fetched));
    if let Some(http) = fetch.http {
        let _ = write!(text, " (HTTP {http})");
    }
    if fetch.failures > 0 {
        let _ = write!(
            text,
            ", {} in a row",
            counted(fetch.failures.into(), "failure")
        );
    }
    let _ = writeln!(text, ", next {}", maybe(fetch.next));
}

/// What is wrong with a feed, a line each.
fn problems(feed: &Feed, text: &mut String) {
    let name = &feed.name;
    if let Some(error) = &feed.error {
        let _ = writeln!(text, "{name}: {}", foreign(error));
    }
    if let Some(lapses) = feed.lapses {
        let _ = writeln!(text, "{name}: the last good state lapses at {lapses}");
    }
    for bad in &feed.bad {
        let _ = writeln!(
            text,
            "{name}: line {}: {} ({})",
            bad.line,
            foreign(&bad.error),
            foreign(&bad.text)
        );
    }
    let more = feed.bad_lines.saturating_sub(feed.bad.len() as u64);
    if more > 0 {
        let _ = writeln!(text, "{name}: {} more", counted(more, "bad line"));
    }
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::{cli::tone::plain, control::examples::answer};

    #[test]
    fn feeds_are_a_table_and_their_problems_follow() {
        let mut answer: Feeds = answer(&Method::GET, route::FEEDS);
        answer.feeds[0].bad_lines = 3;
        assert_eq!(
            plain(&render(&answer.feeds)),
            "\
NAME   LIST     IN FORCE  NETWORKS  BAD LINES  LOADED                FROM
drop   ok       list          1222          3  2026-03-04T03:00:00Z  https://www.spamhaus.org/drop/drop_v4.json
local  missing  nothing          0          0  -                     /etc/gate/local.netset
drop: fetched 2026-03-04T03:00:00Z (HTTP 200), next 2026-03-04T15:31:07Z
drop: line 7: host bits set: the network is 192.0.2.0/24 (192.0.2.7/24)
drop: 2 bad lines more
"
        );
        assert_eq!(render(&[]), "no feed is configured\n");
    }

    #[test]
    fn a_refused_file_says_why_and_until_when() {
        let feed: Feed = answer(&Method::POST, route::FEED_RELOAD);
        let text = plain(&render(&[feed]));
        let problems: Vec<_> = text.lines().skip(2).collect();
        assert_eq!(
            problems,
            [
                "drop: fetched 2026-03-04T12:00:00Z (HTTP 200), next 2026-03-05T00:40:21Z",
                "drop: covers 12.5 % of all IPv4 addresses; at most 5 % are taken",
                "drop: the last good state lapses at 2026-03-11T12:00:00Z",
            ]
        );
    }

    #[test]
    fn a_list_that_cannot_be_fetched_says_how_often_it_was_tried() {
        let mut feed: Feed = answer(&Method::POST, route::FEED_RELOAD);
        feed.file = FeedFile::Failed;
        let fetch = feed.fetch.as_mut().unwrap();
        (fetch.http, fetch.failures) = (None, 2);
        let text = plain(&render(&[feed]));
        assert_eq!(
            text.lines().nth(2),
            Some(
                "drop: fetched 2026-03-04T12:00:00Z, 2 failures in a row, next 2026-03-05T00:40:21Z"
            )
        );
        assert!(text.contains("failed  last good"), "{text}");
    }
}
