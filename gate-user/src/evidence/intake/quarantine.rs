//! What was refused, kept for a person to look at: a directory of bounded size.
//!
//! A file holds three lines, `Refused: WHY`, `Time: TIME` and an empty one, and then what came in
//! as it came. Names sort by time. A file is there whole or not at all; the oldest goes first.

use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use crate::{config::QuarantineConfig, whole};

/// The directory, and what is in it. Nobody else writes there; who removes files there spares
/// the quarantine the work.
#[derive(Debug)]
pub(super) struct Quarantine {
    dir: PathBuf,
    limits: QuarantineConfig,
    /// Name and size in bytes, the oldest first.
    files: VecDeque<(String, u64)>,
    /// Sum of the sizes.
    bytes: u64,
    /// Tells files of one second apart.
    number: u32,
}

/// What a file is that is not whole yet.
const UNFINISHED: &str = ".new";

impl Quarantine {
    /// The quarantine in `dir`, which is made when it is needed.
    ///
    /// # Errors
    /// When the directory is there and cannot be read.
    pub(super) fn open(dir: PathBuf, limits: QuarantineConfig) -> io::Result<Self> {
        let mut files = Vec::new();
        match fs::read_dir(&dir) {
            Ok(entries) => {
                for entry in entries {
                    let entry = entry?;
                    let Ok(name) = entry.file_name().into_string() else {
                        continue;
                    };
                    if name.ends_with(UNFINISHED) {
                        // A crash left it: whoever handed it in was told nothing, and tries again.
                        fs::remove_file(entry.path())?;
                    } else if is_name(&name) {
                        files.push((name, entry.metadata()?.len()));
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        files.sort();
        Ok(Self {
            dir,
            limits,
            bytes: files.iter().map(|(_, size)| size).sum(),
            files: files.into(),
            number: 0,
        })
    }

    /// The directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// How many files are there, and their size in bytes.
    pub(super) fn held(&self) -> (u64, u64) {
        (self.files.len() as u64, self.bytes)
    }

    /// Takes other limits, by which the next file is kept.
    pub(super) fn limit(&mut self, limits: QuarantineConfig) {
        self.limits = limits;
    }

    /// Keeps what was refused for the reason `why`; of what is larger than the whole quarantine,
    /// the beginning.
    ///
    /// # Errors
    /// When it cannot be kept, because the disk is full for example. Older files may be gone then.
    pub(super) fn keep(&mut self, what: &[u8], why: &str, now: Timestamp) -> io::Result<()> {
        let why: String = why.chars().filter(|c| !c.is_control()).take(500).collect();
        let head = format!("Refused: {why}\nTime: {now}\n\n");
        let room = usize::try_from(self.limits.max_bytes).unwrap_or(usize::MAX);
        let what = &what[..what.len().min(room.saturating_sub(head.len()))];
        let size = (head.len() + what.len()) as u64;
        let most = self.limits.max_files as usize;
        while self.files.len() >= most || self.bytes + size > self.limits.max_bytes {
            let Some((oldest, size)) = self.files.front() else {
                break;
            };
            match fs::remove_file(self.dir.join(oldest)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            self.bytes -= size;
            self.files.pop_front();
        }
        fs::create_dir_all(&self.dir)?;
        let name = self.name(now);
        let unfinished = self.dir.join(format!("{name}{UNFINISHED}"));
        let parts = [head.as_bytes(), what];
        whole::replace(&self.dir.join(&name), &unfinished, &parts, None)?;
        self.bytes += size;
        self.files.push_back((name, size));
        Ok(())
    }

    /// A name that sorts behind all that are there, even after the clock was set back.
    fn name(&mut self, now: Timestamp) -> String {
        let newest = self.files.back().map(|(name, _)| name.as_str());
        let mut time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        if let Some((newest_time, number)) = newest.and_then(|name| name.split_once('-'))
            && newest_time >= time.as_str()
        {
            newest_time.clone_into(&mut time);
            self.number = number.parse().unwrap_or(self.number).wrapping_add(1);
        } else {
            self.number = 0;
        }
        format!("{time}-{:010}", self.number)
    }
}

/// `20261012T120000Z-0000000000`.
fn is_name(name: &str) -> bool {
    name.len() == 27
        && name.split_once('-').is_some_and(|(time, number)| {
            time.ends_with('Z') && number.bytes().all(|byte| byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(max_files: u32, max_bytes: u64) -> QuarantineConfig {
        QuarantineConfig {
            max_files,
            max_bytes,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_791_806_400 + second).unwrap()
    }

    /// What the files hold behind the head, in the order of their names.
    fn held(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        names
            .iter()
            .map(|path| {
                let text = fs::read_to_string(path).unwrap();
                text.split_once("\n\n").unwrap().1.to_owned()
            })
            .collect()
    }

    #[test]
    fn what_is_kept_tells_why_and_when() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("state/quarantine");
        let mut quarantine = Quarantine::open(place.clone(), limits(10, 1 << 20)).unwrap();
        quarantine.keep(b"Subject: x\n", "no\nmail", at(0)).unwrap();
        let file = place.join("20261012T120000Z-0000000000");
        let text = fs::read_to_string(file).unwrap();
        assert_eq!(
            text,
            "Refused: nomail\nTime: 2026-10-12T12:00:00Z\n\nSubject: x\n"
        );
    }

    #[test]
    fn the_oldest_goes_first() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().to_owned();
        let open = |max_files| Quarantine::open(place.clone(), limits(max_files, 1 << 20)).unwrap();
        let mut quarantine = open(3);
        // The clock is set back in between.
        for (what, second) in [("a", 0), ("b", 0), ("c", -100), ("d", 1)] {
            quarantine.keep(what.as_bytes(), "x", at(second)).unwrap();
        }
        assert_eq!(held(dir.path()), ["b", "c", "d"]);
        let mut quarantine = open(2);
        quarantine.keep(b"e", "x", at(1)).unwrap();
        assert_eq!(held(dir.path()), ["d", "e"]);
    }

    #[test]
    fn all_of_it_has_a_size() {
        let dir = tempfile::tempdir().unwrap();
        let limits = limits(100, 1000);
        let mut quarantine = Quarantine::open(dir.path().to_owned(), limits).unwrap();
        let size = || -> u64 {
            let entries = fs::read_dir(dir.path()).unwrap();
            entries
                .map(|entry| entry.unwrap().metadata().unwrap().len())
                .sum()
        };
        for i in 0..20 {
            quarantine.keep(&[b'x'; 150], "x", at(i)).unwrap();
            assert!(size() <= 1000);
        }
        assert!(held(dir.path()).len() >= 4);
        // What is larger than all of it: its beginning.
        quarantine.keep(&[b'y'; 5000], "x", at(30)).unwrap();
        assert_eq!(size(), 1000);
        assert_eq!(held(dir.path()).len(), 1);
    }

    #[test]
    fn what_a_crash_left_is_removed_and_what_is_not_ours_stays() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("20261012T120000Z-0000000000.new"), "x").unwrap();
        fs::write(dir.path().join("notes"), "x\n\nnotes").unwrap();
        let mut quarantine = Quarantine::open(dir.path().to_owned(), limits(1, 1 << 20)).unwrap();
        quarantine.keep(b"a", "x", at(0)).unwrap();
        quarantine.keep(b"b", "x", at(1)).unwrap();
        assert_eq!(held(dir.path()), ["b", "notes"]);
    }

    #[test]
    fn what_cannot_be_kept_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let under_a_file = file.join("quarantine");
        // ENOTDIR already when it is opened, or when something is kept.
        let kept = Quarantine::open(under_a_file, limits(1, 1000))
            .and_then(|mut quarantine| quarantine.keep(b"a", "x", at(0)));
        assert!(kept.is_err());
    }

    #[test]
    fn a_file_that_somebody_removed_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let mut quarantine = Quarantine::open(dir.path().to_owned(), limits(1, 1000)).unwrap();
        quarantine.keep(b"a", "x", at(0)).unwrap();
        fs::remove_file(dir.path().join("20261012T120000Z-0000000000")).unwrap();
        quarantine.keep(b"b", "x", at(1)).unwrap();
        assert_eq!(held(dir.path()), ["b"]);
    }
}
