//! Why there is no resolver.

use std::{io, path::PathBuf};

use hickory_resolver::net::NetError;

/// Why there is no resolver.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    /// The system's configuration cannot be read.
    #[error("{}: cannot tell the system's DNS servers: {source}; set dns.servers instead", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The system's configuration names no server.
    #[error(
        "{}: no DNS server: expected a line such as `nameserver 192.0.2.53`, or dns.servers in \
         gate's configuration",
        path.display()
    )]
    NoServers {
        /// The file.
        path: PathBuf,
    },
    /// The library that asks cannot be set up.
    #[error("cannot set up the DNS client: {0}")]
    Client(NetError),
}
