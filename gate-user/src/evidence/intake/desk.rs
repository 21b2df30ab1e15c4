//! Where everything is handed in: what is evidence goes on, what is refused is counted and kept.

use std::{
    io,
    net::IpAddr,
    ops::Add,
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::{Batch, Complaint, Handed, Intake, Refused, quarantine::Quarantine};
use crate::config::Config;

/// The one place where complaints and verdicts are handed in, by all ways, at once if need be.
#[derive(Debug)]
pub struct Desk {
    intake: ArcSwap<Intake>,
    quarantine: Mutex<Quarantine>,
    complaints: Counters,
    verdicts: Counters,
}

/// What was handed in since the daemon started, and what the quarantine holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Mails complained of.
    pub complaints: Sorted,
    /// Lines of verdicts.
    pub verdicts: Sorted,
    /// Files in the quarantine now.
    pub quarantined: u64,
    /// Their size in bytes.
    pub quarantined_bytes: u64,
}

/// What became of what was handed in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sorted {
    /// It is evidence.
    pub taken: u64,
    /// Of forwarders, own relays and the like: not evidence, and no error.
    pub dropped: u64,
    /// Refused.
    pub refused: u64,
}

impl Add for Sorted {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            taken: self.taken + other.taken,
            dropped: self.dropped + other.dropped,
            refused: self.refused + other.refused,
        }
    }
}

#[derive(Debug, Default)]
struct Counters {
    taken: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
}

impl Counters {
    fn sorted(&self) -> Sorted {
        Sorted {
            taken: self.taken.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    fn add(&self, taken: usize, dropped: usize, refused: usize) {
        for (counter, count) in [
            (&self.taken, taken),
            (&self.dropped, dropped),
            (&self.refused, refused),
        ] {
            counter.fetch_add(count as u64, Ordering::Relaxed);
        }
    }
}

/// Why nothing of what was handed in is evidence.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// It is refused, and kept in the quarantine.
    #[error(transparent)]
    Refused(Refused),
    /// It, or a part of it, is refused, and cannot be kept: it is to be handed in again.
    #[error("refused ({why}), and it cannot be kept in {}: {source}", dir.display())]
    NotKept {
        /// Why it is refused.
        why: String,
        /// The quarantine.
        dir: PathBuf,
        /// Why it cannot be kept.
        source: io::Error,
    },
}

impl Desk {
    /// A desk by the configuration, with the quarantine in `dir`, on a machine with the addresses
    /// `own`.
    ///
    /// # Errors
    /// When the quarantine is there and cannot be read.
    pub fn open(
        config: &Config,
        dir: PathBuf,
        own: impl IntoIterator<Item = IpAddr>,
    ) -> io::Result<Self> {
        Ok(Self {
            intake: ArcSwap::from_pointee(Intake::new(config, own)),
            quarantine: Mutex::new(Quarantine::open(dir, config.evidence.quarantine)?),
            complaints: Counters::default(),
            verdicts: Counters::default(),
        })
    }

    /// Goes by another configuration, or other own addresses, from now on.
    pub fn configure(&self, config: &Config, own: impl IntoIterator<Item = IpAddr>) {
        self.intake.store(Intake::new(config, own).into());
        self.quarantine().limit(config.evidence.quarantine);
    }

    /// What was handed in so far, and what is kept of it.
    pub fn counts(&self) -> Counts {
        let (quarantined, quarantined_bytes) = self.quarantine().held();
        Counts {
            complaints: self.complaints.sorted(),
            verdicts: self.verdicts.sorted(),
            quarantined,
            quarantined_bytes,
        }
    }

    /// Takes a mail that complains, as [`Intake::complaint`]. Writes to the disk if some of it is
    /// refused.
    ///
    /// # Errors
    /// When nothing in it is evidence, or the refused part cannot be kept.
    pub fn complaint(
        &self,
        raw: &[u8],
        handed: Handed,
        now: Timestamp,
    ) -> Result<Complaint, DeskError> {
        match self.intake.load().complaint(raw, handed, now) {
            Ok(complaint) => {
                if !complaint.refused.is_empty() {
                    let why: Vec<_> = complaint.refused.iter().map(ToString::to_string).collect();
                    self.keep(raw, &why.join("; "), now)?;
                }
                self.complaints.add(
                    complaint.evidence.len(),
                    complaint.dropped.len(),
                    complaint.refused.len(),
                );
                Ok(complaint)
            }
            Err(refused) => {
                self.keep(raw, &refused.to_string(), now)?;
                self.complaints.add(0, 0, 1);
                Err(DeskError::Refused(refused))
            }
        }
    }

    /// Takes verdicts, as [`Intake::verdicts`]. Writes to the disk if some of them are bad.
    ///
    /// # Errors
    /// When the bad lines cannot be kept.
    pub fn verdicts(&self, lines: &[u8], now: Timestamp) -> Result<Batch, DeskError> {
        let batch = self.intake.load().verdicts(lines, now);
        if let Some(first) = batch.bad.first() {
            let mut numbers = batch.bad.iter().map(|bad| bad.line).peekable();
            let bad: Vec<&[u8]> = (1..)
                .zip(lines.split(|&byte| byte == b'\n'))
                .filter_map(|(number, line)| numbers.next_if_eq(&number).map(|_| line))
                .collect();
            let why = match batch.bad.len() {
                1 => first.why.clone(),
                more => format!("{more} lines, the first because {}", first.why),
            };
            self.keep(&bad.join(&b'\n'), &why, now)?;
        }
        self.verdicts
            .add(batch.evidence.len(), batch.skipped, batch.bad.len());
        Ok(batch)
    }

    fn quarantine(&self) -> std::sync::MutexGuard<'_, Quarantine> {
        self.quarantine
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, what: &[u8], why: &str, now: Timestamp) -> Result<(), DeskError> {
        let mut quarantine = self.quarantine();
        quarantine
            .keep(what, why, now)
            .map_err(|source| DeskError::NotKept {
                why: why.to_owned(),
                dir: quarantine.dir().to_owned(),
                source,
            })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn open(dir: &TempDir) -> Desk {
        let config = Config::default();
        Desk::open(&config, dir.path().join("quarantine"), []).unwrap()
    }

    fn now() -> Timestamp {
        "2026-10-12T12:00:00Z".parse().unwrap()
    }

    /// What the quarantine holds, sorted.
    fn held(dir: &TempDir) -> Vec<String> {
        let Ok(entries) = fs::read_dir(dir.path().join("quarantine")) else {
            return Vec::new();
        };
        let mut held: Vec<_> = entries
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect();
        held.sort();
        held
    }

    #[test]
    fn what_is_refused_is_kept_and_counted() {
        let dir = tempfile::tempdir().unwrap();
        let desk = open(&dir);
        let error = desk.complaint(b"Subject: x\n\nx", Handed::default(), now());
        assert!(matches!(
            error,
            Err(DeskError::Refused(Refused::NothingAttached))
        ));
        let [held] = &held(&dir)[..] else {
            panic!("one file")
        };
        assert!(
            held.starts_with("Refused: it has no mail attached"),
            "{held}"
        );
        assert!(held.ends_with("\n\nSubject: x\n\nx"), "{held}");
        assert_eq!(desk.counts().complaints.refused, 1);
    }

    #[test]
    fn the_bad_lines_of_a_batch_are_kept_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let desk = open(&dir);
        let lines = b"x\n{\"address\":\"1.2.3.4\",\"verdict\":\"spam\"}\ny\n\n{\"address\":\"127.0.0.1\",\"verdict\":\"ham\"}";
        let batch = desk.verdicts(lines, now()).unwrap();
        assert_eq!(batch.evidence.len(), 1);
        let [held] = &held(&dir)[..] else {
            panic!("one file")
        };
        assert!(
            held.starts_with("Refused: 2 lines, the first because expected value\n"),
            "{held}"
        );
        assert!(held.ends_with("\n\nx\ny"), "{held}");
        let counts = Counts {
            complaints: Sorted::default(),
            verdicts: Sorted {
                taken: 1,
                dropped: 1,
                refused: 2,
            },
            quarantined: 1,
            quarantined_bytes: held.len() as u64,
        };
        assert_eq!(desk.counts(), counts);
    }

    #[test]
    fn what_is_good_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let desk = open(&dir);
        desk.verdicts(b"{\"address\":\"1.2.3.4\",\"verdict\":\"spam\"}", now())
            .unwrap();
        assert!(held(&dir).is_empty());
    }

    #[test]
    fn what_cannot_be_kept_is_no_refusal() {
        let dir = tempfile::tempdir().unwrap();
        let desk = open(&dir);
        fs::write(dir.path().join("quarantine"), "a file").unwrap();
        let error = desk.complaint(b"Subject: x\n\nx", Handed::default(), now());
        assert!(matches!(error, Err(DeskError::NotKept { .. })), "{error:?}");
        let error = desk.verdicts(b"x", now());
        assert!(matches!(error, Err(DeskError::NotKept { .. })), "{error:?}");
        assert_eq!(desk.counts(), Counts::default());
    }

    #[test]
    fn another_configuration_is_gone_by_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let desk = open(&dir);
        let line = b"{\"address\":\"1.2.3.4\",\"verdict\":\"spam\"}";
        desk.configure(&Config::default(), ["1.2.3.4".parse().unwrap()]);
        assert_eq!(desk.verdicts(line, now()).unwrap().skipped, 1);
    }
}
