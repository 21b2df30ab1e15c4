//! Why there is no resolver.

use std::io;

/// Why there is no resolver.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    /// The system's configuration cannot be read.
    #[error("{path}: cannot tell the system's DNS servers: {source}; set dns.servers instead")]
    Read {
        /// The file.
        path: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The system's configuration names no server.
    #[error(
        "{path} names no DNS server: expected a line such as `nameserver 192.0.2.53`, or dns.servers in the configuration"
    )]
    NoServers {
        /// The file.
        path: &'static str,
    },
}
