//! What a browser gets: the page, the form to log in, the files of both, and the live events.

use std::{sync::Arc, time::Instant};

use askama::Template;
use axum::{
    Extension, Json, Router,
    extract::{DefaultBodyLimit, Form, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};

use super::{
    admit, denied,
    door::{COOKIE_NAME, Door, Refused},
    live::Live,
    sessions::LASTS,
    status,
};
use crate::control::{Rights, server::Peer};

const PAGE: &str = include_str!("../../../templates/operators/page.html");
const SCRIPT: &str = include_str!("../../../templates/operators/page.js");
const PLOT: &str = include_str!("../../../templates/operators/plot.js");
const STYLE: &str = include_str!("../../../templates/operators/style.css");

/// The largest form in bytes: a secret, with each character escaped.
const FORM: usize = 4096;

#[derive(Clone)]
struct Desk {
    door: Arc<Door>,
    live: Live,
}

/// The pages behind `door`, told by `live`.
pub(super) fn router(door: Arc<Door>, live: Live) -> Router {
    let script = "text/javascript; charset=utf-8";
    Router::new()
        .route("/", get(page))
        .route("/login", get(form).post(log_in))
        .route("/logout", post(log_out))
        .route("/me", get(me))
        .route("/live", get(look))
        .route("/page.js", get(async move || file(script, SCRIPT)))
        .route("/plot.js", get(async move || file(script, PLOT)))
        .route(
            "/style.css",
            get(async || file("text/css; charset=utf-8", STYLE)),
        )
        .layer(DefaultBodyLimit::max(FORM))
        .with_state(Desk { door, live })
}

fn file(kind: &'static str, text: &'static str) -> Response {
    (
        [(header::CONTENT_TYPE, HeaderValue::from_static(kind))],
        text,
    )
        .into_response()
}

/// To `place`, which is beside the page wherever a proxy has that.
fn see(place: &'static str) -> Response {
    let place = [(header::LOCATION, HeaderValue::from_static(place))];
    (StatusCode::SEE_OTHER, place).into_response()
}

async fn page(
    State(desk): State<Desk>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
) -> Response {
    match admit(&desk.door, peer.ip(), &request) {
        Ok(_) => Html(PAGE).into_response(),
        Err(Refused::NoToken) => see("login"),
        Err(refused) => (status(refused), refused.to_string()).into_response(),
    }
}

#[derive(Template)]
#[template(path = "operators/login.html")]
struct Login {
    problem: Option<Refused>,
}

impl Login {
    fn into_html(self) -> Html<String> {
        Html(self.render().expect("text is written into a string"))
    }
}

async fn form(State(desk): State<Desk>) -> Response {
    if desk.door.asks_for_token() {
        Login { problem: None }.into_html().into_response()
    } else {
        see("./")
    }
}

#[derive(Deserialize)]
struct Shown {
    token: String,
}

async fn log_in(
    State(desk): State<Desk>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    Form(Shown { token }): Form<Shown>,
) -> Response {
    let shown = desk
        .door
        .log_in(peer.ip(), &headers, &token, Instant::now());
    match shown {
        Ok(session) => {
            let by_tls = headers.get("x-forwarded-proto");
            let secure = if by_tls.is_some_and(|by| by == "https") {
                "; Secure"
            } else {
                ""
            };
            let age = LASTS.as_secs();
            let cookie = format!(
                "{COOKIE_NAME}={session}; HttpOnly; SameSite=Strict; Max-Age={age}{secure}"
            );
            ([(header::SET_COOKIE, cookie)], see("./")).into_response()
        }
        Err(refused) => {
            let problem = Some(refused);
            (status(refused), Login { problem }.into_html()).into_response()
        }
    }
}

async fn log_out(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    match desk.door.log_out(&headers) {
        Ok(()) => see("login"),
        Err(refused) => denied(refused),
    }
}

/// Who looks at the page, and what they may.
#[derive(Serialize)]
struct Me {
    name: String,
    rights: Rights,
    /// Whether they logged in, and can log out.
    session: bool,
}

async fn me(
    State(desk): State<Desk>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
) -> Response {
    match admit(&desk.door, peer.ip(), &request) {
        Ok(admitted) => Json(Me {
            name: admitted.caller.to_string(),
            rights: admitted.rights,
            session: desk.door.asks_for_token(),
        })
        .into_response(),
        Err(refused) => denied(refused),
    }
}

async fn look(
    State(desk): State<Desk>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
) -> Response {
    // Before the look at the door: else it could be shut between the two.
    let over = desk.door.reconfigured();
    let rights = match admit(&desk.door, peer.ip(), &request) {
        Ok(admitted) => admitted.rights,
        Err(refused) => return denied(refused),
    };
    match desk.live.look(rights, over) {
        Some(events) => events.into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "too many look already").into_response(),
    }
}
