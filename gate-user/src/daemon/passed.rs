//! Sockets that systemd listens on for `gated` (systemd.socket(5)): it opens them before, and keeps
//! them while `gated` is restarted, so that no client is refused meanwhile.
//!
//! In: descriptors, each with the name that its unit gives it (`FileDescriptorName`). Out: listeners
//! by that name, for whoever else would open them as configured.

use std::{
    io,
    net::TcpListener,
    os::{fd::OwnedFd, unix::net::UnixListener},
};

use rustix::net::{
    AddressFamily, SocketType,
    sockopt::{socket_acceptconn, socket_domain, socket_type},
};

use super::DaemonError;
use crate::kernel::passed_descriptors;

/// A socket on which systemd listens.
#[derive(Debug)]
pub enum PassedSocket {
    /// A Unix socket.
    Unix(UnixListener),
    /// A TCP socket.
    Tcp(TcpListener),
}

/// All sockets that were passed and that nobody has taken yet.
#[derive(Debug, Default)]
pub struct Passed {
    sockets: Vec<(String, PassedSocket)>,
}

impl Passed {
    /// What this process was passed. To be called once, before anything else.
    ///
    /// # Errors
    ///
    /// [`DaemonError::Passed`]: something else than a listening socket was passed.
    pub fn receive() -> Result<Self, DaemonError> {
        let descriptors = passed_descriptors().map_err(|source| DaemonError::Passed {
            name: "LISTEN_FDS".to_owned(),
            source,
        })?;
        let sockets =
            descriptors
                .into_iter()
                .map(|(name, descriptor)| match listener(descriptor) {
                    Ok(socket) => Ok((name, socket)),
                    Err(source) => Err(DaemonError::Passed { name, source }),
                });
        let sockets = sockets.collect::<Result<_, _>>()?;
        Ok(Self { sockets })
    }

    /// Takes the sockets of that name.
    pub(super) fn take(&mut self, name: &str) -> Vec<PassedSocket> {
        let taken = self.sockets.extract_if(.., |(its, _)| its == name);
        taken.map(|(_, socket)| socket).collect()
    }

    /// Tells of sockets that nobody wants: their clients would wait for an answer for ever.
    pub(super) fn tell_unused(&self) {
        for (name, _) in &self.sockets {
            tracing::warn!(name, "skipped passed socket");
        }
    }
}

/// The socket as what it is.
fn listener(socket: OwnedFd) -> io::Result<PassedSocket> {
    let kind = socket_type(&socket)?;
    if kind != SocketType::STREAM || !socket_acceptconn(&socket)? {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "is no listening stream socket: use ListenStream and Accept=no",
        ));
    }
    let passed = match socket_domain(&socket)? {
        AddressFamily::UNIX => PassedSocket::Unix(socket.into()),
        AddressFamily::INET | AddressFamily::INET6 => PassedSocket::Tcp(socket.into()),
        other => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "is of address family {}: expected Unix or TCP",
                    other.as_raw()
                ),
            ));
        }
    };
    match &passed {
        PassedSocket::Unix(listener) => listener.set_nonblocking(true)?,
        PassedSocket::Tcp(listener) => listener.set_nonblocking(true)?,
    }
    Ok(passed)
}

#[cfg(test)]
mod tests {
    use std::{net::UdpSocket, os::unix::net::UnixStream};

    use super::*;

    #[test]
    fn listeners_are_taken_by_name_and_once() {
        let directory = tempfile::tempdir().unwrap();
        let unix = UnixListener::bind(directory.path().join("s")).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let sockets = [unix.into(), tcp.into()]
            .map(|socket: OwnedFd| ("policy".to_owned(), listener(socket).unwrap()));
        let mut passed = Passed {
            sockets: sockets.into(),
        };
        assert!(passed.take("web").is_empty());
        assert!(matches!(
            passed.take("policy")[..],
            [PassedSocket::Unix(_), PassedSocket::Tcp(_)]
        ));
        assert!(passed.take("policy").is_empty());
    }

    #[test]
    fn what_does_not_listen_is_refused() {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (connected, _other) = UnixStream::pair().unwrap();
        for socket in [OwnedFd::from(udp), OwnedFd::from(connected)] {
            let error = listener(socket).unwrap_err();
            assert!(error.to_string().contains("Accept=no"), "{error}");
        }
    }
}
