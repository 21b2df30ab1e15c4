//! The lab's server as a host of its own, for lines of the documents word for word: `/etc/gate`,
//! `/run/gate`, `/var/lib/gate` and `/sys/fs/bpf` are there for its processes alone, and the default
//! route's interface is the lab's.
//!
//! In: lines. Out: what they say, and which processes they left. All of those end with the host.

use std::{
    fs,
    marker::PhantomData,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::{Lab, files::Workspace, namespace::Namespace, process::Running};
use crate::typed;

const MAKE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lab/host.sh");

/// A host. Its processes are ended on drop.
#[derive(Debug)]
pub struct Host<'a> {
    /// Keeps the mount namespace.
    keeper: Running,
    lab: PhantomData<&'a Lab>,
}

impl Host<'_> {
    /// Mounts what is its own. `ip netns exec` has made the mount namespace.
    pub(super) fn new(server: &Namespace, workspace: &Workspace) -> Result<Self> {
        let mut make = server.command("sh");
        make.args(["-e", MAKE]).arg(workspace.dir("host")?);
        let keeper = Running::start_ready(&mut make).context("making a host")?;
        let lab = PhantomData;
        Ok(Self { keeper, lab })
    }

    /// A line for its shell, to be run in the directory `directory` of the machine, with the programs
    /// in `programs` before all others.
    ///
    /// # Errors
    /// A directory's name cannot be in `PATH`.
    pub fn line(&self, line: &str, directory: &Path, programs: &Path) -> Result<Command> {
        let mut shell = Command::new("nsenter");
        shell.args(["--target", &self.keeper.pid().to_string()]);
        shell.args(["--mount", "--net", "env", "--chdir"]);
        shell.arg(directory).args(["sh", "-c", line]);
        typed::surround(&mut shell, Some(programs))?;
        Ok(shell)
    }

    /// Where a file of the host is, as this process sees it.
    pub fn path(&self, path: &str) -> PathBuf {
        let root = Path::new("/proc").join(self.keeper.pid().to_string());
        root.join("root").join(path.trim_start_matches('/'))
    }

    /// The processes that run on it, but for the one that keeps it, with the names of their programs.
    ///
    /// # Errors
    /// `/proc` is not there.
    pub fn processes(&self) -> Result<Vec<(Pid, String)>> {
        let mounts = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/mnt"));
        let own = mounts(self.keeper.pid())?;
        let numbered = fs::read_dir("/proc")?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
        // One that has ended by now, or waits for its parent to take notice, has no mounts.
        let on_it = numbered.filter(|pid| mounts(*pid).is_ok_and(|of_it| of_it == own));
        let others = on_it.filter(|pid| *pid != self.keeper.pid());
        let named = others.filter_map(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
            Some((Pid::from_raw(pid.try_into().ok()?)?, name.trim().to_owned()))
        });
        Ok(named.collect())
    }
}

impl Drop for Host<'_> {
    fn drop(&mut self) {
        for (pid, _) in self.processes().unwrap_or_default() {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
