//! One network namespace, and running programs in it.

use std::{
    ffi::OsStr,
    fs,
    io::Write as _,
    os::fd::AsFd as _,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use rustix::{
    process::{Pid, Signal, kill_process},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

use super::process::checked;

/// Where `ip netns` keeps its namespaces.
const NAMESPACES: &str = "/run/netns";

/// A network namespace with its loopback up. Removed on drop.
#[derive(Debug)]
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes `PREFIX-NAME`.
    pub(crate) fn new(prefix: &str, name: &str) -> Result<Self> {
        ensure!(
            rustix::process::geteuid().is_root(),
            "the lab needs root, for network namespaces: `cargo xtask test` asks sudo for it"
        );
        let name = format!("{prefix}-{name}");
        checked(Command::new("ip").args(["netns", "add", &name]))?;
        let namespace = Self { name };
        // Nobody checks whether an address is used twice, which would take a second; and a client
        // may answer from any address.
        for (key, value) in [
            ("ipv6/conf/all/accept_dad", "0"),
            ("ipv6/conf/default/accept_dad", "0"),
            ("ipv4/conf/all/rp_filter", "0"),
            ("ipv4/conf/default/rp_filter", "0"),
        ] {
            let path = format!("/proc/sys/net/{key}");
            namespace.run("sh", &["-c", "echo \"$1\" >\"$0\"", &path, value])?;
        }
        namespace.ip(&["link set lo up"])?;
        Ok(namespace)
    }

    /// Moves the calling thread in; what it opens and runs from now on is in there.
    pub(crate) fn enter(&self) -> Result<()> {
        let namespace = fs::File::open(Path::new(NAMESPACES).join(&self.name))?;
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
            .with_context(|| format!("entering {}", self.name))
    }

    /// Its name, as `ip netns` knows it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// `program`, to be run in the namespace. The process is the program's own, not `ip`'s.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Runs `program` to its end.
    pub(super) fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        checked(self.command(program).args(arguments))
    }

    /// Runs commands of `ip`, in one go.
    pub(crate) fn ip(&self, commands: &[&str]) -> Result<()> {
        let mut ip = Command::new("ip");
        ip.args(["-netns", &self.name, "-batch", "-"]);
        let mut child = ip
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("running ip (Debian: iproute2)")?;
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all((commands.join("\n") + "\n").as_bytes())?;
        drop(stdin);
        let output = child.wait_with_output()?;
        ensure!(
            output.status.success(),
            "ip {commands:?}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// The names of all namespaces.
pub(super) fn names() -> Vec<String> {
    let entries = fs::read_dir(NAMESPACES).into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}

/// Ends what runs in the namespace and removes it, as far as that goes.
pub(super) fn remove(name: &str) {
    let pids = checked(Command::new("ip").args(["netns", "pids", name])).unwrap_or_default();
    for pid in pids
        .lines()
        .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
    {
        // It may have ended by itself.
        let _ = kill_process(pid, Signal::KILL);
    }
    if let Err(error) = checked(Command::new("ip").args(["netns", "delete", name])) {
        eprintln!("lab: {error:#}");
    }
}
