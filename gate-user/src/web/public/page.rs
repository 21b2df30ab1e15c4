//! The page as HTML. Whatever is filled in is escaped by the templates.

use std::sync::LazyLock;

use askama::Template;
use axum::response::Html;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

use super::{
    pasted,
    standing::{Dns, Effect, Standing},
    topic::Topic,
};
use crate::{
    config::{Config, Contact, WebConfig},
    removal::Recourse,
};

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

/// What is said first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Notice {
    /// What was put in holds no address.
    NoAddress,
    /// It holds addresses or a reason, and not the address of whoever was refused.
    NoClient,
    /// It is too long.
    LongText,
    /// There is no address of mail in the form.
    NoContact,
    /// The note is too long.
    LongNote,
    /// This visitor asks too often, or all about this address do.
    TooOften,
    /// Too many requests were taken for this network, or from this contact.
    TooManyRequests,
    /// Another page made the browser post.
    AnotherPage,
    /// The page is elsewhere.
    NoPage,
    /// What was posted is not what a form of the page posts.
    NotTheForm,
    /// The form is none of ours any more.
    OldForm,
    /// The request is granted.
    Granted,
    /// The postmaster decides.
    Queued,
    /// The request is refused.
    Refused,
    /// There was nothing to be removed.
    NotListed,
    /// The gate cannot tell now.
    Unavailable,
}

/// What the page shows, besides what it always does.
pub(super) struct Content {
    asked: String,
    notice: Option<Notice>,
    found: Option<Known>,
    topic: Option<Topic>,
}

/// What is known of the address.
struct Known {
    standing: Standing,
    dns: Dns,
    /// For the form that asks for a removal, where that may bring anything about.
    token: Option<String>,
}

impl Content {
    /// Nothing was asked.
    pub(super) fn empty() -> Self {
        Self {
            asked: String::new(),
            notice: None,
            found: None,
            topic: None,
        }
    }

    /// Only that.
    pub(super) fn of(asked: &str, notice: Notice) -> Self {
        Self {
            asked: asked[..asked.floor_char_boundary(pasted::LONGEST)].to_owned(),
            notice: Some(notice),
            ..Self::empty()
        }
    }

    /// How an address stands.
    pub(super) fn standing(
        asked: &str,
        notice: Option<Notice>,
        standing: Standing,
        dns: Dns,
        token: Option<String>,
    ) -> Self {
        Self {
            asked: asked[..asked.floor_char_boundary(pasted::LONGEST)].to_owned(),
            notice,
            found: Some(Known {
                standing,
                dns,
                token,
            }),
            topic: None,
        }
    }

    /// The message that was put in names `topic`.
    pub(super) fn with_topic(self, topic: Option<Topic>) -> Self {
        Self { topic, ..self }
    }

    /// Whether it is shown where the page is not, so that a form would lead nowhere.
    fn is_elsewhere(&self) -> bool {
        self.notice == Some(Notice::NoPage)
    }
}

#[derive(Template)]
#[template(path = "public/page.html")]
struct Page<'a> {
    style: &'static str,
    web: &'a WebConfig,
    /// Where the page is.
    url: &'a str,
    /// What the form takes, in characters. A browser cuts the rest off: one more than is looked through,
    /// so that it is told.
    longest: usize,
    content: &'a Content,
}

/// The page.
pub(super) fn show(config: &Config, content: &Content) -> Html<String> {
    let url = config.policy.url.as_str();
    let page = Page {
        style: STYLE,
        web: &config.web,
        url: if url.is_empty() { "/" } else { url },
        longest: pasted::LONGEST + 1,
        content,
    };
    Html(page.render().expect("text is written into a string"))
}
