//! The pages for people in the daemon: on its snapshot and its writer, at the addresses that the
//! configuration names.

use std::{future::Future, net::SocketAddr, net::TcpListener, sync::Arc};

use axum::Router;
use tokio::task::JoinSet;

use super::{DaemonError, Handle};
use crate::{
    config::Config,
    control::server::Limits,
    web::{public, server},
};

/// Starts the pages that the configuration names, as tasks of `servers`, until they are to stop.
pub(super) fn serve<F: Future<Output = ()> + Send + 'static>(
    servers: &mut JoinSet<()>,
    config: &Config,
    handle: &Arc<Handle>,
    stopped: impl Fn() -> F,
) -> Result<(), DaemonError> {
    let now = Arc::clone(handle);
    let now = Arc::new(move || Arc::clone(&now.view().config));
    let limits = Limits {
        connections: config.web.connections as usize,
        ..Limits::default()
    };
    let mut page = |key, addresses: &[SocketAddr], router: Router| {
        if addresses.is_empty() {
            return Ok(());
        }
        let listeners = listen(key, addresses)?;
        let served = server::serve(listeners, router, limits, stopped());
        servers.spawn(served.map_err(DaemonError::Web)?);
        Ok(())
    };
    let public = public::router(Arc::clone(handle), now);
    page("web.listen", &config.web.listen, public)
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
