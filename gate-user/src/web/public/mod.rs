//! The public page, which the replies of the mail server name. It is one resource, at whatever path a
//! reverse proxy has it: asked with an address it tells how that stands, posted to it takes a request
//! for removal. It needs no script.

mod page;

use std::sync::Arc;

use axum::{Router, extract::State, http::HeaderValue, response::Html};

use super::server::guarded;
use crate::{config::Config, control::Service};

/// The configuration in force.
pub type ConfigNow = Arc<dyn Fn() -> Arc<Config> + Send + Sync>;

/// What the page is made from.
struct Desk<S> {
    service: Arc<S>,
    config: ConfigNow,
}

/// The page, on `service`.
pub fn router<S: Service>(service: Arc<S>, config: ConfigNow) -> Router {
    let policy = HeaderValue::try_from(page::content_policy()).expect("it is visible ASCII");
    let router = Router::new()
        .fallback(show::<S>)
        .with_state(Arc::new(Desk { service, config }));
    guarded(router, policy)
}

async fn show<S: Service>(State(desk): State<Arc<Desk<S>>>) -> Html<String> {
    page::show(&(desk.config)().web)
}
