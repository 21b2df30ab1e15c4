//! Why the daemon cannot start, or cannot go on.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::{
    book::BookError,
    config::{ConfigError, InterfaceName},
    control::server::SocketError,
    dns::{class::PatternError, resolver::ResolverError},
    kernel::KernelError,
    web::operators::TokenError,
};

/// Why the daemon cannot start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The configuration is not usable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The book is not usable.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The kernel's side is not usable.
    #[error(transparent)]
    Kernel(Box<KernelError>),
    /// The gate cannot be put on an interface.
    #[error("the gate cannot be put on {interface}: {source}")]
    Attach {
        /// The interface.
        interface: InterfaceName,
        /// Why.
        source: Box<KernelError>,
    },
    /// The control socket cannot be had.
    #[error("control socket: {0}")]
    Socket(#[from] SocketError),
    /// The mail server's socket cannot be had.
    #[error("policy service: {0}")]
    PolicySocket(SocketError),
    /// A file or directory is not usable.
    #[error("{}: {what}: {source}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The configuration names an address where the daemon cannot listen.
    #[error("cannot listen on {address} ({key}): {source}")]
    Listen {
        /// The key that names it.
        key: &'static str,
        /// The address and port.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A token cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A daemon runs, which would put the gate back on the wire.
    #[error("gated runs, and answers on {}: use `gatectl detach`", control.display())]
    Runs {
        /// Its control socket.
        control: PathBuf,
    },
    /// What was passed at the start is not usable.
    #[error("passed socket `{name}`: {source}")]
    Passed {
        /// The name that its unit gives it.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// The daemon cannot give up what it does not need.
    #[error("cannot give up privileges: {0}")]
    Privileges(io::Error),
    /// DNS cannot be asked.
    #[error(transparent)]
    Resolver(#[from] ResolverError),
    /// The operator's table of names cannot be used.
    #[error("ptr.pattern: {0}")]
    Patterns(#[from] PatternError),
    /// A signal handler cannot be installed.
    #[error("cannot listen for signals: {0}")]
    Signal(io::Error),
    /// The log cannot be set up.
    #[error("cannot set up the log: {0}")]
    Log(String),
}

impl From<KernelError> for DaemonError {
    fn from(error: KernelError) -> Self {
        Self::Kernel(Box::new(error))
    }
}
