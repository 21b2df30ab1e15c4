//! The server: HTTP/1.1 on the control socket, and wherever else `gated` speaks it ([`run`]). In: a
//! bound [`Socket`] and a [`Service`]. Out: JSON answers. It bounds what a peer can cost:
//! connections, the size of a body, and the time a slow peer is waited for.

mod exchange;
mod patience;
mod routes;
mod socket;

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Extension, Router, http::StatusCode, response::IntoResponse};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time,
};
use tracing::{debug, warn};

#[cfg(test)]
pub(crate) use self::routes::all as all_routes;
pub(crate) use self::routes::router as api_router;
pub use self::socket::{Socket, SocketError};
use self::{exchange::Failure, patience::Patient};
use super::{Caller, Service, api::ErrorKind};

/// How long a peer may take for what.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// To send the head of a request; also how long a connection may lie idle.
    pub head: Duration,
    /// To send the whole body.
    pub body: Duration,
    /// To take some of the answer.
    pub write: Duration,
    /// Requests under way when the server stops: to end.
    pub stop: Duration,
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_mins(1),
            write: Duration::from_secs(30),
            stop: Duration::from_secs(5),
            connections: 64,
        }
    }
}

/// Serves requests until `stop` is there, then lets those under way end.
pub async fn serve<S: Service>(
    socket: Socket,
    service: Arc<S>,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let router = routes::router(service, limits.body);
    run(socket, router, limits, stop).await;
}

/// Serves those who are not asked who they are, on `listener`, until `stop` is there: verdicts
/// are all that is taken from them.
pub async fn serve_verdicts<S: Service>(
    listener: TcpListener,
    service: Arc<S>,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let router = routes::open_router(service, limits.body);
    run(listener, router, limits, stop).await;
}

/// An error of the API, as it answers it.
pub(crate) fn refusal(
    status: StatusCode,
    kind: ErrorKind,
    message: impl Into<String>,
) -> impl IntoResponse {
    Failure::new(status, kind, message)
}

/// Where connections come in.
pub(crate) trait Listener: Send + Sync {
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;
    /// Whose a connection is: an extension of its requests.
    type Who: Clone + Send + Sync + 'static;

    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Self::Who)>> + Send;
}

/// Where a connection by TCP comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Listener for Socket {
    type Stream = UnixStream;
    type Who = Caller;

    async fn accept(&self) -> io::Result<(UnixStream, Caller)> {
        let stream = Self::accept(self).await?;
        let peer = stream.peer_cred()?;
        let by = Caller::Peer {
            uid: peer.uid(),
            pid: peer.pid(),
        };
        Ok((stream, by))
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;
    type Who = Peer;

    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, peer) = Self::accept(self).await?;
        Ok((stream, Peer(peer)))
    }
}

/// Serves `router` to whoever comes to `listener`, until `stop` is there; requests under way may
/// then end.
pub(crate) async fn run<L: Listener>(
    listener: L,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let (stopping, _) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, who)) => {
                let router = router.clone().layer(Extension(who));
                let connection = connection(stream, router, limits, stopping.subscribe());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of descriptors or memory: it passes, or the next accept says so again.
                warn!(%error, "cannot accept a connection");
                time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    stopping.send_replace(true);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if time::timeout(limits.stop, all_ended).await.is_err() {
        debug!("requests under way were cut off");
    }
}

/// Serves one connection.
async fn connection(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    router: Router,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    let service = TowerToHyperService::new(router);
    let io = TokioIo::new(Patient::new(stream, limits.write));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .serve_connection(io, service);
    tokio::pin!(connection);
    let served = tokio::select! {
        served = &mut connection => served,
        () = async { drop(stopping.wait_for(|stopping| *stopping).await) } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        debug!(%error, "connection ended early");
    }
}

#[cfg(test)]
pub(crate) mod tests;
