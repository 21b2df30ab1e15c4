//! Reading a file that somebody else writes.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    time::SystemTime,
};

/// The longest file that is read, in bytes: a limit for the memory that a feed can claim.
const MAX_SIZE: u64 = 256 << 20;

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    /// Bytes.
    pub(super) size: u64,
    /// When it was last written to.
    pub(super) modified: SystemTime,
}

impl Stamp {
    /// The stamp of the file at `path`.
    ///
    /// # Errors
    /// When there is none, or it is no regular file, or too long.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        Self::from_metadata(&path.metadata()?)
    }

    fn from_metadata(metadata: &Metadata) -> io::Result<Self> {
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        if metadata.len() > MAX_SIZE {
            return Err(io::Error::other(format!(
                "it is {} bytes long, and no feed may be longer than {MAX_SIZE}",
                metadata.len()
            )));
        }
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: metadata.modified()?,
        })
    }
}

/// Reads the file at `path`, the whole of it as it stood at one moment.
///
/// # Errors
/// When it cannot be read, is no regular file, or too long; `ResourceBusy` when it was written to
/// meanwhile.
pub(super) fn read(path: &Path) -> io::Result<(Stamp, Vec<u8>)> {
    let file = open(path)?;
    let stamp = Stamp::from_metadata(&file.metadata()?)?;
    let mut bytes = Vec::with_capacity(usize::try_from(stamp.size).unwrap_or(0));
    (&file).take(MAX_SIZE).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == stamp.size && Stamp::from_metadata(&file.metadata()?)? == stamp {
        Ok((stamp, bytes))
    } else {
        let busy = io::ErrorKind::ResourceBusy;
        Err(io::Error::new(busy, "somebody is writing to it"))
    }
}

/// Opens without waiting, whatever is there: a FIFO would block until somebody writes to it.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_stamp_tells_a_file_from_its_replacement() {
        let dir = tempfile::tempdir().unwrap();
        let (path, next) = (dir.path().join("list"), dir.path().join("next"));
        fs::write(&path, "192.0.2.7\n").unwrap();
        let (stamp, bytes) = read(&path).unwrap();
        assert_eq!(bytes, b"192.0.2.7\n");
        assert_eq!(Stamp::of(&path).unwrap(), stamp);

        fs::write(&next, "192.0.2.8\n").unwrap();
        File::open(&next)
            .unwrap()
            .set_modified(stamp.modified)
            .unwrap();
        fs::rename(&next, &path).unwrap();
        assert_ne!(Stamp::of(&path).unwrap(), stamp);
    }

    #[test]
    fn what_is_no_regular_file_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
        for path in [dir.path(), &fifo, Path::new("/dev/zero")] {
            let error = read(path).unwrap_err().to_string();
            assert_eq!(error, "it is not a regular file", "{}", path.display());
        }
        let huge = dir.path().join("huge");
        File::create(&huge).unwrap().set_len(MAX_SIZE + 1).unwrap();
        assert!(
            read(&huge)
                .unwrap_err()
                .to_string()
                .contains("268435457 bytes long")
        );
    }
}
