//! Asking the running gate how it stands, through `gatectl`.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::Result;
use serde_json::Value;

use super::config;
use crate::run::{as_root, run};

/// `gatectl`, and the socket to speak to.
pub(super) struct Control {
    gatectl: PathBuf,
    socket: PathBuf,
}

impl Control {
    pub(super) fn new(gatectl: PathBuf, socket: PathBuf) -> Self {
        Self { gatectl, socket }
    }

    /// Where `gated` keeps its sockets.
    pub(super) fn run_dir(&self) -> &Path {
        self.socket.parent().unwrap_or(Path::new("/"))
    }

    /// The process of the `gated` that answers.
    pub(super) fn running(&self) -> Option<u64> {
        self.ask("status")?["pid"].as_u64()
    }

    /// Whether the program is on every interface, and every file has been read; what is fetched may
    /// take its time.
    pub(super) fn stands(&self) -> bool {
        let stands = || {
            let (status, feeds) = (self.ask("status")?, self.ask("feeds")?);
            let attached = |interface: &Value| !interface["attach"].is_null();
            let read = |feed: &Value| feed["file"] != "unread" || !feed["fetch"].is_null();
            Some(
                status["interfaces"].as_array()?.iter().all(attached)
                    && feeds["feeds"].as_array()?.iter().all(read),
            )
        };
        stands().unwrap_or(false)
    }

    fn ask(&self, question: &str) -> Option<Value> {
        let mut gatectl = as_root(&self.gatectl, "gatectl").ok()?;
        gatectl
            .args(["--json", "--socket"])
            .arg(&self.socket)
            .arg(question);
        let output = gatectl.stdin(Stdio::null()).output().ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }

    /// Shows how the gate and its lists stand.
    pub(super) fn print(&self) -> Result<()> {
        for question in ["status", "feeds"] {
            let mut gatectl = as_root(&self.gatectl, "gatectl")?;
            run(gatectl.arg("--socket").arg(&self.socket).arg(question))?;
            println!();
        }
        Ok(())
    }

    /// How an operator calls this `gatectl`.
    pub(super) fn command(&self) -> String {
        let gatectl = self.gatectl.display();
        if self.socket == config::default_socket() {
            gatectl.to_string()
        } else {
            format!("{gatectl} --socket {}", self.socket.display())
        }
    }
}
