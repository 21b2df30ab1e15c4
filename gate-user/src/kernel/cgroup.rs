//! The root of the cgroups, to which the `sock_ops` program is attached.
//!
//! In: `/proc/self/mountinfo`. Out: a descriptor of the root of the cgroup v2 hierarchy. There is
//! one such hierarchy, wherever it is mounted: at `/sys/fs/cgroup`, on a machine that still has
//! cgroup v1 at `/sys/fs/cgroup/unified`, or nowhere that this process sees, and then it is
//! mounted for this descriptor alone.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    os::{fd::OwnedFd, unix::ffi::OsStringExt as _},
    path::PathBuf,
};

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

/// The mounts that this process sees (proc(5)).
const MOUNTS: &str = "/proc/self/mountinfo";

/// Opens the root of the cgroup v2 hierarchy.
///
/// # Errors
///
/// The kernel has no cgroup v2, or it is mounted nowhere and this process may not mount it.
pub(super) fn root() -> io::Result<OwnedFd> {
    if let Some(place) = mounted(&fs::read_to_string(MOUNTS)?)
        && let Ok(directory) = File::open(place)
    {
        return Ok(directory.into());
    }
    let context = fsopen("cgroup2", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let flags = FsMountFlags::FSMOUNT_CLOEXEC;
    Ok(fsmount(&context, flags, MountAttrFlags::MOUNT_ATTR_RDONLY)?)
}

/// Where the root of the hierarchy is mounted, and not a part of it.
fn mounted(mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (mount, filesystem) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, place) = (fields.next()?, fields.next()?);
        let is_root = filesystem.starts_with("cgroup2 ") && root == "/";
        is_root.then(|| PathBuf::from(unescape(place)))
    })
}

/// Blanks, tabs, line feeds and backslashes are written as three octal digits (proc(5)).
fn unescape(place: &str) -> OsString {
    let mut bytes = Vec::with_capacity(place.len());
    let mut rest = place.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        let code = others
            .get(..3)
            .filter(|_| first == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &others[3..] } else { others };
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_where_it_is_mounted() {
        for (line, expected) in [
            (
                "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate",
                Some("/sys/fs/cgroup"),
            ),
            (
                "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw",
                Some("/sys/fs/cgroup/unified"),
            ),
            (
                "41 31 0:38 / /mnt/control\\040groups rw - cgroup2 none rw",
                Some("/mnt/control groups"),
            ),
            // A part of the hierarchy, as a container sees it.
            (
                "41 31 0:38 /system.slice /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
                None,
            ),
            (
                "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu",
                None,
            ),
            ("", None),
            ("41 31 - cgroup2 cgroup2 rw", None),
        ] {
            let found = mounted(line);
            assert_eq!(found, expected.map(PathBuf::from), "{line}");
        }
    }

    #[test]
    fn escapes_are_read() {
        for (written, meant) in [
            ("/a\\040b\\134", "/a b\\"),
            ("/a\\9", "/a\\9"),
            ("\\", "\\"),
            ("/\\777", "/\\777"),
        ] {
            assert_eq!(unescape(written), OsString::from(meant), "{written}");
        }
    }
}
