//! Who may come in, and for what. In: where a request comes from, and its head. Out: a [`Caller`] and
//! what is granted, or why not.
//!
//! - With `Authorization: Bearer`: the token that it shows.
//! - With the cookie of a session: the token that was shown when that began. A browser sends the
//!   cookie by itself, so a change must come from the page itself.
//! - Where no token is configured: whoever comes from the machine itself may see how the gate stands. A
//!   page from elsewhere can make a browser look, under a name of its own that resolves to loopback; so
//!   the name must be loopback's, and no browser may say that another page asks. Nor may it come through
//!   a proxy, which makes everybody local; but one that hides itself is not known, so no more is shown
//!   than such a mistake may cost.
//! - Where the page is not configured any more: nobody.

use std::{
    future::Future,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use axum::http::{
    HeaderMap, Method, Version,
    header::{AUTHORIZATION, COOKIE, FORWARDED, HOST, VIA},
};
use tokio::sync::watch;

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
    /// `None`: it is shut.
    tokens: ArcSwapOption<Tokens>,
    sessions: Mutex<Sessions>,
    attempts: Mutex<Attempts>,
    /// Told at each reload.
    configured: watch::Sender<()>,
}

/// What is looked at of a request.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) peer: IpAddr,
    /// The port at which it came in.
    pub(super) port: u16,
    pub(super) version: Version,
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
    /// Whether the request says that it is meant: it shows the token, or comes from the page itself. A
    /// browser sends the cookie of a session with whatever a page beside it asks for.
    pub(super) meant: bool,
}

impl Admitted {
    /// What this request may: one that may not be meant changes nothing.
    pub(super) fn granted(&self) -> Rights {
        if self.meant {
            self.rights
        } else {
            self.rights.min(Rights::Read)
        }
    }
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
    Write,
    /// No token is configured, and that takes one.
    #[error("that takes a token: expected a [[web.operators.token]] in the configuration")]
    Read,
    /// Without a token, and not from the machine itself.
    #[error(
        "without a token only http://localhost and addresses of loopback are answered, with the port \
         of `web.operators.listen`, and no proxy: expected a [[web.operators.token]] in the \
         configuration"
    )]
    Elsewhere,
    /// The page is not configured any more.
    #[error("there is no operators' page any more: expected [web.operators] in the configuration")]
    Shut,
    /// A page from elsewhere made a browser ask.
    #[error("that came from a page of another site")]
    CrossSite,
}

impl Door {
    /// A door that these tokens open; without any, whoever comes from the machine itself may look.
    /// `None` for a door that is shut.
    pub fn new(tokens: impl Into<Option<Tokens>>) -> Self {
        let door = Self::default();
        door.configure(tokens);
        door
    }

    /// From now on these tokens open it, as in [`Self::new`]; a session of another one is over.
    pub fn configure(&self, tokens: impl Into<Option<Tokens>>) {
        let tokens = tokens.into().map(Arc::new);
        self.tokens.store(tokens.clone());
        let holds = |token: &Token| tokens.as_ref().is_some_and(|tokens| tokens.holds(token));
        lock(&self.sessions).keep(holds);
        self.configured.send_replace(());
    }

    /// Ends when it is configured after this call: whoever is in shows again that they may be.
    pub(super) fn reconfigured(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut configured = self.configured.subscribe();
        async move {
            // An error means that the door is gone, and with it who could be let in.
            let _ = configured.changed().await;
        }
    }

    /// Whether nobody comes in who has shown no token.
    pub(super) fn asks_for_token(&self) -> bool {
        let tokens = self.tokens.load();
        tokens.as_ref().is_none_or(|tokens| !tokens.is_empty())
    }

    /// Lets somebody in, or not.
    pub(super) fn admit(&self, asked: Asked<'_>, now: Instant) -> Result<Admitted, Refused> {
        let tokens = self.tokens.load();
        let tokens = tokens.as_ref().ok_or(Refused::Shut)?;
        if tokens.is_empty() {
            return as_visitor(asked);
        }
        if let Some(secret) = bearer(asked.headers) {
            let token = self.known(tokens, asked.peer, secret, now)?;
            return Ok(admitted(token, true));
        }
        let cookie = cookie(asked.headers).ok_or(Refused::NoToken)?;
        let sessions = lock(&self.sessions);
        let token = sessions.find(cookie, now);
        let token = token.filter(|token| tokens.holds(token));
        let token = token.ok_or(Refused::NoToken)?;
        let meant = site::of(asked.headers, None) == Site::Same;
        if !asked.method.is_safe() && !meant {
            return Err(Refused::CrossSite);
        }
        Ok(admitted(token.clone(), meant))
    }

    /// Begins a session for whoever shows `secret`; returns its cookie.
    pub(super) fn log_in(
        &self,
        peer: IpAddr,
        headers: &HeaderMap,
        secret: &str,
        now: Instant,
    ) -> Result<String, Refused> {
        // Else a page from elsewhere could log somebody in as somebody else.
        if site::of(headers, None) == Site::Other {
            return Err(Refused::CrossSite);
        }
        let tokens = self.tokens.load();
        let tokens = tokens.as_ref().ok_or(Refused::Shut)?;
        let token = self.known(tokens, peer, secret.trim(), now)?;
        Ok(lock(&self.sessions).begin(token, now))
    }

    /// Ends the session of whoever asks from the page itself: no page beside it logs them out.
    pub(super) fn log_out(&self, headers: &HeaderMap) -> Result<(), Refused> {
        if site::of(headers, None) != Site::Same {
            return Err(Refused::CrossSite);
        }
        if let Some(cookie) = cookie(headers) {
            lock(&self.sessions).end(cookie);
        }
        Ok(())
    }

    /// The token whose secret this is. The right one always opens, or a stranger behind the same proxy
    /// could keep everybody out by wrong ones: that nobody finds it by trying is what its length is for.
    fn known(
        &self,
        tokens: &Tokens,
        peer: IpAddr,
        secret: &str,
        now: Instant,
    ) -> Result<Token, Refused> {
        if let Some(token) = tokens.of(secret) {
            return Ok(token.clone());
        }
        let counted = lock(&self.attempts).wrong(peer, now);
        counted.map_err(Refused::TooMany)?;
        // No more often than that: what is too many is not logged.
        tracing::warn!(source = %peer, "refused a wrong token");
        Err(Refused::WrongToken)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn admitted(token: Token, meant: bool) -> Admitted {
    Admitted {
        caller: Caller::Token(token.name),
        rights: token.rights,
        meant,
    }
}

/// Lets somebody look who shows nothing, where no token is configured.
fn as_visitor(asked: Asked<'_>) -> Result<Admitted, Refused> {
    let host = asked.headers.get(HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let is_here = asked.peer.to_canonical().is_loopback()
        && host.is_some_and(|host| is_loopback(host, asked.port))
        && !through_proxy(asked);
    if !is_here {
        return Err(Refused::Elsewhere);
    }
    if site::looks_from_elsewhere(asked.headers) {
        return Err(Refused::CrossSite);
    }
    Ok(Admitted {
        caller: Caller::Visitor(asked.peer),
        rights: Rights::Look,
        meant: false,
    })
}

/// Whether a request tells that it came through a proxy. Many say so in a header; nginx, unless it is
/// told to, says nothing, but before 1.29.7 it speaks HTTP/1.0, which no browser does.
fn through_proxy(asked: Asked<'_>) -> bool {
    asked.version < Version::HTTP_11
        || asked.headers.keys().any(|name| {
            [FORWARDED, VIA].contains(name)
                || name.as_str().starts_with("x-forwarded")
                || ["x-real-ip", "x-client-ip", "x-original-host"].contains(&name.as_str())
        })
}

/// Whether a `Host` is loopback's and names `port`, whoever resolves it.
fn is_loopback(host: &str, port: u16) -> bool {
    let (name, told) = match host.strip_prefix('[') {
        Some(v6) => v6.split_once(']').unwrap_or_default(),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    // A browser leaves the port out where it is that of http.
    let told = match told.strip_prefix(':') {
        Some(told) => told.parse().ok(),
        None => told.is_empty().then_some(80),
    };
    let address: Result<IpAddr, _> = name.parse();
    let is_named = name.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.is_loopback());
    is_named && told == Some(port)
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
