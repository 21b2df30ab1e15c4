//! A mode that an operator set by command: it outlives the daemon (invariant 10).
//!
//! Kept in the state directory together with the mode that the configuration named then. When the
//! configuration names another one later, the operator has edited it since, and it wins: from then
//! on the command is forgotten.

use std::path::Path;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{DaemonError, kept::Kept};

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Command<M> {
    /// The mode set by command.
    mode: M,
    /// What the configuration named at that time.
    configured: M,
}

/// A mode set by command, on disk.
#[derive(Clone, Debug)]
pub(super) struct KeptMode<M>(Kept<Command<M>>);

impl<M: Copy + DeserializeOwned + PartialEq + Serialize> KeptMode<M> {
    /// The one in the file `name`, of the gate with this state directory.
    pub(super) fn new(state: &Path, name: &str) -> Self {
        Self(Kept::new(state, name))
    }

    /// The mode in force under a configuration that names `configured`.
    pub(super) fn in_force(&self, configured: M) -> Result<M, DaemonError> {
        match self.0.read()? {
            Some(command) if command.configured == configured => return Ok(command.mode),
            Some(_) => self.0.forget()?,
            None => {}
        }
        Ok(configured)
    }

    /// Keeps `mode`, set by command under a configuration that names `configured`.
    pub(super) fn keep(&self, mode: M, configured: M) -> Result<(), DaemonError> {
        self.0.keep(&Command { mode, configured })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use gate_common::Mode;

    use super::*;

    #[test]
    fn a_command_holds_until_the_configuration_changes() {
        let directory = tempfile::tempdir().unwrap();
        let kept = KeptMode::new(directory.path(), "mode");
        assert_eq!(kept.in_force(Mode::Enforce).unwrap(), Mode::Enforce);

        kept.keep(Mode::Off, Mode::Enforce).unwrap();
        assert_eq!(kept.in_force(Mode::Enforce).unwrap(), Mode::Off);
        assert_eq!(kept.in_force(Mode::Monitor).unwrap(), Mode::Monitor);
        // Changing it back does not bring the command back.
        assert_eq!(kept.in_force(Mode::Enforce).unwrap(), Mode::Enforce);
    }

    #[test]
    fn the_file_is_the_one_of_former_versions() {
        let directory = tempfile::tempdir().unwrap();
        let text = r#"{"mode":"off","configured":"enforce"}"#;
        fs::write(directory.path().join("mode"), text).unwrap();
        let kept = KeptMode::new(directory.path(), "mode");
        assert_eq!(kept.in_force(Mode::Enforce).unwrap(), Mode::Off);
    }
}
