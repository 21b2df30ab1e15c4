//! A feed's file: when it is read, and what became of that.

use std::{io, path::Path};

use jiff::Timestamp;

use super::{Feed, Look, Source, whole_seconds};
use crate::{
    config::FeedSource,
    feeds::{
        FileState,
        file::{self, Stamp},
        last_good::PRECISION,
    },
};

/// A file that was found changed so often, look after look, is read all the same.
pub(super) const MAX_CHANGES: u8 = 10;

/// What is known of a feed's file.
#[derive(Default)]
pub(super) struct OnDisk {
    /// As it was last read; `None` if it could not be.
    stamp: Option<Stamp>,
    /// As it was last looked at, when that was not as it had been read.
    settling: Option<Settling>,
}

/// A changed file, which somebody may still be writing to.
struct Settling {
    stamp: Stamp,
    /// How often it was found changed again.
    changes: u8,
}

impl OnDisk {
    /// Takes what was seen of the file: whether it is time to read it.
    fn see(&mut self, stamp: Stamp) -> bool {
        match &mut self.settling {
            Some(seen) if seen.stamp == stamp || seen.changes >= MAX_CHANGES => true,
            Some(seen) => {
                seen.stamp = stamp;
                seen.changes += 1;
                false
            }
            None => {
                self.settling = Some(Settling { stamp, changes: 0 });
                false
            }
        }
    }
}

impl Feed {
    /// Its file; of a feed that is fetched, one that is never there.
    pub(in crate::feeds) fn path(&self) -> Option<&Path> {
        match self.config.source() {
            FeedSource::File(path) => Some(path),
            FeedSource::Url(_) => None,
        }
    }

    /// Looks whether the file has changed, and reads it if it has and nobody is writing to it.
    pub(super) fn look_at_file(&mut self, now: Timestamp) -> Look {
        let stamp = match Stamp::of(self.path().unwrap_or("".as_ref())) {
            Ok(stamp) => stamp,
            Err(error) => return self.unreadable(&error, now),
        };
        let Source::File(on_disk) = &mut self.source else {
            return Look::Unchanged;
        };
        if on_disk.stamp == Some(stamp) {
            on_disk.settling = None;
            return self.same(now);
        }
        if on_disk.see(stamp) {
            self.reload(now)
        } else {
            Look::Settling
        }
    }

    /// Reads the file, changed or not.
    pub(in crate::feeds) fn reload(&mut self, now: Timestamp) -> Look {
        let (stamp, bytes) = match file::read(self.path().unwrap_or("".as_ref())) {
            Ok(read) => read,
            Err(error) => return self.unreadable(&error, now),
        };
        self.source = Source::File(OnDisk {
            stamp: Some(stamp),
            settling: None,
        });
        self.status.checked = Some(now);
        self.status.modified = whole_seconds(stamp.modified);
        self.take(&bytes, now)
    }

    /// The file is as it was last read.
    fn same(&mut self, now: Timestamp) -> Look {
        self.status.checked = Some(now);
        if self.status.file != FileState::Ok {
            return self.not_good(self.status.file.clone(), now);
        }
        let is_old = |at: Timestamp| at > now || at.duration_since(now).unsigned_abs() >= PRECISION;
        if self.copied.is_none_or(|copied| is_old(copied.at)) {
            // Its copy is to be dated, or written where it was lost or could not be.
            return self.reload(now);
        }
        self.status.last_good = Some(now);
        if let Some(good) = &mut self.good {
            good.at = now;
            good.since = now;
        }
        Look::Unchanged
    }

    /// A copy with a note beside it is of a list that was fetched.
    pub(super) fn drop_note(&mut self) {
        match self.copies.remove_note(&self.config.name) {
            Ok(true) => self.good_is_of_another_list(),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(feed = %self.config.name, %error, "cannot remove the note on former fetches");
            }
        }
    }

    fn unreadable(&mut self, error: &io::Error, now: Timestamp) -> Look {
        self.source = Source::File(OnDisk::default());
        self.status.checked = Some(now);
        let state = match error.kind() {
            io::ErrorKind::NotFound => FileState::Missing,
            _ => FileState::Unreadable {
                why: error.to_string(),
            },
        };
        self.not_good(state, now)
    }
}
