//! The public page, which the replies of the mail server name. It is one resource, at whatever path a
//! reverse proxy has it: asked with an address it tells how that stands, posted to it takes a request
//! for removal. It needs no script.
//!
//! [`pasted`] finds the address in what was put in, [`standing`] picks what everybody may know,
//! [`page`] writes it; [`visitor`], [`pace`] and [`own_form`] decide who may ask, and how often.

mod own_form;
mod pace;
mod page;
mod pasted;
mod request;
mod standing;
mod topic;
mod visitor;

#[cfg(test)]
mod tests;

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Form, Query, State, rejection::FormRejection},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::map_response,
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde::Deserialize;
use tracing::error;

use self::{
    own_form::Tokens,
    pace::Pace,
    page::{Content, Notice},
    pasted::Missing,
    request::Asked,
    standing::{Dns, Standing},
};
use super::server::guarded;
use crate::{
    config::Config,
    control::{Caller, Service, ServiceError, api::Decision, server::Peer},
};

/// The configuration in force.
pub type ConfigNow = Arc<dyn Fn() -> Arc<Config> + Send + Sync>;

/// The longest body of a post in bytes: the form, and a note written in letters of three bytes that
/// are sent as nine.
const LONGEST_BODY: usize = 32 << 10;

/// What the page is made from.
struct Desk<S> {
    service: Arc<S>,
    config: ConfigNow,
    pace: Pace,
    tokens: Tokens,
    started: Instant,
}

/// The page, on `service`.
///
/// # Panics
/// The machine has no random numbers.
pub fn router<S: Service>(service: Arc<S>, config: ConfigNow) -> Router {
    let policy = HeaderValue::try_from(page::content_policy()).expect("it is visible ASCII");
    let desk = Desk {
        service,
        config,
        pace: Pace::new(),
        tokens: Tokens::new(),
        started: Instant::now(),
    };
    let page = get(look::<S>).post(ask::<S>).with_state(Arc::new(desk));
    // The page is one resource. A connection that waited for more would keep a place from others.
    let close = map_response(|mut response: Response| async {
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    });
    let router = Router::new().fallback_service(page).layer(close);
    guarded(router.layer(DefaultBodyLimit::max(LONGEST_BODY)), policy)
}

/// What the page is asked, if anything.
#[derive(Default, Deserialize)]
struct Looked {
    #[serde(default)]
    address: String,
}

async fn look<S: Service>(
    State(desk): State<Arc<Desk<S>>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let visit = desk.visit(peer.ip(), &headers);
    if !visit.is_here(&uri) {
        return visit.show(StatusCode::NOT_FOUND, &Content::of("", Notice::NoPage));
    }
    let Query(Looked { address }) = Query::try_from_uri(&uri).unwrap_or_default();
    if address.trim().is_empty() {
        return visit.show(StatusCode::OK, &Content::empty());
    }
    let found = match pasted::find(&address) {
        Ok(found) => found,
        Err(missing) => {
            let (status, notice, topic) = match missing {
                Missing::Address => (StatusCode::BAD_REQUEST, Notice::NoAddress, None),
                Missing::Client(topic) => (StatusCode::BAD_REQUEST, Notice::NoClient, topic),
                Missing::TooLong => (StatusCode::URI_TOO_LONG, Notice::LongText, None),
            };
            return visit.show(status, &Content::of(&address, notice).with_topic(topic));
        }
    };
    if !visit.may_look(found.address) {
        let content = Content::of(&address, Notice::TooOften);
        return visit.show(StatusCode::TOO_MANY_REQUESTS, &content);
    }
    let standing = visit.standing(&address, found.address, None).await;
    standing.map_or_else(
        |error| visit.unavailable(&error),
        |content| visit.show(StatusCode::OK, &content.with_topic(found.topic)),
    )
}

async fn ask<S: Service>(
    State(desk): State<Arc<Desk<S>>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
    form: Result<Form<Asked>, FormRejection>,
) -> Response {
    let visit = desk.visit(peer.ip(), &headers);
    if !visit.is_here(&uri) {
        return visit.show(StatusCode::NOT_FOUND, &Content::of("", Notice::NoPage));
    }
    if own_form::is_foreign(&headers, visit.config.policy.url.as_str()) {
        return visit.show(StatusCode::FORBIDDEN, &Content::of("", Notice::AnotherPage));
    }
    let Form(asked) = match form {
        Ok(form) => form,
        Err(error) => return visit.show(error.status(), &Content::of("", Notice::NotTheForm)),
    };
    let shown = asked.address.clone();
    let (token, request) = match asked.checked() {
        Ok(checked) => checked,
        Err(notice) => return visit.show(StatusCode::BAD_REQUEST, &Content::of(&shown, notice)),
    };
    let address = request.address;
    let (status, notice) = if !visit.is_own(&token) {
        (StatusCode::FORBIDDEN, Notice::OldForm)
    } else if !visit.may_request() {
        (StatusCode::TOO_MANY_REQUESTS, Notice::TooOften)
    } else {
        let by = Caller::Visitor(visit.visitor);
        match desk.service.request_removal(request, &by).await {
            Ok(removal) => match removal.decision {
                Decision::Granted => (StatusCode::OK, Notice::Granted),
                Decision::Queued => (StatusCode::OK, Notice::Queued),
                Decision::Refused => (StatusCode::OK, Notice::Refused),
            },
            Err(ServiceError::NotFound(_)) => (StatusCode::OK, Notice::NotListed),
            Err(ServiceError::Conflict(_)) => {
                (StatusCode::TOO_MANY_REQUESTS, Notice::TooManyRequests)
            }
            Err(error) => return visit.unavailable(&error),
        }
    };
    if !visit.may_look(address) {
        return visit.show(status, &Content::of(&shown, notice));
    }
    let standing = visit.standing(&shown, address, Some(notice)).await;
    standing.map_or_else(
        |error| visit.unavailable(&error),
        |content| visit.show(status, &content),
    )
}

/// One request, by somebody.
struct Visit<'a, S> {
    desk: &'a Desk<S>,
    config: Arc<Config>,
    visitor: IpAddr,
    now: Duration,
}

impl<S: Service> Desk<S> {
    fn visit(&self, peer: IpAddr, headers: &HeaderMap) -> Visit<'_, S> {
        let config = (self.config)();
        let visitor = visitor::address(peer, headers, &config.web.trusted_proxies);
        Visit {
            desk: self,
            config,
            visitor,
            now: self.started.elapsed(),
        }
    }
}

impl<S: Service> Visit<'_, S> {
    /// Whether `uri` is where the page is: at the root, or where a proxy that tells the whole path
    /// has it.
    fn is_here(&self, uri: &Uri) -> bool {
        let known = self.config.policy.url.as_str().parse::<Uri>();
        let known = known.as_ref().map_or("", Uri::path);
        let path = uri.path().trim_end_matches('/');
        path.is_empty() || path == known.trim_end_matches('/')
    }

    fn may_look(&self, address: IpAddr) -> bool {
        let pace = &self.desk.pace;
        pace.may_look(self.visitor, address, &self.config.web, self.now)
    }

    fn may_request(&self) -> bool {
        let pace = &self.desk.pace;
        pace.may_request(self.visitor, &self.config.web, self.now)
    }

    fn is_own(&self, token: &str) -> bool {
        self.desk.tokens.is_valid(token, self.visitor, self.now)
    }

    /// How `address` stands, for whoever put `asked` in.
    async fn standing(
        &self,
        asked: &str,
        address: IpAddr,
        notice: Option<Notice>,
    ) -> Result<Content, ServiceError> {
        let service = &self.desk.service;
        let check = service.check(address).await?;
        let standing = Standing::new(&check, service.mode().await?.mode);
        let dns = if standing.rests_on_dns() {
            let found = service.explain(address).await?.dns;
            found.map(Dns::from).unwrap_or_default()
        } else {
            Dns::default()
        };
        let token = standing
            .may_request()
            .then(|| self.desk.tokens.issue(self.visitor, self.now));
        Ok(Content::standing(asked, notice, standing, dns, token))
    }

    fn unavailable(&self, error: &ServiceError) -> Response {
        error!(%error, "cannot answer on the public page");
        let content = Content::of("", Notice::Unavailable);
        self.show(StatusCode::SERVICE_UNAVAILABLE, &content)
    }

    fn show(&self, status: StatusCode, content: &Content) -> Response {
        (status, page::show(&self.config, content)).into_response()
    }
}
