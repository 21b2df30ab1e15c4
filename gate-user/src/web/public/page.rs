//! The page as HTML. Whatever is filled in is escaped by the templates.

use std::sync::LazyLock;

use askama::Template;
use axum::response::Html;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

use crate::config::{Contact, WebConfig};

/// How the page looks; it is in the page itself, so that one request has it all.
const STYLE: &str = include_str!("../../../templates/public/style.css");

/// What the page may do, as a browser is told (CSP Level 3): be styled by [`STYLE`], and post to
/// itself.
pub(super) fn content_policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'"
        )
    });
    &POLICY
}

#[derive(Template)]
#[template(path = "public/page.html")]
struct Page<'a> {
    style: &'static str,
    organisation: &'a str,
    contact: &'a Contact,
}

/// The page.
pub(super) fn show(web: &WebConfig) -> Html<String> {
    let page = Page {
        style: STYLE,
        organisation: &web.organisation,
        contact: &web.contact,
    };
    Html(page.render().expect("text is written into a string"))
}
