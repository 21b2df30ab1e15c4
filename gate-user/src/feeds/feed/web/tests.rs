use std::{fs, time::Duration};

use reqwest::StatusCode;
use tempfile::TempDir;

use super::*;
use crate::{
    config::{FeedConfig, FeedFormat, Guards},
    feeds::last_good::LastGood,
};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const URL: &str = "https://lists.example.org/a?key=secret";

/// A feed that is fetched, with a clock of its own; the test is the server.
struct Lab {
    dir: TempDir,
    feed: Feed,
    now: Timestamp,
}

fn config() -> FeedConfig {
    FeedConfig::fetched("test".parse().unwrap(), URL.parse().unwrap())
}

fn copies(dir: &TempDir) -> LastGood {
    LastGood::new(dir.path().join("feeds"))
}

/// What a look puts in force: `unchanged`, or the networks.
fn shown(look: Look) -> String {
    match look {
        Look::Changed(entries) => {
            let networks = entries.iter().map(|entry| entry.network.to_string());
            format!("[{}]", networks.collect::<Vec<_>>().join(", "))
        }
        Look::Unchanged => "unchanged".to_owned(),
        Look::Settling => "settling".to_owned(),
    }
}

impl Lab {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let feed = Feed::new(config(), copies(&dir));
        Self {
            dir,
            feed,
            now: Timestamp::from_second(1_700_000_000).unwrap(),
        }
    }

    /// One that has fetched a list of this one network.
    fn with(network: &str) -> Self {
        let mut lab = Self::new();
        assert_eq!(lab.restart(config()), "[]");
        assert_eq!(lab.list(network), format!("[{network}]"));
        lab
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.checked_add(time).unwrap();
    }

    /// The daemon starts again.
    fn restart(&mut self, config: FeedConfig) -> String {
        self.feed = Feed::new(config, copies(&self.dir));
        shown(self.feed.start(self.now))
    }

    fn configure(&mut self, config: FeedConfig) -> String {
        shown(self.feed.configure(config, self.now))
    }

    /// A list comes, whose `ETag` is the list itself.
    fn list(&mut self, text: &str) -> String {
        let validators = Validators {
            etag: Some(text.to_owned()),
            last_modified: None,
        };
        let bytes = text.as_bytes().to_vec();
        self.outcome(Ok(Fetched::List { bytes, validators }))
    }

    fn outcome(&mut self, outcome: Result<Fetched, FetchError>) -> String {
        shown(self.feed.fetched(outcome, self.now))
    }

    fn fail(&mut self) -> String {
        self.outcome(Err(FetchError::Status {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            retry_after: None,
        }))
    }

    fn look(&mut self) -> String {
        shown(self.feed.look(self.now))
    }

    /// What is asked with: an `ETag`, or `-` for a list whatever it is.
    fn asked(&self) -> String {
        let validators = self.feed.order().unwrap().validators;
        validators.map_or("-".to_owned(), |known| known.etag.unwrap())
    }

    /// In how many minutes the next fetch is due.
    fn due_in(&self) -> i64 {
        self.feed
            .next_fetch()
            .unwrap()
            .duration_since(self.now)
            .as_mins()
    }

    /// `ok`, or what is wrong; what is in force; and how many entries.
    fn status(&self) -> String {
        let status = self.feed.status();
        let list = match &status.file {
            FileState::Ok => "ok".to_owned(),
            FileState::Unread => "unread".to_owned(),
            other => other.to_string(),
        };
        let in_force = match status.in_force {
            InForce::File => "list",
            InForce::LastGood => "last good",
            InForce::Nothing => "nothing",
        };
        format!("{list}; {in_force}: {}", status.entries)
    }
}

#[test]
fn a_list_is_in_force_and_the_next_due_after_the_interval() {
    let mut lab = Lab::new();
    assert_eq!(lab.restart(config()), "[]");
    assert_eq!(
        (lab.status().as_str(), lab.asked().as_str()),
        ("unread; nothing: 0", "-")
    );
    assert!(lab.due_in() <= 0);
    assert_eq!(lab.list("192.0.2.7/32"), "[192.0.2.7/32]");
    assert_eq!(
        (lab.status().as_str(), lab.asked().as_str()),
        ("ok; list: 1", "192.0.2.7/32")
    );
    assert!((360..=396).contains(&lab.due_in()), "{}", lab.due_in());
    let SourceStatus::Url(fetch) = &lab.feed.status().source else {
        panic!("{:?}", lab.feed.status());
    };
    assert_eq!(fetch.url, "https://lists.example.org/a");
    assert_eq!((fetch.http, fetch.fetched), (Some(200), Some(lab.now)));
    assert_eq!(fetch.next, lab.feed.next_fetch());
}

#[test]
fn the_same_list_counts_as_good_now() {
    let mut lab = Lab::with("192.0.2.7/32");
    for _ in 0..20 {
        lab.pass(24 * HOUR);
        assert_eq!(lab.outcome(Ok(Fetched::Same)), "unchanged");
        assert_eq!(lab.status(), "ok; list: 1");
    }
    assert_eq!(lab.feed.status().last_good, Some(lab.now));
    lab.pass(24 * HOUR);
    assert_eq!(lab.restart(config()), "[192.0.2.7/32]");
}

#[test]
fn a_restart_goes_on_with_the_copy_and_fetches_nothing_before_it_is_due() {
    let mut lab = Lab::with("192.0.2.7/32");
    lab.pass(HOUR);
    assert_eq!(lab.restart(config()), "[192.0.2.7/32]");
    assert_eq!(lab.status(), "ok; list: 1");
    assert!((300..=336).contains(&lab.due_in()), "{}", lab.due_in());
    assert_eq!(lab.asked(), "192.0.2.7/32");

    lab.pass(7 * HOUR);
    assert_eq!(lab.restart(config()), "[192.0.2.7/32]");
    assert_eq!(lab.status(), "unread; last good: 1");
    assert!(lab.due_in() <= 0);
    assert_eq!(lab.asked(), "192.0.2.7/32");

    // A clock that was ahead when the note was made.
    lab.now = lab.now.checked_sub(1000 * HOUR).unwrap();
    lab.restart(config());
    assert!(lab.due_in() <= 396, "{}", lab.due_in());
}

#[test]
fn invariant_7_a_list_that_cannot_be_fetched_leaves_the_last_good_state_until_it_lapses() {
    let mut lab = Lab::with("192.0.2.7/32");
    lab.pass(HOUR);
    assert_eq!(lab.fail(), "unchanged");
    let failed = "the list could not be fetched: the server answered 500 Internal Server Error";
    assert_eq!(lab.status(), format!("{failed}; last good: 1"));
    assert_eq!(
        lab.feed.status().warning(),
        Some(format!(
            "feed test: {failed}; the last good state lapses at 2023-11-21T22:13:20Z"
        ))
    );
    lab.pass(166 * HOUR);
    assert_eq!(lab.look(), "unchanged");
    assert_eq!(lab.restart(config()), "[192.0.2.7/32]");
    assert_eq!(lab.fail(), "unchanged");
    lab.pass(HOUR);
    assert_eq!(lab.look(), "[]");
    assert_eq!(lab.status(), format!("{failed}; nothing: 0"));
    let nothing = format!("feed test: {failed}; nothing of it is in force");
    assert_eq!(lab.feed.status().warning(), Some(nothing));
    // What has lapsed is not asked about, but for.
    assert_eq!(lab.asked(), "-");
    assert_eq!(lab.restart(config()), "[]");
    assert_eq!(lab.asked(), "-");
    assert_eq!(lab.list("192.0.2.7/32"), "[192.0.2.7/32]");
    assert_eq!(lab.status(), "ok; list: 1");
    assert_eq!(lab.feed.status().warning(), None);
}

#[test]
fn failures_are_tried_again_ever_later_across_restarts() {
    let mut lab = Lab::with("192.0.2.7/32");
    for minutes in [10, 20, 40, 80] {
        lab.fail();
        assert!(
            (minutes..=minutes + minutes / 10).contains(&lab.due_in()),
            "{}",
            lab.due_in()
        );
        let due = lab.feed.next_fetch();
        lab.restart(config());
        assert_eq!(lab.feed.next_fetch(), due);
    }
    assert_eq!(lab.outcome(Ok(Fetched::Same)), "unchanged");
    assert!((360..=396).contains(&lab.due_in()));
}

#[test]
fn a_restart_after_a_refusal_asks_again_as_soon_as_the_server_may_be_asked() {
    for network in ["192.0.2.7/32", ""] {
        let mut lab = Lab::new();
        lab.restart(config());
        lab.list(network);
        lab.list("<html>");
        assert!(lab.due_in() >= 360, "{}", lab.due_in());
        lab.pass(5 * MINUTE);
        lab.restart(config());
        assert_eq!(lab.due_in(), 5, "{network}");
    }
}

#[test]
fn a_clock_that_is_set_back_puts_nothing_off() {
    let mut lab = Lab::with("192.0.2.7/32");
    assert!(!lab.feed.is_due(lab.now));
    for (back, due) in [
        (Duration::from_secs(1), false),
        (HOUR, false),
        (24 * HOUR, true),
    ] {
        let now = lab.now.checked_sub(back).unwrap();
        assert_eq!(lab.feed.is_due(now), due, "{back:?}");
    }
    lab.pass(7 * HOUR);
    assert!(lab.feed.is_due(lab.now));
}

#[test]
fn invariant_7_a_list_that_is_refused_is_not_what_the_next_is_compared_with() {
    let mut lab = Lab::with("192.0.2.7/32");
    for (text, why) in [
        (
            "<!DOCTYPE html>\n<title>Log in</title>\n",
            "2 of 2 lines are bad",
        ),
        ("", "it is empty"),
        ("0.0.0.0/0\n", "0.0.0.0/0 is wider"),
        (
            "# Entries : 3 unique IPs\n192.0.2.7\n",
            "1 records where the list itself says 3",
        ),
        (
            "# This File Date  : Mon Nov 14 22:13:20 UTC 2033\n192.0.2.7\n",
            "it was made at 2033-11-14T22:13:20Z, which is to come",
        ),
    ] {
        assert_eq!(lab.list(text), "unchanged", "{why}");
        let status = lab.status();
        assert!(
            status.starts_with(&format!("the list was refused: {why}")),
            "{status}"
        );
        assert!(status.ends_with("; last good: 1"), "{status}");
        assert_eq!(lab.asked(), "192.0.2.7/32", "{why}");
        // The server did as it should: it is not asked again any sooner.
        assert!((360..=396).contains(&lab.due_in()));
    }
    assert_eq!(lab.outcome(Ok(Fetched::Same)), "unchanged");
    assert_eq!(lab.status(), "ok; list: 1");
}

#[test]
fn invariant_7_a_drop_list_that_nobody_makes_anew_lapses() {
    let drop = FeedConfig {
        format: FeedFormat::DropTxt,
        ..config()
    };
    let made = |day| format!("; Last-Modified: {day} Nov 2023 22:13:20 GMT\n192.0.2.0/24 ; SBL1\n");
    let mut lab = Lab::new();
    lab.restart(drop.clone());
    assert_eq!(lab.list(&made("Tue, 14")), "[192.0.2.0/24]");
    assert_eq!(lab.list(&made("Mon, 13")), "unchanged");
    assert!(
        lab.status().contains("and the last good one later"),
        "{}",
        lab.status()
    );
    assert_eq!(lab.list(&made("Tue, 14")), "unchanged");
    assert_eq!(lab.status(), "ok; list: 1");
    // It may rest for long.
    for _ in 0..59 {
        lab.pass(24 * HOUR);
        assert_eq!(lab.outcome(Ok(Fetched::Same)), "unchanged");
        assert_eq!(lab.status(), "ok; list: 1");
    }
    lab.pass(24 * HOUR);
    assert_eq!(lab.outcome(Ok(Fetched::Same)), "[]");
    assert!(
        lab.status().contains("nobody has made it anew for"),
        "{}",
        lab.status()
    );
}

#[test]
fn invariant_7_any_list_that_stands_still_lapses() {
    let made = "# This File Date  : Tue Nov 14 22:13:20 UTC 2023\n192.0.2.0/24\n";
    let mut lab = Lab::new();
    lab.restart(config());
    assert_eq!(lab.list(made), "[192.0.2.0/24]");
    lab.pass(167 * HOUR);
    assert_eq!(lab.outcome(Ok(Fetched::Same)), "unchanged");
    assert_eq!(lab.status(), "ok; list: 1");
    // Counted from when it was made, not from when it was fetched last.
    assert_eq!(lab.fail(), "unchanged");
    assert_eq!(
        lab.feed.status().lapses,
        Some("2023-11-21T22:13:20Z".parse().unwrap())
    );
    lab.pass(HOUR);
    assert_eq!(lab.outcome(Ok(Fetched::Same)), "[]");
    assert_eq!(lab.restart(config()), "[]");
}

/// Whoever runs this may write to any file, so a directory stands in the way.
#[test]
fn invariant_7_a_copy_that_could_not_be_written_is_written_later() {
    let mut lab = Lab::with("192.0.2.7/32");
    let blocker = lab.dir.path().join("feeds/.test.new");
    fs::create_dir(&blocker).unwrap();
    assert_eq!(lab.list("192.0.2.8/32"), "[192.0.2.8/32]");
    // The server's `ETag` is of a list that is not on the disk.
    assert_eq!(lab.asked(), "-");
    fs::remove_dir(&blocker).unwrap();
    lab.pass(7 * HOUR);
    assert_eq!(lab.list("192.0.2.8/32"), "unchanged");
    assert_eq!(lab.asked(), "192.0.2.8/32");
    assert_eq!(lab.restart(config()), "[192.0.2.8/32]");
    assert_eq!(lab.status(), "ok; list: 1");
}

#[test]
fn invariant_7_a_list_is_not_compared_with_that_of_a_former_address() {
    let long: Vec<String> = (0..200).map(|n| format!("198.51.100.{n}")).collect();
    let long = long.join("\n");
    let mut lab = Lab::with("192.0.2.7/32");
    let other = FeedConfig {
        url: Some("https://lists.example.org/b".parse().unwrap()),
        ..config()
    };
    lab.configure(other.clone());
    lab.fail();
    assert_eq!(lab.restart(other.clone()), "[192.0.2.7/32]");
    assert!(lab.list(&long).starts_with("[198.51.100.0/32, "));
    assert_eq!(lab.status(), "ok; list: 200");

    // Likewise from a file to an address and back, each with a restart before anything is fetched.
    let path = lab.dir.path().join("list");
    fs::write(&path, "192.0.2.7\n").unwrap();
    let file = FeedConfig::new("test".parse().unwrap(), path.clone());
    assert_eq!(lab.restart(file.clone()), "[192.0.2.7/32]");
    assert_eq!(lab.restart(other.clone()), "[192.0.2.7/32]");
    assert!(lab.list(&long).starts_with("[198.51.100.0/32, "));
    fs::remove_file(&path).unwrap();
    assert!(lab.restart(file).starts_with("[198.51.100.0/32, "));
    fs::write(&path, "192.0.2.7\n").unwrap();
    assert_eq!(shown(lab.feed.reload(lab.now)), "[192.0.2.7/32]");
}

#[test]
fn another_address_is_another_list() {
    let mut lab = Lab::with("192.0.2.7/32");
    let other = FeedConfig {
        url: Some("https://lists.example.org/b".parse().unwrap()),
        ..config()
    };
    let long: Vec<String> = (0..200).map(|n| format!("198.51.100.{n}")).collect();
    let long = long.join("\n");
    assert_eq!(lab.configure(other.clone()), "unchanged");
    assert_eq!(
        (lab.status().as_str(), lab.asked().as_str()),
        ("unread; last good: 1", "-")
    );
    assert!(lab.due_in() <= 0);
    assert!(lab.list(&long).starts_with("[198.51.100.0/32, "));
    assert_eq!(lab.status(), "ok; list: 200");

    // Likewise where it was changed while the daemon did not run.
    assert!(lab.restart(config()).starts_with("[198.51.100.0/32, "));
    assert_eq!(
        (lab.status().as_str(), lab.asked().as_str()),
        ("unread; last good: 200", "-")
    );
    assert!(lab.due_in() <= 0);
    assert_eq!(lab.list("192.0.2.7"), "[192.0.2.7/32]");
}

#[test]
fn a_file_becomes_an_address_and_an_address_a_file() {
    let mut lab = Lab::with("192.0.2.7/32");
    let path = lab.dir.path().join("list");
    fs::write(&path, "192.0.2.8\n").unwrap();
    let file = FeedConfig::new("test".parse().unwrap(), path);
    assert_eq!(lab.configure(file), "[192.0.2.8/32]");
    assert_eq!(
        (lab.feed.next_fetch(), lab.feed.order().is_none()),
        (None, true)
    );
    assert_eq!(lab.configure(config()), "unchanged");
    assert_eq!(
        (lab.status().as_str(), lab.asked().as_str()),
        ("unread; last good: 1", "-")
    );
    assert_eq!(lab.list("192.0.2.9/32"), "[192.0.2.9/32]");
}

#[test]
fn other_guards_are_applied_to_the_copy_at_once() {
    let mut lab = Lab::with("192.0.2.0/24");
    let widest = |widest_v4| FeedConfig {
        guards: Guards {
            widest_v4,
            ..Guards::default()
        },
        ..config()
    };
    assert_eq!(lab.configure(widest(25)), "unchanged");
    let refused = "the list was refused: 192.0.2.0/24 is wider than /25 (widest_v4); last good: 1";
    assert_eq!(lab.status(), refused);
    // The server says that it is the same: refused it is.
    assert_eq!(lab.outcome(Ok(Fetched::Same)), "unchanged");
    assert_eq!(lab.status(), refused);

    assert_eq!(lab.configure(widest(24)), "unchanged");
    assert!(lab.due_in() <= 0);
    assert_eq!(lab.outcome(Ok(Fetched::Same)), "unchanged");
    assert_eq!(lab.status(), "ok; list: 1");
}

#[test]
fn another_interval_counts_from_now_on() {
    let mut lab = Lab::with("192.0.2.7/32");
    let every = |interval| FeedConfig {
        interval,
        ..config()
    };
    assert_eq!(lab.configure(every(HOUR)), "unchanged");
    assert_eq!((lab.due_in(), lab.status().as_str()), (60, "ok; list: 1"));
}

#[test]
fn a_copy_that_is_lost_is_fetched_again() {
    let mut lab = Lab::with("192.0.2.7/32");
    fs::write(lab.dir.path().join("feeds/test"), "192.0.2.8\n").unwrap();
    assert_eq!(lab.outcome(Ok(Fetched::Same)), "unchanged");
    assert!(
        lab.status().contains("the copy of it is lost"),
        "{}",
        lab.status()
    );
    assert_eq!(lab.asked(), "-");
    // Nor does a restart take the copy for what the validators are of.
    let mut lab = Lab::with("192.0.2.7/32");
    fs::write(lab.dir.path().join("feeds/test"), "192.0.2.8\n").unwrap();
    assert_eq!(lab.restart(config()), "[192.0.2.8/32]");
    assert_eq!(
        (lab.status().as_str(), lab.asked().as_str()),
        ("unread; last good: 1", "-")
    );
}

#[test]
fn what_is_kept_on_disk_tells_no_secret() {
    let lab = Lab::with("192.0.2.7/32");
    let mut kept = 0;
    for entry in fs::read_dir(lab.dir.path().join("feeds")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(
            !text.contains("secret") && !text.contains("example"),
            "{text}"
        );
        kept += 1;
    }
    assert_eq!(kept, 2);
}
