//! The pages for people in the daemon: on its snapshot and its writer, at the addresses that the
//! configuration names, or on the sockets that systemd listens on for them.

use std::{future::Future, net::SocketAddr, sync::Arc};

use tokio::task::JoinSet;

use super::{
    DaemonError, Handle,
    passed::{Passed, PassedSocket},
};
use crate::{
    config::Config,
    control::server::Limits,
    web::{
        entrance::{Entrance, Troubles},
        operators::{self, Door, Tokens},
        public, server,
    },
};

/// The name of the sockets that systemd listens on for the public page.
pub(super) const PASSED: &str = "web";

/// Connections to the operators' page and API at a time.
const OPERATORS: usize = 256;

/// The door of the operators' page and API, which the configured tokens open, and nobody where it is
/// not configured.
pub(super) fn door(config: &Config) -> Result<Arc<Door>, DaemonError> {
    let tokens = config.web.operators.as_ref().map(Tokens::read);
    Ok(Arc::new(Door::new(tokens.transpose()?)))
}

/// Starts the pages that the configuration names, as tasks of `servers`, until they are to stop.
pub(super) fn serve<F: Future<Output = ()> + Send + 'static>(
    servers: &mut JoinSet<()>,
    config: &Config,
    handle: &Arc<Handle>,
    door: &Arc<Door>,
    passed: &mut Passed,
    stopped: impl Fn() -> F,
) -> Result<(), DaemonError> {
    let now = Arc::clone(handle);
    let now = Arc::new(move || Arc::clone(&now.view().config));
    let limits = |connections| Limits {
        connections,
        ..Limits::default()
    };
    let entrances = entrances(&config.web.listen, passed, &handle.troubles)?;
    if !entrances.is_empty() {
        let limits = limits(config.web.connections as usize);
        let public = public::router(Arc::clone(handle), now);
        servers.spawn(server::serve(entrances, public, limits, stopped()));
    }
    if let Some(config) = &config.web.operators
        && !config.listen.is_empty()
    {
        let limits = limits(OPERATORS);
        let (router, told) =
            operators::router(Arc::clone(handle), Arc::clone(door), limits, stopped());
        let at = |&address| Entrance::at("web.operators.listen", address, &handle.troubles);
        let entrances = config.listen.iter().map(at).collect();
        servers.spawn(server::serve(entrances, router, limits, stopped()));
        servers.spawn(told);
    }
    Ok(())
}

/// The sockets that were passed for the public page, or else the `addresses` of `web.listen`.
fn entrances(
    addresses: &[SocketAddr],
    passed: &mut Passed,
    troubles: &Troubles,
) -> Result<Vec<Entrance>, DaemonError> {
    let mut entrances = Vec::new();
    for socket in passed.take(PASSED) {
        match socket {
            PassedSocket::Tcp(listener) => {
                let entrance = Entrance::on(listener).map_err(|source| DaemonError::Passed {
                    name: PASSED.to_owned(),
                    source,
                })?;
                entrances.push(entrance);
            }
            // Whoever comes by a Unix socket has no address to be held to.
            PassedSocket::Unix(_) => tracing::warn!(name = PASSED, "skipped passed socket"),
        }
    }
    if entrances.is_empty() {
        let listen = |&address| Entrance::at("web.listen", address, troubles);
        entrances.extend(addresses.iter().map(listen));
    }
    Ok(entrances)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn passed_sockets_take_the_place_of_the_addresses() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = [taken.local_addr().unwrap()];
        let troubles = Troubles::default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut passed = Passed::of([(PASSED, PassedSocket::Tcp(listener))]);
        let found = entrances(&addresses, &mut passed, &troubles).unwrap();
        assert_eq!((found.len(), troubles.told().len()), (1, 0));
        // Without them, an address that is taken ends nothing.
        let found = entrances(&addresses, &mut passed, &troubles).unwrap();
        assert_eq!((found.len(), troubles.told().len()), (1, 1));
        assert!(entrances(&[], &mut passed, &troubles).unwrap().is_empty());
    }
}
