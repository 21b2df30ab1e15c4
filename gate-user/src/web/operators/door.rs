//! Who may come in, and for what. In: where a request comes from, and its head. Out: a [`Caller`] and
//! what is granted, or why not.
//!
//! - With `Authorization: Bearer`: the token that it shows.
//! - With the cookie of a session: the token that was shown when that began. A browser sends the
//!   cookie by itself, so a change must come from the page itself.
//! - Where no token is configured: whoever comes from the machine itself may look. A page from
//!   elsewhere can make a browser do so, under a name of its own that resolves to loopback; so the
//!   name must be loopback's. Nor may it come through a proxy, which makes everybody local.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use axum::http::{
    HeaderMap, Method,
    header::{AUTHORIZATION, COOKIE, FORWARDED, HOST, VIA},
};

use super::{
    attempts::Attempts,
    sessions::Sessions,
    tokens::{Token, Tokens},
};
use crate::{
    control::{Caller, Rights},
    web::site::{self, Site},
};

/// The cookie of a session.
pub(super) const COOKIE_NAME: &str = "gate_session";

/// The door of the operators' page and API. It outlives a reload, which brings other tokens.
#[derive(Debug, Default)]
pub struct Door {
    tokens: ArcSwap<Tokens>,
    sessions: Mutex<Sessions>,
    attempts: Mutex<Attempts>,
}

/// What is looked at of a request.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) peer: IpAddr,
    pub(super) method: &'a Method,
    pub(super) headers: &'a HeaderMap,
}

/// Who came in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Admitted {
    /// Who asks.
    pub(super) caller: Caller,
    /// For what.
    pub(super) rights: Rights,
}

/// Why somebody did not come in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Refused {
    /// Nothing was shown.
    #[error("a token is needed: the header `Authorization: Bearer SECRET`")]
    NoToken,
    /// It is no token.
    #[error("that is no token of this gate")]
    WrongToken,
    /// There were too many wrong ones.
    #[error("too many wrong tokens: try again in {} s", .0.as_secs() + 1)]
    TooMany(Duration),
    /// It grants less than that takes.
    #[error("that takes the right to write: expected a token with rights = \"write\"")]
    Rights,
    /// Without a token, and not from the machine itself.
    #[error(
        "without a token only http://localhost and addresses of loopback are answered, and no \
         proxy: expected a [[web.operators.token]] in the configuration"
    )]
    Elsewhere,
    /// A page from elsewhere made a browser ask.
    #[error("that came from a page of another site")]
    CrossSite,
}

impl Door {
    /// A door that these tokens open.
    pub fn new(tokens: Tokens) -> Self {
        Self {
            tokens: ArcSwap::from_pointee(tokens),
            ..Self::default()
        }
    }

    /// From now on these tokens open it; a session of another one is over.
    pub fn configure(&self, tokens: Tokens) {
        self.tokens.store(Arc::new(tokens));
    }

    /// Whether there is a token that could be shown.
    pub(super) fn asks_for_token(&self) -> bool {
        !self.tokens.load().is_empty()
    }

    /// Lets somebody in, or not.
    pub(super) fn admit(&self, asked: Asked<'_>, now: Instant) -> Result<Admitted, Refused> {
        let tokens = self.tokens.load();
        if tokens.is_empty() {
            return as_visitor(asked);
        }
        if let Some(secret) = bearer(asked.headers) {
            return self.known(asked.peer, secret, now).map(admitted);
        }
        let cookie = cookie(asked.headers).ok_or(Refused::NoToken)?;
        let sessions = lock(&self.sessions);
        let token = sessions.find(cookie, now);
        let token = token.filter(|token| tokens.holds(token));
        let token = token.ok_or(Refused::NoToken)?;
        if !asked.method.is_safe() && site::of(asked.headers, None) != Site::Same {
            return Err(Refused::CrossSite);
        }
        Ok(admitted(token.clone()))
    }

    /// Begins a session for whoever shows `secret`; returns its cookie.
    pub(super) fn log_in(
        &self,
        asked: Asked<'_>,
        secret: &str,
        now: Instant,
    ) -> Result<String, Refused> {
        // Else a page from elsewhere could log somebody in as somebody else.
        if site::of(asked.headers, None) == Site::Other {
            return Err(Refused::CrossSite);
        }
        let token = self.known(asked.peer, secret.trim(), now)?;
        Ok(lock(&self.sessions).begin(token, now))
    }

    /// Ends the session of whoever asks.
    pub(super) fn log_out(&self, headers: &HeaderMap) {
        if let Some(cookie) = cookie(headers) {
            lock(&self.sessions).end(cookie);
        }
    }

    /// The token whose secret this is. After too many wrong ones none is looked at for a while.
    fn known(&self, peer: IpAddr, secret: &str, now: Instant) -> Result<Token, Refused> {
        let mut attempts = lock(&self.attempts);
        if let Some(left) = attempts.pause(peer, now) {
            return Err(Refused::TooMany(left));
        }
        if let Some(token) = self.tokens.load().of(secret) {
            return Ok(token.clone());
        }
        // No more often than that: what comes in the pause is not even compared.
        tracing::warn!(source = %peer, "refused a wrong token");
        attempts.wrong(peer, now);
        Err(Refused::WrongToken)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn admitted(token: Token) -> Admitted {
    Admitted {
        caller: Caller::Token(token.name),
        rights: token.rights,
    }
}

/// Lets somebody look who shows nothing, where no token is configured.
fn as_visitor(asked: Asked<'_>) -> Result<Admitted, Refused> {
    let headers = asked.headers;
    let through_proxy = headers.contains_key(FORWARDED)
        || headers.contains_key(VIA)
        || headers.contains_key("x-forwarded-for")
        || headers.contains_key("x-real-ip");
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if through_proxy || !asked.peer.to_canonical().is_loopback() || !host.is_some_and(is_loopback) {
        return Err(Refused::Elsewhere);
    }
    if !asked.method.is_safe() && site::of(headers, None) == Site::Other {
        return Err(Refused::CrossSite);
    }
    Ok(Admitted {
        caller: Caller::Visitor(asked.peer),
        rights: Rights::Read,
    })
}

/// Whether a `Host` is loopback's, whoever resolves it.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or_default();
    let address: Result<IpAddr, _> = name.parse();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// The secret in `Authorization: Bearer` (RFC 6750 section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(secret.trim())
}

/// The cookie of a session.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(COOKIE).into_iter();
    let mut pairs = all
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == COOKIE_NAME).then_some(value))
}

#[cfg(test)]
mod tests;
