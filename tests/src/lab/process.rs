//! The programs that the lab runs.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

/// The program `name` of this workspace, as built beside the program that asks.
///
/// # Errors
/// It is not built: for a test's own package cargo does that, for others `cargo xtask test`.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("looking for this program's own file")?;
    // target/debug/gate-lab, or target/debug/deps/TEST-HASH.
    let found = own.ancestors().skip(1).take(2).map(|dir| dir.join(name));
    let found = found.into_iter().find(|path| path.is_file());
    found.with_context(|| {
        format!(
            "`{name}` is not built: `cargo xtask test` builds it, or `cargo build -p gate-user`"
        )
    })
}

/// Runs `command` to its end and returns what it prints.
///
/// # Errors
/// It cannot be started, or fails; the error shows what it said.
pub(super) fn checked(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} failed ({}): {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A helper that runs until its standard input ends, which it does when this process ends, however
/// that comes about. Ended and waited for on drop.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Running {
    /// Starts `command`.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("running {command:?}"))?;
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Ok(Self { child, output })
    }

    /// Starts `command` and waits until it says `ready`.
    pub(super) fn start_ready(command: &mut Command) -> Result<Self> {
        let mut running = Self::start(command)?;
        let line = running.line()?;
        ensure!(line == "ready", "{command:?} is not ready: `{line}`");
        Ok(running)
    }

    /// Tells it to end, and returns its last word.
    pub(super) fn finish(mut self) -> Result<String> {
        drop(self.child.stdin.take());
        self.line()
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It is gone already, or goes now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
