//! A router on TCP listeners: bounded like the control socket, and for each network of clients
//! ([`crowd`](super::crowd)), with the headers that keep a browser from running, framing or guessing
//! what the page does not mean.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use axum::{
    Extension, Router,
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::IntoResponse as _,
};
use futures_util::future::select_all;
use rustix::net::{self, AddressFamily, SocketFlags, SocketType, sockopt};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::crowd::{Crowd, Place};
use crate::control::server::{self, Limits, Listener, Peer};

/// A client network may have one connection of so many that there may be in all.
const SHARE: usize = 8;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// How long it may take from the head of a request, its body included, to the head of the answer.
const ANSWER: Duration = Duration::from_mins(1);

/// Listens on `address`; on one of IPv6 for IPv6 alone, so that `0.0.0.0:80` can stand beside
/// `[::]:80`.
///
/// # Errors
/// The address is taken, or is none of this machine.
pub fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = net::socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    net::bind(&socket, &address)?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
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
    let doors = Doors {
        listeners: listeners.collect::<Result<_, _>>()?,
        crowd: Crowd::new(limits.connections.div_ceil(SHARE)),
    };
    let named = from_fn(
        |Extension(arrival): Extension<Arrival>, mut request: Request, next: Next| {
            request.extensions_mut().insert(arrival.peer);
            next.run(request)
        },
    );
    Ok(server::run(doors, router.layer(named), limits, stop))
}

/// Several listeners as one, so that they share the bounds of connections.
struct Doors {
    listeners: Vec<TcpListener>,
    crowd: Crowd,
}

/// Who has come; the place is taken for as long as the connection lasts.
#[derive(Clone)]
struct Arrival {
    peer: Peer,
    _place: Option<Place>,
}

impl Listener for Doors {
    type Stream = TcpStream;
    type Who = Arrival;

    async fn accept(&self) -> io::Result<(TcpStream, Arrival)> {
        loop {
            let all = self.listeners.iter();
            let all = all.map(|listener| Box::pin(listener.accept()));
            let (accepted, ..) = select_all(all).await;
            let (stream, peer) = accepted?;
            // A reverse proxy of this machine comes for everybody.
            let place = if peer.ip().to_canonical().is_loopback() {
                None
            } else if let Some(place) = self.crowd.enter(peer.ip()) {
                Some(place)
            } else {
                continue;
            };
            let arrival = Arrival {
                peer: Peer(peer),
                _place: place,
            };
            return Ok((stream, arrival));
        }
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
            let mut response = timeout(ANSWER, next.run(request))
                .await
                .unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_can_have_one_port() {
        let first = bind("0.0.0.0:0".parse().unwrap()).unwrap();
        let port = first.local_addr().unwrap().port();
        let second = bind(SocketAddr::new("::".parse().unwrap(), port)).unwrap();
        assert_eq!(second.local_addr().unwrap().port(), port);
        assert!(bind(SocketAddr::new("0.0.0.0".parse().unwrap(), port)).is_err());
    }
}
