//! The last good copy of each feed, `state/feeds/NAME`: what is in force when the feed's file is
//! refused or gone. The time of a copy is when the feed was last known to be good. Beside the copy of
//! a feed that is fetched lies its [`Note`], `state/feeds/.NAME.fetch`, so that a restart fetches
//! nothing again.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{fetch::Validators, file};
use crate::{config::FeedName, whole};

/// How much older than the truth the time of a copy may be: spares the disk a write a look.
pub(super) const PRECISION: Duration = Duration::from_hours(1);

/// What is known of a feed that is fetched, besides its copy.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Note {
    /// Tells the address it was fetched from; not the address, which may hold a key.
    pub(super) url: String,
    /// Tells the copy that the validators are of; `None` where there is no good one.
    pub(super) copy: Option<String>,
    /// To ask for the next list with.
    pub(super) validators: Validators,
    /// When the last fetch ended.
    pub(super) fetched: Timestamp,
    /// Whether it brought what is the copy.
    pub(super) good: bool,
    /// How many fetches have failed one behind the other.
    pub(super) failures: u32,
    /// When the next fetch is due.
    pub(super) next: Timestamp,
}

impl Note {
    /// What tells one content, or one address, from another.
    pub(super) fn digest(content: &[u8]) -> String {
        let digest = Sha256::digest(content);
        digest.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// The copies of one gate.
#[derive(Clone, Debug)]
pub(super) struct LastGood {
    dir: PathBuf,
}

impl LastGood {
    /// The copies in `dir`, which need not exist yet.
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    fn path(&self, name: &FeedName) -> PathBuf {
        self.dir.join(name.as_str())
    }

    /// The copy of a feed and when it was last good; `None` if there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(&self, name: &FeedName) -> io::Result<Option<(SystemTime, Vec<u8>)>> {
        match file::read(&self.path(name)) {
            Ok((stamp, bytes)) => Ok(Some((stamp.modified, bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Has these bytes, which are good now, be the copy of a feed: what is there is compared, because
    /// it may be lost or damaged, and dated if it is the same.
    ///
    /// # Errors
    /// When it cannot be dated or written; what was there is still there then.
    pub(super) fn keep(&self, name: &FeedName, bytes: &[u8], now: SystemTime) -> io::Result<()> {
        match self.read(name) {
            Ok(Some((noted, copy))) if copy == bytes => match now.duration_since(noted) {
                Ok(age) if age < PRECISION => Ok(()),
                // Older, or of a clock that was ahead.
                Ok(_) | Err(_) => File::open(self.path(name))?.set_modified(now),
            },
            // Whatever is there otherwise, or keeps it from being read.
            Ok(_) | Err(_) => self.write(name, bytes, now),
        }
    }

    /// Replaces the copy of a feed. Either the old copy or the new one survives a crash.
    fn write(&self, name: &FeedName, bytes: &[u8], now: SystemTime) -> io::Result<()> {
        self.replace(name, &self.path(name), bytes, Some(now))
    }

    fn replace(
        &self,
        name: &FeedName,
        path: &Path,
        bytes: &[u8],
        modified: Option<SystemTime>,
    ) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        // No feed's name begins with a dot.
        let new = self.dir.join(format!(".{name}.new"));
        whole::replace(path, &new, &[bytes], modified)
    }

    fn note_path(&self, name: &FeedName) -> PathBuf {
        self.dir.join(format!(".{name}.fetch"))
    }

    /// The note on a feed that is fetched; `None` if there is none that can be read: the feed is
    /// fetched as if for the first time then.
    pub(super) fn note(&self, name: &FeedName) -> Option<Note> {
        let (_, bytes) = file::read(&self.note_path(name)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Replaces the note on a feed that is fetched. To be called when the copy it tells of is
    /// written: a note that is older than its copy says nothing of it, which is safe.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write_note(&self, name: &FeedName, note: &Note) -> io::Result<()> {
        self.replace(
            name,
            &self.note_path(name),
            &serde_json::to_vec(note)?,
            None,
        )
    }

    /// Removes the note on a feed, which is fetched no longer; whether there was one.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(super) fn remove_note(&self, name: &FeedName) -> io::Result<bool> {
        match fs::remove_file(self.note_path(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.map(|()| true),
        }
    }

    /// Removes the copy of a feed, if there is one.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(super) fn remove(&self, name: &FeedName) -> io::Result<()> {
        for path in [self.note_path(name), self.path(name)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_replaced_and_dated() {
        let dir = tempfile::tempdir().unwrap();
        let copies = LastGood::new(dir.path().join("state/feeds"));
        let name: FeedName = "drop".parse().unwrap();
        let at = |hours| SystemTime::UNIX_EPOCH + Duration::from_hours(hours);
        assert!(copies.read(&name).unwrap().is_none());

        copies.keep(&name, b"one", at(100)).unwrap();
        assert_eq!(
            copies.read(&name).unwrap().unwrap(),
            (at(100), b"one".to_vec())
        );
        copies.keep(&name, b"two", at(200)).unwrap();
        assert_eq!(
            copies.read(&name).unwrap().unwrap(),
            (at(200), b"two".to_vec())
        );

        for (now, dated) in [
            (at(200) + Duration::from_mins(59), at(200)),
            (at(201), at(201)),
            (at(150), at(150)),
        ] {
            copies.keep(&name, b"two", now).unwrap();
            assert_eq!(copies.read(&name).unwrap().unwrap().0, dated);
        }
    }

    #[test]
    fn invariant_7_a_copy_that_is_lost_or_damaged_is_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let copies = LastGood::new(dir.path().join("feeds"));
        let name: FeedName = "a".parse().unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
        for damaged in [None, Some("192.0.2"), Some("")] {
            copies.keep(&name, b"192.0.2.7", now).unwrap();
            match damaged {
                None => fs::remove_file(copies.path(&name)).unwrap(),
                Some(text) => fs::write(copies.path(&name), text).unwrap(),
            }
            copies.keep(&name, b"192.0.2.7", now).unwrap();
            let kept = copies.read(&name).unwrap();
            assert_eq!(kept, Some((now, b"192.0.2.7".to_vec())), "{damaged:?}");
        }
    }

    #[test]
    fn a_copy_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let copies = LastGood::new(dir.path().join("feeds"));
        let [a, b]: [FeedName; 2] = ["a", "b"].map(|name| name.parse().unwrap());
        copies.remove(&a).unwrap();
        for name in [&a, &b] {
            copies.keep(name, b"", SystemTime::UNIX_EPOCH).unwrap();
        }
        copies.remove(&a).unwrap();
        assert!(copies.read(&a).unwrap().is_none());
        assert!(copies.read(&b).unwrap().is_some());
    }

    #[test]
    fn a_note_goes_with_its_copy() {
        let dir = tempfile::tempdir().unwrap();
        let copies = LastGood::new(dir.path().join("feeds"));
        let name: FeedName = "a".parse().unwrap();
        assert_eq!(copies.note(&name), None);
        let note = Note {
            url: Note::digest(b"https://lists.example.org/a"),
            copy: Some(Note::digest(b"192.0.2.7")),
            validators: Validators::default(),
            fetched: "2026-03-04T12:00:00Z".parse().unwrap(),
            good: false,
            failures: 3,
            next: "2026-03-04T18:00:00Z".parse().unwrap(),
        };
        copies.write_note(&name, &note).unwrap();
        assert_eq!(copies.note(&name), Some(note));
        assert!(copies.read(&name).unwrap().is_none());

        fs::write(copies.note_path(&name), "{").unwrap();
        assert_eq!(copies.note(&name), None);
        copies.remove(&name).unwrap();
        assert_eq!(fs::read_dir(dir.path().join("feeds")).unwrap().count(), 0);
    }
}
