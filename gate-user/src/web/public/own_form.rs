//! Whether a post comes from the page's own form: what the browser says of its origin, and a token
//! that only the page can have given to this network, not long ago. Without either, any page on the
//! Web could let its visitors ask here.

use std::{fmt::Write as _, net::IpAddr, time::Duration};

use axum::http::HeaderMap;
use ring::{hmac, rand::SystemRandom};

use crate::{
    network::Network,
    web::site::{self, Site},
};

/// How long a form may lie open.
const VALID: Duration = Duration::from_hours(2);

/// Whether the browser says that a page from elsewhere posts. `page` is where the page is reached, as
/// the replies name it: a reverse proxy may have told this server another name.
pub(super) fn is_foreign(headers: &HeaderMap, page: &str) -> bool {
    site::of(headers, Some(page)) == Site::Other
}

/// Makes the tokens of forms, and knows them again until the daemon ends.
pub(super) struct Tokens(hmac::Key);

impl Tokens {
    /// With a key of their own.
    pub(super) fn new() -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        Self(key.expect("the kernel has random numbers"))
    }

    /// The token of a form that `visitor` gets at `now`.
    pub(super) fn issue(&self, visitor: IpAddr, now: Duration) -> String {
        let mac = hmac::sign(&self.0, said(visitor, now.as_secs()).as_bytes());
        let mut token = format!("{}.", now.as_secs());
        for octet in mac.as_ref() {
            // Writing to a String does not fail.
            let _ = write!(token, "{octet:02x}");
        }
        token
    }

    /// Whether `token` was issued to the network of `visitor`, and not long before `now`.
    pub(super) fn is_valid(&self, token: &str, visitor: IpAddr, now: Duration) -> bool {
        let parsed = token.split_once('.').and_then(|(at, hex)| {
            let at: u64 = at.parse().ok()?;
            let digits = hex.as_bytes().chunks(2);
            let digits = digits.map(|two| u8::from_str_radix(str::from_utf8(two).ok()?, 16).ok());
            Some((at, digits.collect::<Option<Vec<u8>>>()?))
        });
        parsed.is_some_and(|(at, mac)| {
            let age = now.as_secs().checked_sub(at);
            age.is_some_and(|age| age <= VALID.as_secs())
                && hmac::verify(&self.0, said(visitor, at).as_bytes(), &mac).is_ok()
        })
    }
}

/// What a token vouches for.
fn said(visitor: IpAddr, at: u64) -> String {
    format!("{} {at}", Network::around(visitor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_network_and_its_time() {
        let tokens = Tokens::new();
        let start = Duration::from_secs(1000);
        let ip = |text: &str| text.parse().unwrap();
        let token = tokens.issue(ip("192.0.2.7"), start);
        let valid = |token: &str, from, later| {
            tokens.is_valid(token, ip(from), start + Duration::from_secs(later))
        };
        assert!(valid(&token, "192.0.2.7", 0));
        assert!(valid(&token, "192.0.2.8", 7200));
        assert!(!valid(&token, "192.0.3.7", 0));
        assert!(!valid(&token, "192.0.2.7", 7201));
        assert!(!tokens.is_valid(&token, ip("192.0.2.7"), Duration::ZERO));
        assert!(!Tokens::new().is_valid(&token, ip("192.0.2.7"), start));
        let (at, mac) = token.split_once('.').unwrap();
        for forged in [
            String::new(),
            ".".to_owned(),
            format!("{at}."),
            format!("{at}.{}", &mac[2..]),
            format!("1001.{mac}"),
            format!("{at}.é{mac}"),
        ] {
            assert!(!valid(&forged, "192.0.2.7", 0), "{forged}");
        }
    }
}
