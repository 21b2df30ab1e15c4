//! A router on TCP listeners: bounded like the control socket, with the headers that keep a browser
//! from running, framing or guessing what the page does not mean.

use std::{future::Future, io, net::SocketAddr};

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::{Next, from_fn},
};
use futures_util::future::select_all;
use tokio::net::{TcpListener, TcpStream};

use crate::control::server::{self, Limits, Listener, Peer};

/// Listens on `address`.
///
/// # Errors
/// The address is taken, or is none of this machine.
pub fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves `router` on `listeners`, which do not block, until `stop` is there. Requests have the
/// extension [`Peer`].
///
/// # Errors
/// The listeners do not fit into the runtime.
pub fn serve(
    listeners: Vec<std::net::TcpListener>,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()> + Send,
) -> io::Result<impl Future<Output = ()> + Send> {
    let listeners = listeners.into_iter().map(TcpListener::from_std);
    let doors = Doors(listeners.collect::<Result<_, _>>()?);
    Ok(server::run(doors, router, limits, stop))
}

/// Several listeners as one, so that they share one bound of connections.
struct Doors(Vec<TcpListener>);

impl Listener for Doors {
    type Stream = TcpStream;
    type Who = Peer;

    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        let all = self.0.iter().map(|listener| Box::pin(listener.accept()));
        let (accepted, ..) = select_all(all).await;
        let (stream, peer) = accepted?;
        Ok((stream, Peer(peer)))
    }
}

/// `router` with the headers that every answer has; `content` is its Content-Security-Policy.
pub(super) fn guarded(router: Router, content: HeaderValue) -> Router {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // `no-referrer` would take the origin from the page's own posts too.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    router.layer(from_fn(move |request: Request, next: Next| {
        let (fixed, content) = (fixed.clone(), content.clone());
        async move {
            let mut response = next.run(request).await;
            let headers = response.headers_mut();
            for (name, value) in fixed {
                headers.insert(name, HeaderValue::from_static(value));
            }
            headers.insert(header::CONTENT_SECURITY_POLICY, content);
            // How an address stands is nobody else's business, and true for a moment alone.
            headers
                .entry(header::CACHE_CONTROL)
                .or_insert(HeaderValue::from_static("no-store"));
            response
        }
    }))
}
