//! One feed: where its list comes from, its last good state, and what of them is in force. In: a look
//! at its file, when told to, or what a fetch brought. Out: the list to put in force, when that is
//! another one than before.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    time::SystemTime,
};

use jiff::Timestamp;

use super::{
    BadLines, FeedStatus, FileState, InForce, Parsed, Refusal, SourceStatus, Summary,
    age::stale_after, formats::parse_up_to, judge, judge_age, last_good::LastGood,
};
use crate::{
    book::FeedEntry,
    clock,
    config::{FeedConfig, FeedSource},
};

mod on_disk;
mod web;

use on_disk::OnDisk;
use web::Web;

/// A feed.
pub(super) struct Feed {
    config: FeedConfig,
    copies: LastGood,
    source: Source,
    good: Option<Good>,
    copied: Option<Copied>,
    status: FeedStatus,
}

/// Where the list comes from, and what is known of it there.
enum Source {
    File(OnDisk),
    Url(Web),
}

impl Source {
    /// One that has been neither read nor fetched.
    fn new(source: FeedSource<'_>) -> Self {
        match source {
            FeedSource::File(_) => Self::File(OnDisk::default()),
            FeedSource::Url(_) => Self::Url(Web::default()),
        }
    }
}

/// The last attempt to keep a copy of what is in force.
#[derive(Clone, Copy)]
struct Copied {
    at: Timestamp,
    /// Whether it is what is on the disk now.
    done: bool,
}

/// The last good state.
struct Good {
    /// Tells this list's content from another's.
    digest: u64,
    /// `None` if the next list is another one, which may have another length.
    summary: Option<Summary>,
    /// When the list was made, as it says itself.
    made: Option<Timestamp>,
    /// When it was last known to be good; of a copy, as its file says, which by this machine's clock
    /// may be to come.
    at: Timestamp,
    /// When it was accepted, or its copy read, by this machine's clock.
    since: Timestamp,
}

/// What came of a look at a feed.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Look {
    /// This is in force now.
    Changed(Vec<FeedEntry>),
    /// What was in force still is.
    Unchanged,
    /// Somebody may be writing to the file: look again soon.
    Settling,
}

impl Feed {
    /// A feed whose list has been neither read nor fetched.
    pub(super) fn new(config: FeedConfig, copies: LastGood) -> Self {
        let status = FeedStatus {
            name: config.name.clone(),
            source: SourceStatus::new(config.source()),
            format: config.format,
            file: FileState::Unread,
            in_force: InForce::Nothing,
            entries: 0,
            loaded: None,
            bad_lines: BadLines::default(),
            size: None,
            modified: None,
            made: None,
            checked: None,
            last_good: None,
            lapses: None,
        };
        Self {
            source: Source::new(config.source()),
            config,
            copies,
            good: None,
            copied: None,
            status,
        }
    }

    /// Its configuration.
    pub(super) fn config(&self) -> &FeedConfig {
        &self.config
    }

    /// How it stands.
    pub(super) fn status(&self) -> &FeedStatus {
        &self.status
    }

    /// The first look: puts the file in force, or else the last good copy, which a feed that is
    /// fetched has until it is.
    pub(super) fn start(&mut self, now: Timestamp) -> Look {
        let copied = self.read_copy(now);
        let look = match self.source {
            Source::File(_) => {
                self.drop_note();
                self.reload(now)
            }
            Source::Url(_) => {
                self.read_note(now);
                Look::Unchanged
            }
        };
        match (look, copied) {
            (Look::Changed(entries), _) | (_, Ok(entries)) => Look::Changed(entries),
            (look, Err(error)) => {
                tracing::error!(
                    feed = %self.config.name, %error,
                    "cannot read the feed's last good copy; its listings stay as they are"
                );
                look
            }
        }
    }

    /// Looks whether the file has changed, and reads it if it has and nobody is writing to it; and
    /// whether the last good state has lapsed.
    pub(super) fn look(&mut self, now: Timestamp) -> Look {
        match self.source {
            Source::File(_) => self.look_at_file(now),
            Source::Url(_) if self.status.file == FileState::Ok => Look::Unchanged,
            Source::Url(_) => self.not_good(self.status.file.clone(), now),
        }
    }

    /// Takes another configuration of the same feed.
    pub(super) fn configure(&mut self, config: FeedConfig, now: Timestamp) -> Look {
        if self.config == config {
            return Look::Unchanged;
        }
        let same_list = self.config.source() == config.source()
            && self.config.list_format() == config.list_format();
        self.config = config;
        if !same_list {
            self.status.source = SourceStatus::new(self.config.source());
            self.status.format = self.config.format;
            self.source = Source::new(self.config.source());
            self.good_is_of_another_list();
        }
        match self.source {
            Source::File(_) => self.reload(now),
            Source::Url(_) if same_list => self.judge_copy_again(now),
            Source::Url(_) => {
                self.fetch_anew(now);
                self.not_good(FileState::Unread, now)
            }
        }
    }

    /// The next list may have another length and another age.
    fn good_is_of_another_list(&mut self) {
        if let Some(good) = &mut self.good {
            good.summary = None;
            good.made = None;
        }
    }

    /// Judges the bytes of a list, and puts it in force if it is good.
    fn take(&mut self, bytes: &[u8], now: Timestamp) -> Look {
        let parsed = self.parse(bytes);
        self.status.size = Some(bytes.len() as u64);
        self.status.made = parsed.made;
        self.status.bad_lines.clone_from(&parsed.bad_lines);
        match self.judge(&parsed, now) {
            Ok(summary) => self.accept(bytes, parsed, summary, now),
            Err(refusal) => {
                let why = refusal.to_string();
                self.not_good(FileState::Refused { why }, now)
            }
        }
    }

    fn parse(&self, bytes: &[u8]) -> Parsed {
        let max = self.config.guards.max_entries;
        parse_up_to(&self.config.list_format(), bytes, max)
    }

    fn judge(&self, parsed: &Parsed, now: Timestamp) -> Result<Summary, Refusal> {
        let good = self.good.as_ref();
        if let Source::Url(_) = self.source {
            // A file is older where its owner put the older one back.
            judge_age(
                &self.config.list_format(),
                parsed.made,
                good.and_then(|good| good.made),
                self.config.lapse_after,
                now,
            )?;
        }
        let last_good = good.and_then(|good| good.summary.as_ref());
        judge(parsed, last_good, &self.config.guards)
    }

    fn accept(&mut self, bytes: &[u8], parsed: Parsed, summary: Summary, now: Timestamp) -> Look {
        let digest = self.digest(bytes);
        let same = self.good.as_ref().is_some_and(|good| good.digest == digest);
        let copied = self.copies.keep(&self.config.name, bytes, now.into());
        self.copied = Some(Copied {
            at: now,
            done: copied.is_ok(),
        });
        if let Err(error) = copied {
            tracing::error!(
                feed = %self.config.name, %error,
                "cannot keep a copy of the feed; it would be lost if its list were at the next start"
            );
        }
        self.good = Some(Good {
            digest,
            summary: Some(summary),
            made: parsed.made,
            at: now,
            since: now,
        });
        self.status.file = FileState::Ok;
        self.status.in_force = InForce::File;
        self.status.loaded = Some(now);
        self.status.last_good = Some(now);
        self.status.lapses = None;
        self.status.entries = summary.entries;
        tracing::info!(
            feed = %self.config.name,
            entries = summary.entries,
            bad_lines = parsed.bad_lines.count,
            "accepted feed"
        );
        if let Some(bad) = parsed.bad_lines.first.first() {
            tracing::warn!(
                feed = %self.config.name, line = bad.number, text = bad.text, why = bad.why,
                "skipped bad lines of a feed, of which this is the first"
            );
        }
        if same {
            Look::Unchanged
        } else {
            Look::Changed(parsed.entries)
        }
    }

    /// The last good state stays in force until it lapses (invariant 7).
    fn not_good(&mut self, state: FileState, now: Timestamp) -> Look {
        if self.status.file != state && state != FileState::Unread {
            let (from, last_good) = (&self.status.source, self.good.is_some());
            tracing::error!(
                feed = %self.config.name, %from, why = %state, last_good,
                "cannot use the list of a feed; what was last good stays, if anything was"
            );
        }
        self.status.file = state;
        let Some(good) = &self.good else {
            return Look::Unchanged;
        };
        let lapses = self.lapses(good, now);
        if now < lapses {
            self.status.in_force = InForce::LastGood;
            self.status.lapses = Some(lapses);
            return Look::Unchanged;
        }
        tracing::error!(feed = %self.config.name, "ended feed: its last good state has lapsed");
        self.good = None;
        self.status.in_force = InForce::Nothing;
        self.status.loaded = None;
        self.status.lapses = None;
        self.status.entries = 0;
        Look::Changed(Vec::new())
    }

    /// Puts the last good copy in force.
    fn read_copy(&mut self, now: Timestamp) -> io::Result<Vec<FeedEntry>> {
        let Some((at, bytes)) = self.copies.read(&self.config.name)? else {
            return Ok(Vec::new());
        };
        let at = whole_seconds(at).unwrap_or(now);
        let parsed = self.parse(&bytes);
        match judge(&parsed, None, &self.config.guards) {
            Ok(summary) => {
                let good = Good {
                    digest: self.digest(&bytes),
                    summary: Some(summary),
                    made: parsed.made,
                    at,
                    since: now,
                };
                let lapses = self.lapses(&good, now);
                if now >= lapses {
                    return Ok(self.not_used("it has lapsed"));
                }
                self.good = Some(good);
                self.status.in_force = InForce::LastGood;
                self.status.entries = summary.entries;
                self.status.made = parsed.made;
                self.status.loaded = Some(at);
                self.status.last_good = Some(at);
                self.status.lapses = Some(lapses);
                Ok(parsed.entries)
            }
            Err(refusal) => Ok(self.not_used(&refusal.to_string())),
        }
    }

    fn not_used(&self, why: &str) -> Vec<FeedEntry> {
        tracing::warn!(feed = %self.config.name, why, "refused a feed's last good copy");
        Vec::new()
    }

    /// When the last good state lapses, as it looks `now`.
    fn lapses(&self, good: &Good, now: Timestamp) -> Timestamp {
        let later = |at: Timestamp, time| at.checked_add(time).unwrap_or(Timestamp::MAX);
        // A clock that was ahead does not make a copy last longer. One that was behind when the copy
        // was read does not end it once it is right.
        let at = if good.at <= now {
            good.at
        } else {
            good.at.min(good.since)
        };
        let unconfirmed = later(at, self.config.lapse_after);
        match (&self.source, good.made) {
            // A list that stands still is no better for being fetched again and again.
            (Source::Url(_), Some(made)) => {
                let format = &self.config.list_format();
                unconfirmed.min(later(made, stale_after(format, self.config.lapse_after)))
            }
            _ => unconfirmed,
        }
    }

    /// Tells what the list means from what another list means, or this one in another format.
    fn digest(&self, bytes: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.config.list_format().hash(&mut hasher);
        bytes.hash(&mut hasher);
        hasher.finish()
    }
}

fn whole_seconds(time: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok().map(clock::second_down)
}

#[cfg(test)]
mod tests;
