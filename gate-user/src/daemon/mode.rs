//! The mode that an operator set by command: it outlives the daemon (invariant 10).
//!
//! Kept in `state/mode` together with the mode that the configuration named then. When the
//! configuration names another one later, the operator has edited it since, and it wins.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use gate_common::Mode;
use serde::{Deserialize, Serialize};

use super::DaemonError;

#[derive(Deserialize, Serialize)]
struct Kept {
    /// The mode set by command.
    mode: Mode,
    /// What the configuration named at that time.
    configured: Mode,
}

/// The mode set by command, on disk.
#[derive(Clone, Debug)]
pub(super) struct KeptMode {
    path: PathBuf,
}

impl KeptMode {
    /// The one of the gate with this state directory.
    pub(super) fn new(state: &Path) -> Self {
        Self {
            path: state.join("mode"),
        }
    }

    /// The mode in force under a configuration that names `configured`.
    pub(super) fn in_force(&self, configured: Mode) -> Result<Mode, DaemonError> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(configured),
            Err(error) => return Err(self.error("reading the mode set by command", error)),
        };
        let kept: Kept = serde_json::from_slice(&text).map_err(|error| {
            self.error(
                "reading the mode set by command; remove the file to go by the configuration",
                error.into(),
            )
        })?;
        Ok(if kept.configured == configured {
            kept.mode
        } else {
            configured
        })
    }

    /// Keeps `mode`, set by command under a configuration that names `configured`.
    pub(super) fn keep(&self, mode: Mode, configured: Mode) -> Result<(), DaemonError> {
        let text = serde_json::to_vec(&Kept { mode, configured })
            .map_err(|error| self.error("writing the mode", error.into()))?;
        self.replace(&text)
            .map_err(|error| self.error("writing the mode", error))
    }

    fn replace(&self, text: &[u8]) -> io::Result<()> {
        let fresh = self.path.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        self.path
            .parent()
            .map_or(Ok(()), |directory| File::open(directory)?.sync_all())
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
    fn a_command_holds_until_the_configuration_changes() {
        let directory = tempfile::tempdir().unwrap();
        let kept = KeptMode::new(directory.path());
        assert_eq!(kept.in_force(Mode::Enforce).unwrap(), Mode::Enforce);

        kept.keep(Mode::Off, Mode::Enforce).unwrap();
        assert_eq!(kept.in_force(Mode::Enforce).unwrap(), Mode::Off);
        assert_eq!(kept.in_force(Mode::Monitor).unwrap(), Mode::Monitor);
    }

    #[test]
    fn a_broken_file_is_told() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("mode"), "{").unwrap();
        let error = KeptMode::new(directory.path())
            .in_force(Mode::Off)
            .unwrap_err();
        assert!(error.to_string().contains("/mode: "), "{error}");
    }
}
