//! The pages for people in the daemon: on its snapshot and its writer, at the addresses that the
//! configuration names.

use std::{future::Future, net::SocketAddr, net::TcpListener, sync::Arc};

use tokio::task::JoinSet;

use super::{DaemonError, Handle};
use crate::{
    config::Config,
    control::server::Limits,
    web::{
        operators::{self, Door, Tokens},
        public, server,
    },
};

/// Connections to the operators' page and API at a time.
const OPERATORS: usize = 256;

/// The door of the operators' page and API, which the configured tokens open.
pub(super) fn door(config: &Config) -> Result<Arc<Door>, DaemonError> {
    let tokens = config.web.operators.as_ref().map(Tokens::read);
    let tokens = tokens.transpose()?.unwrap_or_default();
    Ok(Arc::new(Door::new(tokens)))
}

/// Starts the pages that the configuration names, as tasks of `servers`, until they are to stop.
pub(super) fn serve<F: Future<Output = ()> + Send + 'static>(
    servers: &mut JoinSet<()>,
    config: &Config,
    handle: &Arc<Handle>,
    door: &Arc<Door>,
    stopped: impl Fn() -> F,
) -> Result<(), DaemonError> {
    let now = Arc::clone(handle);
    let now = Arc::new(move || Arc::clone(&now.view().config));
    let limits = |connections| Limits {
        connections,
        ..Limits::default()
    };
    let mut page = |key, addresses: &[SocketAddr], router, limits| -> Result<(), DaemonError> {
        if addresses.is_empty() {
            return Ok(());
        }
        let listeners = listen(key, addresses)?;
        let served = server::serve(listeners, router, limits, stopped());
        servers.spawn(served.map_err(DaemonError::Web)?);
        Ok(())
    };
    let public = public::router(Arc::clone(handle), now);
    let places = config.web.connections as usize;
    page("web.listen", &config.web.listen, public, limits(places))?;
    if let Some(config) = &config.web.operators {
        let limits = limits(OPERATORS);
        let (router, told) =
            operators::router(Arc::clone(handle), Arc::clone(door), limits, stopped());
        page("web.operators.listen", &config.listen, router, limits)?;
        servers.spawn(told);
    }
    Ok(())
}

/// Listens on the `addresses` that `key` names.
fn listen(key: &'static str, addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, DaemonError> {
    let listeners = addresses.iter().map(|&address| {
        server::bind(address).map_err(|source| DaemonError::Listen {
            key,
            address,
            source,
        })
    });
    listeners.collect()
}
