//! The operators' page and the control API, on addresses of their own.
//!
//! [`Door`] decides who comes in. The API is that of the control socket, with a token; the page is a
//! client of it, which has shown its token when it logged in and is told by server-sent events what
//! changes.

mod attempts;
mod door;
mod live;
mod networks;
mod pages;
mod sessions;
mod tokens;

use std::{future::Future, net::IpAddr, sync::Arc, time::Instant};

use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};

pub use self::{
    door::Door,
    tokens::{TokenError, Tokens},
};
use self::{
    door::{Admitted, Asked, Refused},
    live::Live,
};
use super::server::{Port, guarded};
use crate::control::{
    Rights, Service,
    api::ErrorKind,
    needed,
    server::{Limits, Peer, api_router, refusal},
};

/// What the page may do, as a browser is told (CSP Level 3): everything from here, nothing from
/// elsewhere, and no script that is not a file of its own.
const CONTENT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The page and the API on `service`, behind `door`; and what keeps the page told until `stop` is
/// there.
pub fn router<S: Service>(
    service: Arc<S>,
    door: Arc<Door>,
    limits: Limits,
    stop: impl Future<Output = ()> + Send + 'static,
) -> (Router, impl Future<Output = ()> + Send + 'static) {
    let live = Live::new();
    let told = live.clone().tell(Arc::clone(&service), stop);
    let api =
        api_router(service, limits.body).layer(from_fn_with_state(Arc::clone(&door), admit_to_api));
    let pages = pages::router(door, live);
    let router = pages.fallback_service(api);
    (guarded(router, HeaderValue::from_static(CONTENT)), told)
}

/// Lets a request to the API through with its caller, or tells why not.
async fn admit_to_api(
    State(door): State<Arc<Door>>,
    Extension(Peer(peer)): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let admitted = admit(&door, peer.ip(), &request).and_then(|admitted| {
        match needed(request.method(), request.uri().path()) {
            needed if needed <= admitted.rights => Ok(admitted),
            // Who has a token at all may read.
            _ if admitted.rights < Rights::Read => Err(Refused::Read),
            _ => Err(Refused::Write),
        }
    });
    match admitted {
        Ok(admitted) => {
            request.extensions_mut().insert(admitted.granted());
            request.extensions_mut().insert(admitted.caller);
            next.run(request).await
        }
        Err(refused) => {
            tracing::debug!(%peer, path = request.uri().path(), %refused, "operators' API");
            denied(refused)
        }
    }
}

fn admit(door: &Door, peer: IpAddr, request: &Request) -> Result<Admitted, Refused> {
    let Port(port) = *request
        .extensions()
        .get()
        .expect("the server adds it to every request");
    let asked = Asked {
        peer,
        port,
        version: request.version(),
        method: request.method(),
        headers: request.headers(),
    };
    door.admit(asked, Instant::now())
}

/// The status of a refusal.
fn status(refused: Refused) -> StatusCode {
    match refused {
        Refused::NoToken | Refused::WrongToken => StatusCode::UNAUTHORIZED,
        Refused::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        Refused::Write
        | Refused::Read
        | Refused::Elsewhere
        | Refused::Shut
        | Refused::CrossSite => StatusCode::FORBIDDEN,
    }
}

/// A refusal as an error of the API.
fn denied(refused: Refused) -> Response {
    let message = refused.to_string();
    let mut response = refusal(status(refused), ErrorKind::Denied, message).into_response();
    let headers = response.headers_mut();
    match refused {
        Refused::NoToken | Refused::WrongToken => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Refused::TooMany(left) => {
            headers.insert(header::RETRY_AFTER, (left.as_secs() + 1).into());
        }
        Refused::Write
        | Refused::Read
        | Refused::Elsewhere
        | Refused::Shut
        | Refused::CrossSite => {}
    }
    response
}

#[cfg(test)]
mod tests;
