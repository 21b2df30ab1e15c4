//! What the daemon keeps on disk beside the book, a small file each: written whole, or not at all.

use std::{
    fs, io,
    marker::PhantomData,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use super::DaemonError;
use crate::whole;

/// A file in the state directory that holds one `T`, or is not there.
#[derive(Clone, Debug)]
pub(super) struct Kept<T> {
    path: PathBuf,
    holds: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Serialize> Kept<T> {
    /// The one of that name, of the gate with this state directory.
    pub(super) fn new(state: &Path, name: &str) -> Self {
        Self {
            path: state.join(name),
            holds: PhantomData,
        }
    }

    /// What is kept.
    pub(super) fn read(&self) -> Result<Option<T>, DaemonError> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.error("reading what was kept", error)),
        };
        let kept = serde_json::from_slice(&text).map_err(|error| {
            self.error(
                "reading what was kept; remove the file to go by the configuration",
                error.into(),
            )
        })?;
        Ok(Some(kept))
    }

    /// Keeps `it`; on disk when this returns.
    pub(super) fn keep(&self, it: &T) -> Result<(), DaemonError> {
        let kept = || {
            let text = serde_json::to_vec(it)?;
            let fresh = self.path.with_extension("new");
            whole::replace(&self.path, &fresh, &[&text], None)
        };
        kept().map_err(|error| self.error("writing it", error))
    }

    /// Keeps nothing any more.
    pub(super) fn forget(&self) -> Result<(), DaemonError> {
        match fs::remove_file(&self.path) {
            Ok(()) => whole::sync_directory(&self.path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
        .map_err(|error| self.error("removing it", error))
    }

    fn error(&self, what: &'static str, source: io::Error) -> DaemonError {
        DaemonError::File {
            path: self.path.clone(),
            what,
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_until_it_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let kept = Kept::new(directory.path(), "number");
        assert_eq!(kept.read().unwrap(), None);
        for number in [7, 8] {
            kept.keep(&number).unwrap();
            assert_eq!(kept.read().unwrap(), Some(number));
        }
        for _ in 0..2 {
            kept.forget().unwrap();
            assert_eq!(kept.read().unwrap(), None);
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_broken_file_is_told() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("number"), "{").unwrap();
        let error = Kept::<u32>::new(directory.path(), "number")
            .read()
            .unwrap_err();
        assert!(error.to_string().contains("/number: "), "{error}");
    }
}
