//! The last good copy of each feed, `state/feeds/NAME`: what is in force when the feed's file is
//! refused or gone. The time of a copy is when the feed was last known to be good.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use super::file;
use crate::config::FeedName;

/// How much older than the truth the time of a copy may be: spares the disk a write a look.
const PRECISION: Duration = Duration::from_hours(1);

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

    /// Replaces the copy of a feed, which is good now. Either the old copy or the new one
    /// survives a crash.
    ///
    /// # Errors
    /// When it cannot be written; the old copy is still there then.
    pub(super) fn write(&self, name: &FeedName, bytes: &[u8], now: SystemTime) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        // No feed's name begins with a dot.
        let new = self.dir.join(format!(".{name}.new"));
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.set_modified(now)?;
        file.sync_all()?;
        fs::rename(&new, self.path(name))?;
        File::open(&self.dir)?.sync_all()
    }

    /// Notes that the feed is still good now.
    ///
    /// # Errors
    /// When there is no copy, or it cannot be touched.
    pub(super) fn confirm(&self, name: &FeedName, now: SystemTime) -> io::Result<()> {
        let file = File::open(self.path(name))?;
        let noted = file.metadata()?.modified()?;
        match now.duration_since(noted) {
            Ok(age) if age < PRECISION => Ok(()),
            // Older, or of a clock that was ahead.
            Ok(_) | Err(_) => file.set_modified(now),
        }
    }

    /// Removes the copy of a feed, if there is one.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(super) fn remove(&self, name: &FeedName) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
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
        assert!(copies.confirm(&name, at(1)).is_err());

        copies.write(&name, b"one", at(100)).unwrap();
        assert_eq!(
            copies.read(&name).unwrap().unwrap(),
            (at(100), b"one".to_vec())
        );
        copies.write(&name, b"two", at(200)).unwrap();
        assert_eq!(
            copies.read(&name).unwrap().unwrap(),
            (at(200), b"two".to_vec())
        );

        copies
            .confirm(&name, at(200) + Duration::from_mins(59))
            .unwrap();
        assert_eq!(copies.read(&name).unwrap().unwrap().0, at(200));
        copies.confirm(&name, at(201)).unwrap();
        assert_eq!(copies.read(&name).unwrap().unwrap().0, at(201));
        copies.confirm(&name, at(150)).unwrap();
        assert_eq!(copies.read(&name).unwrap().unwrap().0, at(150));
    }

    #[test]
    fn a_copy_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let copies = LastGood::new(dir.path().join("feeds"));
        let [a, b]: [FeedName; 2] = ["a", "b"].map(|name| name.parse().unwrap());
        copies.remove(&a).unwrap();
        for name in [&a, &b] {
            copies.write(name, b"", SystemTime::UNIX_EPOCH).unwrap();
        }
        copies.remove(&a).unwrap();
        assert!(copies.read(&a).unwrap().is_none());
        assert!(copies.read(&b).unwrap().is_some());
    }
}
