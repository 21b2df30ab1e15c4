//! Fetching a list over HTTPS, once. In: where from, limits, and what is known of the last one. Out:
//! the list, or that it is the same as the last one, or why there is none. Nothing here decides
//! whether a list is believed, or when the next fetch is due.

use std::{path::PathBuf, time::Duration};

use jiff::Timestamp;
use reqwest::{
    Certificate, Client, Response, StatusCode, Url,
    header::{
        CONTENT_ENCODING, ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH,
        LAST_MODIFIED, LOCATION, RETRY_AFTER,
    },
    redirect::Policy,
};
use rustls::crypto::ring;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::config::FeedUrl;

mod error;
mod redirect;
mod resolve;
pub(super) mod schedule;

#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;

pub(super) use error::FetchError;
use redirect::Origin;
use resolve::Careful;

/// How `gated` names itself to servers.
const USER_AGENT: &str = concat!("gate/", env!("CARGO_PKG_VERSION"));
/// How often a server may send a fetch elsewhere.
const MAX_REDIRECTS: usize = 5;
/// The longest `ETag` or `Last-Modified` that is kept, in bytes.
const MAX_VALIDATOR: usize = 1024;

/// What is to be fetched.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// From where.
    pub(super) url: FeedUrl,
    /// Who alone may vouch for the server; `None` for those that this machine trusts.
    pub(super) ca_file: Option<PathBuf>,
    /// How long it may be, in bytes once unpacked.
    pub(super) max_size: u64,
    /// How long the server may take.
    pub(super) patience: Patience,
    /// Of the list that is there already, which need not be fetched again.
    pub(super) validators: Option<Validators>,
}

/// How long a server may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Patience {
    /// Until it is connected to.
    pub(super) connect: Duration,
    /// Between two parts of its answer.
    pub(super) idle: Duration,
    /// In all.
    pub(super) total: Duration,
}

impl Patience {
    /// With so much time in all.
    pub(super) fn of(total: Duration) -> Self {
        Self {
            connect: Duration::from_secs(10).min(total),
            idle: Duration::from_secs(30).min(total),
            total,
        }
    }
}

/// What a server said of a list, to be told whether it has changed since (RFC 9110 section 13.1).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Validators {
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| {
            let value = headers.get(name)?.to_str().ok()?;
            (value.len() <= MAX_VALIDATOR).then(|| value.to_owned())
        };
        Self {
            etag: text(ETAG),
            last_modified: text(LAST_MODIFIED),
        }
    }

    fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// What came of a fetch.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Fetched {
    /// The list that is there already.
    Same,
    /// A list.
    List {
        /// The whole of it, unpacked.
        bytes: Vec<u8>,
        /// To ask for the next one with.
        validators: Validators,
    },
}

/// Fetches a list.
///
/// # Errors
/// [`FetchError`]; what was fetched of a list that did not come whole is thrown away.
pub(super) async fn fetch(order: &Order) -> Result<Fetched, FetchError> {
    let total = order.patience.total;
    timeout(total, follow(order))
        .await
        .unwrap_or(Err(FetchError::TooSlow { total }))
}

async fn follow(order: &Order) -> Result<Fetched, FetchError> {
    let origin = Origin::new(order.url.whole());
    let mut url = order.url.whole().clone();
    let asked = order.validators.as_ref().filter(|asked| !asked.is_empty());
    for _ in 0..=MAX_REDIRECTS {
        let client = client(
            order,
            Careful::new(origin.clone(), url.port_or_known_default()),
        )
        .await?;
        let response = ask(&client, url.clone(), asked).await?;
        match response.status() {
            StatusCode::OK => return list(response, order.max_size).await,
            StatusCode::NOT_MODIFIED if asked.is_some() => return Ok(Fetched::Same),
            StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT => {
                let location = response.headers().get(LOCATION);
                let location = location.and_then(|location| location.to_str().ok());
                url = origin.follow(&url, location)?;
            }
            status => {
                return Err(FetchError::Status {
                    status,
                    retry_after: retry_after(response.headers(), Timestamp::now()),
                });
            }
        }
    }
    Err(FetchError::RedirectedTooOften { max: MAX_REDIRECTS })
}

/// A client for one request: so that it trusts whom the machine and the file trust now, and goes to
/// no address that this request must not go to.
async fn client(order: &Order, resolver: Careful) -> Result<Client, FetchError> {
    // An error means that one is installed already, by the fetch before.
    let _ = ring::default_provider().install_default();
    let mut client = Client::builder()
        .user_agent(USER_AGENT)
        .https_only(true)
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .pool_max_idle_per_host(0)
        .connect_timeout(order.patience.connect)
        .read_timeout(order.patience.idle)
        .dns_resolver(resolver);
    if let Some(path) = &order.ca_file {
        let unreadable = |why: String| FetchError::CaFile {
            path: path.clone(),
            why,
        };
        let pem = tokio::fs::read(path)
            .await
            .map_err(|error| unreadable(error.to_string()))?;
        let certificates =
            Certificate::from_pem_bundle(&pem).map_err(|error| unreadable(error::chain(&error)))?;
        if certificates.is_empty() {
            return Err(unreadable("there is no certificate in it".to_owned()));
        }
        client = client.tls_certs_only(certificates);
    }
    client.build().map_err(|error| FetchError::Client {
        why: error::chain(&error),
    })
}

async fn ask(
    client: &Client,
    url: Url,
    asked: Option<&Validators>,
) -> Result<Response, FetchError> {
    let mut request = client.get(url);
    if let Some(validators) = asked {
        for (name, value) in [
            (IF_NONE_MATCH, &validators.etag),
            (IF_MODIFIED_SINCE, &validators.last_modified),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
    }
    request.send().await.map_err(|error| FetchError::NoAnswer {
        why: error::chain(&error.without_url()),
    })
}

/// The list that is answered: all of it, and no more than may be.
async fn list(mut response: Response, max: u64) -> Result<Fetched, FetchError> {
    // What was asked for is taken off by now.
    if let Some(encoding) = response.headers().get(CONTENT_ENCODING) {
        return Err(FetchError::Encoding {
            encoding: error::shown(&String::from_utf8_lossy(encoding.as_bytes())),
        });
    }
    let validators = Validators::of(response.headers());
    if response.content_length().is_some_and(|length| length > max) {
        return Err(FetchError::TooLong { max });
    }
    let mut bytes = Vec::new();
    loop {
        let chunk = response.chunk().await.map_err(|error| FetchError::CutOff {
            received: bytes.len() as u64,
            why: error::chain(&error.without_url()),
        })?;
        let Some(chunk) = chunk else {
            return Ok(Fetched::List { bytes, validators });
        };
        if (bytes.len() + chunk.len()) as u64 > max {
            return Err(FetchError::TooLong { max });
        }
        bytes.extend_from_slice(&chunk);
    }
}

/// After how long the server wants to be asked again (RFC 9110 section 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}
