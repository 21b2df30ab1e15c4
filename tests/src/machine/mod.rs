//! A Debian that boots on the lab's server: its own systemd as the first of its own processes, its own
//! file systems, the lab's network, this machine's kernel.
//!
//! In: root, `GATE_MACHINE` (a debootstrapped root, which stays as it is) and `GATE_PACKAGES` (what is to
//! be installed in it), which `cargo xtask test` makes and names. Out: what commands say in there.

use std::{
    env, fs,
    marker::PhantomData,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::lab::Lab;

mod operator;
mod steps;

pub use operator::Operator;
pub use steps::{Step, steps, steps_under};

const BOOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/machine/boot.sh");

/// How long the machine may take to boot, or to end.
const DEADLINE: Duration = Duration::from_mins(2);

/// Machines that were booted: there is one hierarchy of cgroups, and each has its own in it.
static BOOTED: AtomicU32 = AtomicU32::new(0);

/// A booted Debian. Ended and removed on drop.
pub struct Machine<'a> {
    unshare: Child,
    /// systemd, as this machine numbers it.
    init: u32,
    cgroups: PathBuf,
    cgroup: String,
    packages: PathBuf,
    lab: PhantomData<&'a Lab>,
}

impl<'a> Machine<'a> {
    /// Boots it. The packages are in `/packages`.
    ///
    /// # Errors
    /// A variable is not set, or it does not boot.
    pub fn boot(lab: &'a Lab) -> Result<Self> {
        let (base, packages) = (named("GATE_MACHINE")?, named("GATE_PACKAGES")?);
        let changes = lab.dir("machine")?;
        let cgroups = lab.dir("cgroups")?;
        mount("cgroup2", &cgroups, "cgroup2", MountFlags::empty(), None)
            .context("mounting the cgroups")?;
        let mut unshare = lab.server_command("unshare");
        unshare.args([
            "--pid",
            "--mount",
            "--ipc",
            "--uts",
            "--fork",
            "--kill-child",
        ]);
        unshare
            .args(["sh", BOOT])
            .args([&base, &changes, &packages, &cgroups]);
        let booted = BOOTED.fetch_add(1, Relaxed);
        let cgroup = format!("gate-machine-{}-{booted}", std::process::id());
        unshare.arg(&cgroup).stdin(Stdio::null()).process_group(0);
        let unshare = unshare.spawn().context("running unshare")?;
        let mut machine = Self {
            unshare,
            init: 0,
            cgroups,
            cgroup,
            packages,
            lab: PhantomData,
        };
        machine.wait()?;
        Ok(machine)
    }

    /// Waits until it has booted.
    fn wait(&mut self) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        let children = format!("/proc/{0}/task/{0}/children", self.unshare.id());
        loop {
            if let Some(status) = self.unshare.try_wait()? {
                bail!("the machine ended: {status}");
            }
            let child = fs::read_to_string(&children).unwrap_or_default();
            if let Ok(init) = child.trim().parse() {
                self.init = init;
                let state = self.output("systemctl", &["is-system-running"]);
                let state = state.map(|output| text(&output.stdout)).unwrap_or_default();
                // Degraded: a unit of Debian's that wants a device is none of ours.
                if matches!(state.trim(), "running" | "degraded") {
                    return Ok(());
                }
            }
            ensure!(Instant::now() < deadline, "the machine does not boot");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// What `program` does in there.
    fn output(&self, program: &str, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.init.to_string()]);
        command.args([
            "--mount", "--pid", "--ipc", "--uts", "--net", "--cgroup", "--root", "--wd",
        ]);
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C.UTF-8");
        command.arg(program).args(arguments).stdin(Stdio::null());
        command
            .output()
            .with_context(|| format!("running {program} in the machine"))
    }

    /// Runs `program`, which must succeed; what it prints.
    ///
    /// # Errors
    /// It fails: what it said, and the end of gated's log.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let output = self.output(program, arguments)?;
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        ensure!(
            output.status.success(),
            "{program} {arguments:?}: {}\n{stdout}\n{stderr}\n{}",
            output.status,
            self.journal()
        );
        Ok(stdout)
    }

    /// Runs a line of the shell, which must succeed; what it prints.
    ///
    /// # Errors
    /// As [`Machine::run`].
    pub fn shell(&self, line: &str) -> Result<String> {
        self.run("sh", &["-ec", line])
    }

    /// Writes a file in there.
    ///
    /// # Errors
    /// Its directory is not there.
    pub fn write(&self, path: &str, content: &str) -> Result<()> {
        let inside = Path::new("/proc").join(self.init.to_string()).join("root");
        let path = inside.join(path.trim_start_matches('/'));
        fs::write(&path, content).with_context(|| format!("writing {}", path.display()))
    }

    /// Whether `program` succeeds.
    ///
    /// # Errors
    /// It cannot be run.
    pub fn succeeds(&self, program: &str, arguments: &[&str]) -> Result<bool> {
        Ok(self.output(program, arguments)?.status.success())
    }

    /// What gated has logged.
    pub fn journal(&self) -> String {
        let arguments = ["--no-pager", "--lines=40", "--unit=gated.service"];
        let output = self.output("journalctl", &arguments);
        output
            .map(|output| text(&output.stdout))
            .unwrap_or_default()
    }

    /// Installs the package of that version, as an administrator does who has downloaded it and keeps his
    /// own configuration.
    ///
    /// # Errors
    /// There is none, or apt fails.
    pub fn install(&self, version: Version) -> Result<()> {
        let package = package(&self.packages, version)?;
        let name = package.file_name().context("it is a file")?;
        let path = Path::new("/packages").join(name);
        let path = path.to_str().context("it is ASCII")?;
        let keep = "Dpkg::Options::=--force-confold";
        self.run("apt-get", &["--yes", "-o", keep, "install", path])
            .map(drop)
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the end of gated's log:\n{}", self.journal());
        }
        // systemd goes with unshare, and all processes with systemd.
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
        let deadline = Instant::now() + DEADLINE;
        while remove_cgroups(&self.cgroups.join(&self.cgroup)).is_err() && Instant::now() < deadline
        {
            thread::sleep(Duration::from_millis(50));
        }
        let _ = unmount(&self.cgroups, UnmountFlags::DETACH);
    }
}

/// Removes a cgroup and those in it; an error while a process is left in one.
fn remove_cgroups(cgroup: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(cgroup)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_cgroups(&entry.path())?;
        }
    }
    fs::remove_dir(cgroup)
}

/// Which of the packages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// One before this.
    Former,
    /// The one of this tree.
    This,
}

/// The package of that version in the directory `packages`.
///
/// # Errors
/// There is none.
pub fn package(packages: &Path, version: Version) -> Result<PathBuf> {
    let name = match version {
        Version::Former => "gate_0.0.1-1_",
        Version::This => concat!("gate_", env!("CARGO_PKG_VERSION"), "-1_"),
    };
    let entries = fs::read_dir(packages)
        .with_context(|| format!("reading {}", packages.display()))?
        .collect::<std::io::Result<Vec<_>>>()?;
    let found = entries
        .into_iter()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().contains(name));
    found.with_context(|| format!("no package ({version:?}) in {}", packages.display()))
}

/// The directory of the packages.
///
/// # Errors
/// `GATE_PACKAGES` is not set.
pub fn packages() -> Result<PathBuf> {
    named("GATE_PACKAGES")
}

fn named(variable: &str) -> Result<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .with_context(|| format!("{variable} is not set: run `cargo xtask test`"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
