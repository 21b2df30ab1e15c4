//! The control socket, or the policy socket. Its file is made with its mode and group before anybody
//! can connect, never taken from a daemon that lives, and taken away when the server ends. Or systemd
//! has made it, and keeps it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown},
        net::UnixListener as StdListener,
    },
    path::{Path, PathBuf},
    process,
};

use tokio::net::{UnixListener, UnixStream};

use crate::config::SocketMode;

/// A bound Unix socket.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    /// `None` where it is systemd's.
    _own: Option<OwnFile>,
}

/// The file of a socket that is ours. It goes when this is dropped.
#[derive(Debug)]
struct OwnFile {
    path: PathBuf,
    /// Its device and inode.
    file: (u64, u64),
    /// Locked as long as the socket is.
    _lock: File,
}

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another server lives there.
    #[error(
        "{}: another daemon answers on this socket; stop it, or give this one another `paths.run`",
        path.display()
    )]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something else has its name.
    #[error("{}: is no socket; move it away", path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The configured group does not exist.
    #[error("no group `{group}` in /etc/group: expected a name or a number for `group`")]
    NoGroup {
        /// The group.
        group: String,
    },
    /// A step failed.
    #[error("cannot {step} {}: {source}", path.display())]
    Io {
        /// The step.
        step: &'static str,
        /// The file that it concerns.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Socket {
    /// Binds `path` with the file mode `mode` and, if given, the group `group` (a name in
    /// /etc/group, or a number). The directory is made if it is missing. A socket that nobody
    /// listens on is replaced.
    ///
    /// # Errors
    /// As [`SocketError`]; what stood there is then left as it was.
    pub async fn bind(
        path: &Path,
        mode: SocketMode,
        group: Option<&str>,
    ) -> Result<Self, SocketError> {
        let gid = group.map(group_id).transpose()?;
        let directory = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(directory).map_err(failed("make the directory", directory))?;
        let lock = lock(path)?;
        refuse_if_taken(path).await?;

        // Bound inside a directory that nobody else may enter, and moved to its name when mode
        // and group are right: at no time may anybody connect who may not later.
        let private = directory.join(format!(".control.{}", process::id()));
        let _ = fs::remove_dir_all(&private);
        DirBuilder::new()
            .mode(0o700)
            .create(&private)
            .map_err(failed("make the directory", &private))?;
        let bound = bind_inside(&private, path, mode, gid);
        let _ = fs::remove_dir_all(&private);
        let (listener, file) = bound?;
        let listener = UnixListener::from_std(listener).map_err(failed("listen", path))?;
        Ok(Self {
            listener,
            _own: Some(OwnFile {
                path: path.to_owned(),
                file,
                _lock: lock,
            }),
        })
    }

    /// One that somebody else has bound, who keeps its file.
    ///
    /// # Errors
    /// It does not fit into the runtime.
    pub fn passed(listener: StdListener) -> io::Result<Self> {
        Ok(Self {
            listener: UnixListener::from_std(listener)?,
            _own: None,
        })
    }

    pub(crate) async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|file| file == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A listening socket with its mode and group, bound in the directory `private` and moved to
/// `path`; and its file.
fn bind_inside(
    private: &Path,
    path: &Path,
    mode: SocketMode,
    gid: Option<u32>,
) -> Result<(StdListener, (u64, u64)), SocketError> {
    let unnamed = private.join("s");
    let listener = StdListener::bind(&unnamed).map_err(failed("bind", &unnamed))?;
    listener
        .set_nonblocking(true)
        .map_err(failed("set up", &unnamed))?;
    fs::set_permissions(&unnamed, Permissions::from_mode(mode.bits()))
        .map_err(failed("set the mode of", &unnamed))?;
    if gid.is_some() {
        lchown(&unnamed, None, gid).map_err(failed("set the group of", &unnamed))?;
    }
    let file = identity(&unnamed).map_err(failed("look up", &unnamed))?;
    fs::rename(&unnamed, path).map_err(failed("move the socket to", path))?;
    Ok((listener, file))
}

/// The error that `step` failed at `path`.
fn failed(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SocketError {
    let path = path.to_owned();
    move |source| SocketError::Io { step, path, source }
}

/// Device and inode of the file at `path` itself.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Locks the file beside `path` that every daemon locks which binds it: of two that start at
/// once, one is first. The file stays; only its lock means something.
fn lock(path: &Path) -> Result<File, SocketError> {
    let lock_path = path.with_extension("lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&lock_path)
        .map_err(failed("lock", &lock_path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(SocketError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(failed("lock", &lock_path)(source)),
    }
}

/// An error if anything but a dead socket has the name `path`.
async fn refuse_if_taken(path: &Path) -> Result<(), SocketError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(metadata) if metadata.file_type().is_socket() => {}
        _ => {
            return Err(SocketError::NotASocket {
                path: path.to_owned(),
            });
        }
    }
    match UnixStream::connect(path).await {
        // Refused: nobody listens. Not found: it went meanwhile.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound
            ) =>
        {
            Ok(())
        }
        // Anything else, a full backlog for example, is a sign of life.
        _ => Err(SocketError::InUse {
            path: path.to_owned(),
        }),
    }
}

/// The number of a group (group(5)).
fn group_id(group: &str) -> Result<u32, SocketError> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let no_group = || SocketError::NoGroup {
        group: group.to_owned(),
    };
    let file = Path::new("/etc/group");
    let groups = fs::read_to_string(file).map_err(failed("read", file))?;
    groups
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            Some((name, fields.nth(1)?))
        })
        .find(|&(name, _)| name == group)
        .and_then(|(_, number)| number.parse().ok())
        .ok_or_else(no_group)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn bind(path: &Path) -> Result<Socket, SocketError> {
        Socket::bind(path, SocketMode::default(), None).await
    }

    #[tokio::test]
    async fn it_has_its_mode_and_group_and_nothing_is_left_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run/control.sock");
        let own = rustix::process::getgid().as_raw();
        for (text, mode) in [("0660", 0o660), ("0600", 0o600), ("0640", 0o640)] {
            let wanted = SocketMode::try_from(text.to_owned()).unwrap();
            let socket = Socket::bind(&path, wanted, Some(&own.to_string()))
                .await
                .unwrap();
            let metadata = fs::metadata(&path).unwrap();
            assert_eq!(metadata.mode() & 0o7777, mode);
            assert_eq!(metadata.gid(), own);
            drop(socket);
            let names: Vec<_> = fs::read_dir(directory.path().join("run"))
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .collect();
            assert_eq!(names, ["control.lock"]);
        }
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        drop(StdListener::bind(&path).unwrap());
        assert!(path.exists());
        let socket = bind(&path).await.unwrap();
        let (connected, accepted) = tokio::join!(UnixStream::connect(&path), socket.accept());
        assert!(connected.is_ok() && accepted.is_ok());
    }

    #[tokio::test]
    async fn a_live_socket_is_never_taken() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        // One that knows nothing of our lock, and one that holds it.
        let foreign = StdListener::bind(&path).unwrap();
        assert!(matches!(bind(&path).await, Err(SocketError::InUse { .. })));
        foreign.set_nonblocking(true).unwrap();
        assert!(foreign.accept().is_ok(), "it was asked whether it lives");
        drop(foreign);
        let first = bind(&path).await.unwrap();
        let error = bind(&path).await.unwrap_err();
        assert!(matches!(error, SocketError::InUse { .. }), "{error}");
        assert!(error.to_string().contains("control.sock"), "{error}");
        drop(first);
        assert!(bind(&path).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_no_socket_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        fs::write(&path, "precious").unwrap();
        let error = bind(&path).await.unwrap_err();
        assert!(matches!(error, SocketError::NotASocket { .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[tokio::test]
    async fn a_file_that_took_its_place_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        let socket = bind(&path).await.unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "another").unwrap();
        drop(socket);
        assert!(path.exists());
    }

    #[tokio::test]
    async fn an_unknown_group_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        let error = Socket::bind(&path, SocketMode::default(), Some("no-such-group"))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "no group `no-such-group` in /etc/group: expected a name or a number for `group`"
        );
        assert!(!path.exists());
    }

    #[test]
    fn a_group_is_a_name_or_a_number() {
        assert_eq!(group_id("root").unwrap(), 0);
        assert_eq!(group_id("1234").unwrap(), 1234);
    }
}
