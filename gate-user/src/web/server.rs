//! A router at TCP entrances: bounded like the control socket, and for each network of clients
//! ([`crowd`](super::crowd)), with the headers that keep a browser from running, framing or guessing
//! what the page does not mean.

use std::{future::Future, io, time::Duration};

use axum::{
    Extension, Router,
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::IntoResponse as _,
};
use futures_util::future::select_all;
use tokio::{net::TcpStream, time::timeout};

use super::{
    crowd::{Crowd, Place},
    entrance::Entrance,
};
use crate::control::server::{self, Limits, Listener, Peer};

/// A client network may have one connection of so many that there may be in all.
const SHARE: usize = 8;

/// How long it may take from the head of a request, its body included, to the head of the answer.
const ANSWER: Duration = Duration::from_mins(1);

/// The port at which somebody came in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Port(pub(super) u16);

/// Serves `router` to whoever comes in at `entrances`, until `stop` is there. Requests have the extensions
/// [`Peer`] and [`Port`].
///
/// # Panics
/// There are no entrances.
pub fn serve(
    entrances: Vec<Entrance>,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()> + Send,
) -> impl Future<Output = ()> + Send {
    let doors = Doors {
        entrances,
        crowd: Crowd::new(limits.connections.div_ceil(SHARE)),
    };
    let named = from_fn(
        |Extension(arrival): Extension<Arrival>, mut request: Request, next: Next| {
            request.extensions_mut().insert(arrival.peer);
            request.extensions_mut().insert(arrival.port);
            next.run(request)
        },
    );
    server::run(doors, router.layer(named), limits, stop)
}

/// Several entrances as one, so that they share the bounds of connections.
struct Doors {
    entrances: Vec<Entrance>,
    crowd: Crowd,
}

/// Who has come; the place is taken for as long as the connection lasts.
#[derive(Clone)]
struct Arrival {
    peer: Peer,
    port: Port,
    _place: Option<Place>,
}

impl Listener for Doors {
    type Stream = TcpStream;
    type Who = Arrival;

    async fn accept(&self) -> io::Result<(TcpStream, Arrival)> {
        loop {
            let all = self.entrances.iter();
            let all = all.map(|entrance| Box::pin(entrance.accept()));
            let (accepted, ..) = select_all(all).await;
            let (stream, peer) = accepted?;
            let port = Port(stream.local_addr()?.port());
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
                port,
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
