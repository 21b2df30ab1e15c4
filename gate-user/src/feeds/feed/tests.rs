use std::{
    fs,
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};

use tempfile::TempDir;

use super::{on_disk::MAX_CHANGES, *};
use crate::config::{FeedFormat, Guards};

const DAY: Duration = Duration::from_hours(24);

/// A feed in a directory of its own, with a clock of its own.
struct Lab {
    dir: TempDir,
    feed: Feed,
    now: Timestamp,
}

impl Lab {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let feed = feed_in(&dir);
        Self {
            dir,
            feed,
            now: Timestamp::from_second(1_700_000_000).unwrap(),
        }
    }

    /// Replaces the file, as one should: by renaming.
    fn write(&self, text: &str) {
        let new = self.dir.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path()).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("list")
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.checked_add(time).unwrap();
    }

    /// The daemon starts again.
    fn restart(&mut self) -> String {
        self.feed = feed_in(&self.dir);
        self.start()
    }

    fn start(&mut self) -> String {
        shown(self.feed.start(self.now))
    }

    /// Looks until the file has settled.
    fn look(&mut self) -> String {
        loop {
            match self.feed.look(self.now) {
                Look::Settling => {}
                look => return shown(look),
            }
        }
    }

    /// `ok`, `missing` or why it is refused; what is in force; and how many entries.
    fn status(&self) -> String {
        let status = self.feed.status();
        let file = match &status.file {
            FileState::Refused { why }
            | FileState::Unreadable { why }
            | FileState::Failed { why } => why.clone(),
            FileState::Ok => "ok".to_owned(),
            FileState::Missing => "missing".to_owned(),
            FileState::Unread => "unread".to_owned(),
        };
        let in_force = match status.in_force {
            InForce::File => "file",
            InForce::LastGood => "last good",
            InForce::Nothing => "nothing",
        };
        format!("{file}; {in_force}: {}", status.entries)
    }
}

fn feed_in(dir: &TempDir) -> Feed {
    let config = FeedConfig::new("test".parse().unwrap(), dir.path().join("list"));
    Feed::new(config, LastGood::new(dir.path().join("state/feeds")))
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

/// So many addresses, a line each.
fn addresses(count: usize) -> String {
    let addresses = (0..count).map(|n| format!("192.0.{}.{}", n / 256, n % 256));
    addresses.collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn a_good_file_is_in_force() {
    let mut lab = Lab::new();
    assert_eq!(lab.start(), "[]");
    assert_eq!(lab.status(), "missing; nothing: 0");
    lab.write("192.0.2.7\n");
    assert_eq!(lab.look(), "[192.0.2.7/32]");
    assert_eq!(lab.status(), "ok; file: 1");
    lab.write("192.0.2.8\n");
    assert_eq!(lab.look(), "[192.0.2.8/32]");
    assert_eq!(lab.look(), "unchanged");
    let status = lab.feed.status();
    assert_eq!(
        (status.loaded, status.last_good),
        (Some(lab.now), Some(lab.now))
    );
    assert_eq!((status.size, status.lapses), (Some(10), None));
}

#[test]
fn the_same_content_again_changes_nothing() {
    let mut lab = Lab::new();
    lab.write("192.0.2.7\n");
    assert_eq!(lab.start(), "[192.0.2.7/32]");
    lab.write("192.0.2.7\n");
    assert_eq!(lab.look(), "unchanged");
    assert_eq!(shown(lab.feed.reload(lab.now)), "unchanged");
    assert_eq!(lab.restart(), "[192.0.2.7/32]");
    assert_eq!(lab.status(), "ok; file: 1");
}

#[test]
fn bad_lines_are_told() {
    let mut lab = Lab::new();
    lab.write(&(addresses(50) + "x\n"));
    lab.start();
    assert_eq!(lab.status(), "ok; file: 50");
    let bad_lines = &lab.feed.status().bad_lines;
    assert_eq!((bad_lines.count, bad_lines.first[0].number), (1, 51));
}

#[test]
fn invariant_7_a_refused_file_leaves_the_last_good_state() {
    let mut lab = Lab::new();
    lab.write("192.0.2.7\n");
    lab.start();
    for (text, why) in [
        ("", "it is empty"),
        ("<html>\n", "1 of 1 lines are bad"),
        ("0.0.0.0/0\n", "0.0.0.0/0 is wider"),
        (&addresses(101), "101 entries after 1: it grew"),
    ] {
        lab.write(text);
        assert_eq!(lab.look(), "unchanged", "{why}");
        let status = lab.status();
        assert!(status.starts_with(why), "{status}");
        assert!(status.ends_with("; last good: 1"), "{status}");

        assert_eq!(lab.restart(), "[192.0.2.7/32]", "{why}");
        assert!(lab.status().starts_with(why), "{why}");
    }
    lab.write("192.0.2.8\n");
    assert_eq!(lab.look(), "[192.0.2.8/32]");
    assert_eq!(lab.status(), "ok; file: 1");
}

#[test]
fn invariant_7_the_last_good_state_lapses() {
    let mut lab = Lab::new();
    lab.write("192.0.2.7\n");
    lab.start();
    lab.pass(100 * DAY);
    assert_eq!(lab.look(), "unchanged");

    fs::remove_file(lab.path()).unwrap();
    lab.pass(6 * DAY);
    assert_eq!(lab.look(), "unchanged");
    assert_eq!(lab.status(), "missing; last good: 1");
    assert_eq!(lab.restart(), "[192.0.2.7/32]");
    assert_eq!(lab.status(), "missing; last good: 1");

    lab.pass(DAY);
    assert_eq!(lab.look(), "[]");
    assert_eq!(lab.status(), "missing; nothing: 0");
    assert_eq!(lab.look(), "unchanged");
    assert_eq!(lab.restart(), "[]");

    lab.write("192.0.2.7\n");
    assert_eq!(lab.look(), "[192.0.2.7/32]");
    assert_eq!(lab.status(), "ok; file: 1");
}

#[test]
fn a_file_that_is_gone_and_comes_back_changes_nothing() {
    let mut lab = Lab::new();
    lab.write("192.0.2.7\n");
    lab.start();
    let aside = lab.dir.path().join("aside");
    fs::rename(lab.path(), &aside).unwrap();
    assert_eq!(lab.look(), "unchanged");
    assert_eq!(lab.status(), "missing; last good: 1");
    fs::rename(&aside, lab.path()).unwrap();
    assert_eq!(lab.look(), "unchanged");
    assert_eq!(lab.status(), "ok; file: 1");
}

#[test]
fn a_file_that_somebody_writes_to_is_left_alone() {
    let mut lab = Lab::new();
    lab.write("192.0.2.7\n");
    lab.start();
    let look = |lab: &mut Lab| shown(lab.feed.look(lab.now));
    lab.write("192.0.2.8\n");
    assert_eq!(look(&mut lab), "settling");
    lab.write("192.0.2.8\n192.0.2.9\n");
    assert_eq!(look(&mut lab), "settling");
    assert_eq!(look(&mut lab), "[192.0.2.8/32, 192.0.2.9/32]");

    // But not for ever.
    for length in 1.. {
        lab.write(&addresses(length));
        let look = look(&mut lab);
        if look != "settling" {
            assert_eq!(lab.status(), format!("ok; file: {length}"));
            break;
        }
        assert!(length <= usize::from(MAX_CHANGES) + 2);
    }
}

#[test]
fn a_list_from_elsewhere_may_have_another_length() {
    let mut lab = Lab::new();
    lab.write("192.0.2.7\n");
    lab.start();
    let path = lab.dir.path().join("other");
    fs::write(&path, addresses(1000)).unwrap();
    let config = FeedConfig {
        path: Some(path),
        ..lab.feed.config().clone()
    };
    lab.feed.configure(config, lab.now);
    assert_eq!(lab.status(), "ok; file: 1000");
}

#[test]
fn other_guards_are_applied_at_once() {
    let mut lab = Lab::new();
    lab.write("192.0.2.0/24\n");
    lab.start();
    let widest = |widest_v4| Guards {
        widest_v4,
        ..Guards::default()
    };
    for (guards, status) in [
        (
            widest(25),
            "192.0.2.0/24 is wider than /25 (widest_v4); last good: 1",
        ),
        (widest(24), "ok; file: 1"),
    ] {
        let config = FeedConfig {
            guards,
            ..lab.feed.config().clone()
        };
        assert_eq!(shown(lab.feed.configure(config, lab.now)), "unchanged");
        assert_eq!(lab.status(), status);
    }
}

#[test]
fn the_same_bytes_in_another_format_are_another_list() {
    let mut lab = Lab::new();
    lab.write("#{\"cidr\":\"192.0.2.7\"}\n192.0.2.8\n");
    assert_eq!(lab.start(), "[192.0.2.8/32]");
    let format = FeedFormat::DropJson;
    let config = FeedConfig {
        format,
        ..lab.feed.config().clone()
    };
    assert_eq!(shown(lab.feed.configure(config, lab.now)), "unchanged");
    assert!(
        lab.status()
            .starts_with("the metadata at its end is missing")
    );
}

#[test]
fn a_copy_that_cannot_be_read_ends_no_listing() {
    let mut lab = Lab::new();
    fs::create_dir_all(lab.dir.path().join("state/feeds/test")).unwrap();
    assert_eq!(lab.start(), "unchanged");
    assert_eq!(lab.status(), "missing; nothing: 0");
}

#[test]
fn invariant_7_a_copy_that_is_lost_is_written_again() {
    let mut lab = Lab::new();
    lab.write("192.0.2.7\n");
    lab.start();
    let copy = lab.dir.path().join("state/feeds/test");
    for damaged in [None, Some("192.0.2.8\n")] {
        match damaged {
            None => fs::remove_file(&copy).unwrap(),
            Some(text) => fs::write(&copy, text).unwrap(),
        }
        lab.pass(Duration::from_hours(1));
        assert_eq!(lab.look(), "unchanged");
        assert_eq!(fs::read_to_string(&copy).unwrap(), "192.0.2.7\n");
    }
}

#[test]
fn invariant_7_a_clock_that_is_behind_at_the_start_ends_nothing() {
    let mut lab = Lab::new();
    lab.write("192.0.2.7\n");
    lab.start();
    fs::remove_file(lab.path()).unwrap();
    let right = lab.now;
    lab.now = Timestamp::from_second(0).unwrap();
    assert_eq!(lab.restart(), "[192.0.2.7/32]");
    let capped = lab.now.checked_add(7 * DAY).unwrap();
    assert_eq!(lab.feed.status().lapses, Some(capped));
    lab.now = right.checked_add(6 * DAY).unwrap();
    assert_eq!(lab.look(), "unchanged");
    assert_eq!(lab.status(), "missing; last good: 1");
    lab.pass(DAY);
    assert_eq!(lab.look(), "[]");
}

#[test]
fn a_clock_that_was_ahead_does_not_keep_a_copy_for_longer() {
    let mut lab = Lab::new();
    lab.write("192.0.2.7\n");
    lab.pass(100 * DAY);
    lab.start();
    fs::remove_file(lab.path()).unwrap();
    lab.now = Timestamp::try_from(UNIX_EPOCH + 1000 * DAY).unwrap();
    assert_eq!(lab.restart(), "[192.0.2.7/32]");
    lab.pass(7 * DAY);
    assert_eq!(lab.look(), "[]");
}
