//! Small files that are there whole or not at all, whatever ends the machine.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
    time::SystemTime,
};

/// Has `path` hold `parts`, one behind the other; on disk when this returns. They are written to
/// `fresh` first, a name in the same directory that nobody else has, which is gone afterwards whatever
/// comes of it. `modified` is the time that the file is to have, if not now.
///
/// # Errors
/// What was at `path` is still there then, or the new file is but may not outlive a crash.
pub(crate) fn replace(
    path: &Path,
    fresh: &Path,
    parts: &[&[u8]],
    modified: Option<SystemTime>,
) -> io::Result<()> {
    let written = write(fresh, parts, modified).and_then(|()| fs::rename(fresh, path));
    if let Err(error) = written {
        // It is of no use, and it may be what fills the disk.
        let _ = fs::remove_file(fresh);
        return Err(error);
    }
    sync_directory(path)
}

/// Has the disk know which names are in the directory of `path`.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent();
    directory.map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

fn write(path: &Path, parts: &[&[u8]], modified: Option<SystemTime>) -> io::Result<()> {
    let mut file = File::create(path)?;
    for part in parts {
        file.write_all(part)?;
    }
    if let Some(modified) = modified {
        file.set_modified(modified)?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_is_replaced_and_dated() {
        let directory = tempfile::tempdir().unwrap();
        let [path, fresh] = ["a", "a.new"].map(|name| directory.path().join(name));
        let then = SystemTime::UNIX_EPOCH + Duration::from_hours(9);
        replace(&path, &fresh, &[b"something long"], None).unwrap();
        replace(&path, &fresh, &[b"o", b"ne"], Some(then)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), then);
        assert!(!fresh.exists());
    }

    #[test]
    fn what_fails_leaves_all_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let [path, fresh] = ["a", "a.new"].map(|name| directory.path().join(name));
        fs::create_dir(&path).unwrap();
        replace(&path, &fresh, &[b"one"], None).unwrap_err();
        assert!(path.is_dir());
        assert!(!fresh.exists());
    }
}
