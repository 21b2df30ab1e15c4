//! One feed: its file, its last good state, and what of them is in force. Looks at the file when
//! told to; what comes out is the list to put in force, when that is another one than before.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    time::SystemTime,
};

use jiff::Timestamp;

use super::{
    BadLines, FeedStatus, FileState, InForce, Parsed, Summary,
    file::{self, Stamp},
    judge,
    last_good::LastGood,
    parse,
};
use crate::{book::FeedEntry, config::FeedConfig};

/// A file that was found changed so often, look after look, is read all the same.
const MAX_CHANGES: u8 = 10;

/// A feed.
pub(super) struct Feed {
    config: FeedConfig,
    copies: LastGood,
    /// The file as it was last read; `None` if it could not be.
    stamp: Option<Stamp>,
    /// The file as it was last looked at, when that was not as it had been read.
    settling: Option<Settling>,
    good: Option<Good>,
    status: FeedStatus,
}

/// A changed file, which somebody may still be writing to.
struct Settling {
    stamp: Stamp,
    /// How often it was found changed again.
    changes: u8,
}

/// The last good state.
struct Good {
    /// Tells this file's content from another's.
    digest: u64,
    summary: Summary,
    /// When it was last known to be good.
    at: Timestamp,
}

/// What came of a look at a feed's file.
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
    /// A feed whose file has not been looked at.
    pub(super) fn new(config: FeedConfig, copies: LastGood) -> Self {
        let status = FeedStatus {
            name: config.name.clone(),
            path: config.path.clone(),
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
            config,
            copies,
            stamp: None,
            settling: None,
            good: None,
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

    /// The first look: puts the file in force, or else its last good copy.
    pub(super) fn start(&mut self, now: Timestamp) -> Look {
        let copied = self.read_copy(now);
        match (self.reload(now), copied) {
            (Look::Changed(entries), _) | (_, Ok(entries)) => Look::Changed(entries),
            (look, Err(error)) => {
                tracing::error!(
                    feed = %self.config.name, %error,
                    "cannot read the feed's last good copy: its listings stay as they are"
                );
                look
            }
        }
    }

    /// Looks whether the file has changed, and reads it if it has and nobody is writing to it.
    pub(super) fn look(&mut self, now: Timestamp) -> Look {
        let stamp = match Stamp::of(&self.config.path) {
            Ok(stamp) => stamp,
            Err(error) => return self.unreadable(&error, now),
        };
        if self.stamp == Some(stamp) {
            self.settling = None;
            return self.same(now);
        }
        match &mut self.settling {
            Some(seen) if seen.stamp == stamp || seen.changes >= MAX_CHANGES => {}
            Some(seen) => {
                seen.stamp = stamp;
                seen.changes += 1;
                return Look::Settling;
            }
            None => {
                self.settling = Some(Settling { stamp, changes: 0 });
                return Look::Settling;
            }
        }
        self.reload(now)
    }

    /// Reads the file, changed or not.
    pub(super) fn reload(&mut self, now: Timestamp) -> Look {
        let last_good = self.good.as_ref().map(|good| good.summary);
        self.read_file(last_good, now)
    }

    /// Takes another configuration of the same feed.
    pub(super) fn configure(&mut self, config: FeedConfig, now: Timestamp) -> Look {
        if self.config == config {
            return Look::Unchanged;
        }
        // Another list may be longer or shorter than this one was.
        let same_list = self.config.path == config.path && self.config.format == config.format;
        let last_good = self.good.as_ref().filter(|_| same_list);
        let last_good = last_good.map(|good| good.summary);
        self.status.path.clone_from(&config.path);
        self.status.format = config.format;
        self.config = config;
        self.read_file(last_good, now)
    }

    fn read_file(&mut self, last_good: Option<Summary>, now: Timestamp) -> Look {
        self.settling = None;
        let (stamp, bytes) = match file::read(&self.config.path) {
            Ok(read) => read,
            Err(error) => return self.unreadable(&error, now),
        };
        let parsed = parse(self.config.format, &bytes);
        self.stamp = Some(stamp);
        self.status.checked = Some(now);
        self.status.size = Some(stamp.size);
        self.status.modified = whole_seconds(stamp.modified);
        self.status.made = parsed.made;
        self.status.bad_lines.clone_from(&parsed.bad_lines);
        match judge(&parsed, last_good.as_ref(), &self.config.guards) {
            Ok(summary) => self.accept(&bytes, parsed, summary, now),
            Err(refusal) => {
                let why = refusal.to_string();
                self.not_good(FileState::Refused { why }, now)
            }
        }
    }

    fn accept(&mut self, bytes: &[u8], parsed: Parsed, summary: Summary, now: Timestamp) -> Look {
        let digest = self.digest(bytes);
        let same = self.good.as_ref().is_some_and(|good| good.digest == digest);
        let copied = if same {
            self.copies.confirm(&self.config.name, now.into())
        } else {
            self.copies.write(&self.config.name, bytes, now.into())
        };
        if let Err(error) = copied {
            tracing::error!(
                feed = %self.config.name, %error,
                "cannot keep a copy of the feed: it would be lost if its file were at the next start"
            );
        }
        self.good = Some(Good {
            digest,
            summary,
            at: now,
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
            "feed accepted"
        );
        if let Some(bad) = parsed.bad_lines.first.first() {
            tracing::warn!(
                feed = %self.config.name, line = bad.number, text = bad.text, why = bad.why,
                "the feed has bad lines, this is the first"
            );
        }
        if same {
            Look::Unchanged
        } else {
            Look::Changed(parsed.entries)
        }
    }

    /// The file is as it was last read.
    fn same(&mut self, now: Timestamp) -> Look {
        if self.status.file != FileState::Ok {
            return self.not_good(self.status.file.clone(), now);
        }
        self.status.checked = Some(now);
        self.status.last_good = Some(now);
        if let Some(good) = &mut self.good {
            good.at = now;
            if let Err(error) = self.copies.confirm(&self.config.name, now.into()) {
                tracing::debug!(feed = %self.config.name, %error, "cannot date the feed's copy");
            }
        }
        Look::Unchanged
    }

    fn unreadable(&mut self, error: &io::Error, now: Timestamp) -> Look {
        self.stamp = None;
        self.settling = None;
        self.status.checked = Some(now);
        let state = match error.kind() {
            io::ErrorKind::NotFound => FileState::Missing,
            _ => FileState::Unreadable {
                why: error.to_string(),
            },
        };
        self.not_good(state, now)
    }

    /// The last good state stays in force until it lapses (invariant 7).
    fn not_good(&mut self, state: FileState, now: Timestamp) -> Look {
        if self.status.file != state {
            let path = self.config.path.display();
            tracing::error!(feed = %self.config.name, %path, "{state}; the last good state stays");
        }
        self.status.file = state;
        self.status.checked = Some(now);
        let Some(good) = &self.good else {
            return Look::Unchanged;
        };
        let lapses = self.lapses(good.at);
        if now < lapses {
            self.status.in_force = InForce::LastGood;
            self.status.lapses = Some(lapses);
            return Look::Unchanged;
        }
        tracing::error!(feed = %self.config.name, "the last good state of the feed has lapsed");
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
        // A clock that was ahead does not make it last longer.
        let at = whole_seconds(at).unwrap_or(now).min(now);
        let parsed = parse(self.config.format, &bytes);
        let refusal = match judge(&parsed, None, &self.config.guards) {
            Ok(_) if now >= self.lapses(at) => "it has lapsed".to_owned(),
            Ok(summary) => {
                self.good = Some(Good {
                    digest: self.digest(&bytes),
                    summary,
                    at,
                });
                self.status.in_force = InForce::LastGood;
                self.status.entries = summary.entries;
                self.status.loaded = Some(at);
                self.status.last_good = Some(at);
                self.status.lapses = Some(self.lapses(at));
                return Ok(parsed.entries);
            }
            Err(refusal) => refusal.to_string(),
        };
        tracing::warn!(feed = %self.config.name, why = refusal, "the feed's last good copy is not used");
        Ok(Vec::new())
    }

    fn lapses(&self, last_good: Timestamp) -> Timestamp {
        let lapses = last_good.checked_add(self.config.lapse_after);
        lapses.unwrap_or(Timestamp::MAX)
    }

    /// Tells what the file means from what another file means, or this one in another format.
    fn digest(&self, bytes: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.config.format.hash(&mut hasher);
        bytes.hash(&mut hasher);
        hasher.finish()
    }
}

fn whole_seconds(time: SystemTime) -> Option<Timestamp> {
    let time = Timestamp::try_from(time).ok()?;
    Timestamp::from_second(time.as_second()).ok()
}

#[cfg(test)]
mod tests;
