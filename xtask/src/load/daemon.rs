//! The process of `gated`: started in a session of its own or in the terminal, and stopped.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use super::control::Control;
use crate::run::{as_root, run};

/// How long `gated` may take to stand, or to end.
const DEADLINE: Duration = Duration::from_mins(1);

/// How often is looked whether it does.
const INTERVAL: Duration = Duration::from_millis(200);

/// Starts `$1` with its arguments in a session of its own, its output behind what `$0` holds.
const DETACH: &str = r#"
mkdir -p "$(dirname "$0")" || exit
setsid "$@" >>"$0" 2>&1 </dev/null &
echo $!
"#;

/// A `gated` that was started.
pub(super) enum Daemon {
    /// In a session of its own: its process, and the file it logs to.
    Detached { pid: u32, log: PathBuf },
    /// In this terminal.
    Foreground(Child),
}

impl Daemon {
    /// Starts `gated` with that configuration.
    pub(super) fn start(
        gated: &Path,
        config: Option<&Path>,
        control: &Control,
        foreground: bool,
    ) -> Result<Self> {
        let what = "cargo xtask build-and-load";
        let arguments = config
            .iter()
            .flat_map(|config| [Path::new("--config"), config]);
        if foreground {
            let child = as_root(gated, what)?.args(arguments).spawn()?;
            return Ok(Self::Foreground(child));
        }
        let log = control.run_dir().join("gated.log");
        let mut shell = as_root("sh", what)?;
        shell
            .args(["-c", DETACH])
            .arg(&log)
            .arg(gated)
            .args(arguments);
        let output = shell.stderr(Stdio::inherit()).output()?;
        let pid = String::from_utf8_lossy(&output.stdout);
        let pid = pid.trim().parse().context("gated could not be started")?;
        Ok(Self::Detached { pid, log })
    }

    /// Waits until the gate is on its interfaces, with its lists in force.
    ///
    /// # Errors
    /// It ends, or takes too long: the error shows the end of its log.
    pub(super) fn wait_until_it_stands(&mut self, control: &Control) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        while !control.stands() {
            if !self.is_alive()? {
                bail!("gated ended{}", self.log_tail());
            }
            if Instant::now() > deadline {
                bail!("gated does not stand after {DEADLINE:?}{}", self.log_tail());
            }
            thread::sleep(INTERVAL);
        }
        Ok(())
    }

    fn is_alive(&mut self) -> Result<bool> {
        match self {
            Self::Detached { pid, .. } => Ok(is_alive((*pid).into())),
            Self::Foreground(child) => Ok(child.try_wait()?.is_none()),
        }
    }

    fn log_tail(&self) -> String {
        let Self::Detached { log, .. } = self else {
            return ", see above".to_owned();
        };
        let tail = as_root("tail", "reading the log").map(|mut tail| tail.arg(log).output());
        match tail {
            Ok(Ok(output)) => format!(
                "; the end of {}:\n{}",
                log.display(),
                String::from_utf8_lossy(&output.stdout).trim_end()
            ),
            _ => format!("; see {}", log.display()),
        }
    }

    /// What an operator does next.
    pub(super) fn how_to_go_on(&self, control: &Control) -> String {
        let stop = match self {
            Self::Detached { pid, .. } => format!("kill {pid}"),
            Self::Foreground(_) => "Ctrl-C".to_owned(),
        };
        let mut lines = vec![
            ("list a network", "gatectl block 192.0.2.0/24 --for 3d"),
            ("why is an address refused?", "gatectl check 192.0.2.7"),
            ("what the kernel counts", "gatectl stats --watch"),
            ("count only, drop nothing", "gatectl mode monitor"),
            ("off the wire", "gatectl detach"),
            ("stop gated; the kernel goes on", &stop),
        ]
        .into_iter()
        .map(|(what, how)| format!("  {what:<32}{how}"))
        .collect::<Vec<_>>();
        if let Self::Detached { log, .. } = self {
            lines.push(format!("  {:<32}{}", "its log", log.display()));
        }
        format!("gatectl is {}\n{}", control.command(), lines.join("\n"))
    }

    /// In the terminal, until it ends; otherwise nothing.
    pub(super) fn stay(self) -> Result<()> {
        let Self::Foreground(mut child) = self else {
            return Ok(());
        };
        let status = child.wait()?;
        ensure!(status.success(), "gated failed: {status}");
        Ok(())
    }
}

/// Ends the `gated` that is process `pid`, and waits for it. The kernel goes on enforcing.
///
/// # Errors
/// It does not end.
pub(super) fn stop(pid: u64) -> Result<()> {
    run(as_root("kill", &format!("kill {pid}"))?.arg(pid.to_string()))?;
    let deadline = Instant::now() + DEADLINE;
    while is_alive(pid) {
        ensure!(
            Instant::now() < deadline,
            "gated (process {pid}) does not end"
        );
        thread::sleep(INTERVAL);
    }
    Ok(())
}

fn is_alive(pid: u64) -> bool {
    // A process that has ended and that nobody waits for is a zombie (proc_pid_stat(5)).
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
