//! The lab's directory, with a BPF file system of its own, and what killed runs left of theirs.

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process,
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context as _, Result};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::{PREFIX, namespace};

/// A directory for everything a lab writes. Removed on drop.
#[derive(Debug)]
pub(super) struct Workspace {
    name: String,
    path: PathBuf,
}

impl Workspace {
    /// Makes the directory, under a name that no other lab of this machine has.
    ///
    /// The BPF file system is mounted here because `ip netns exec` covers `/sys` with a new one:
    /// pins under `/sys/fs/bpf` would be gone with each program. Servers that do not run as root, as
    /// Postfix's, get through the directory to their own.
    pub(super) fn new() -> Result<Self> {
        static LABS: AtomicU32 = AtomicU32::new(0);
        let number = LABS.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", process::id());
        let path = std::env::temp_dir().join(&name);
        fs::DirBuilder::new()
            .mode(0o711)
            .create(&path)
            .with_context(|| format!("making {}", path.display()))?;
        let workspace = Self { name, path };
        let bpf = workspace.dir("bpf")?;
        mount("bpf", &bpf, "bpf", MountFlags::empty(), None)
            .context("mounting a BPF file system (needs root)")?;
        Ok(workspace)
    }

    /// The lab's name: unique on this machine.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The directory `name` in it, made if it is not there.
    pub(super) fn dir(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn remove(path: &Path) {
    // Detached, as a program that is about to end may still look at it.
    let _ = unmount(path.join("bpf"), UnmountFlags::DETACH);
    if let Err(error) = fs::remove_dir_all(path) {
        eprintln!("lab: removing {}: {error}", path.display());
    }
}

/// Removes, once a process, what labs of processes that are gone have left behind.
pub(super) fn sweep() {
    static SWEPT: Once = Once::new();
    SWEPT.call_once(|| {
        for name in namespace::names().iter().filter(|name| is_left_over(name)) {
            namespace::remove(name);
        }
        let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten();
        for entry in entries.flatten() {
            if entry.file_name().to_str().is_some_and(is_left_over) {
                remove(&entry.path());
            }
        }
    });
}

/// Whether `name` is a lab's, of a process that is gone.
fn is_left_over(name: &str) -> bool {
    let pid = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split('-').next())
        .and_then(|pid| pid.parse::<u32>().ok());
    pid.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_labs_of_processes_that_are_gone_are_left_over() {
        let own = process::id();
        for (name, expected) in [
            (format!("{PREFIX}{own}-0-server"), false),
            (format!("{PREFIX}1-0"), false),
            // Beyond what the kernel gives out (PID_MAX_LIMIT).
            (format!("{PREFIX}4194305-0-server"), true),
            (format!("{PREFIX}4194305-3"), true),
            (format!("{PREFIX}server"), false),
            ("somebody-else-4194305-0".to_owned(), false),
        ] {
            assert_eq!(is_left_over(&name), expected, "{name}");
        }
    }
}
