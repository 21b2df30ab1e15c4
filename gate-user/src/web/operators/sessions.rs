//! Who has logged in on the page: a bounded number of sessions, each known by a random cookie and
//! good for as long as its token is.

use std::{
    collections::HashMap,
    fmt::Write as _,
    time::{Duration, Instant},
};

use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};

use super::tokens::Token;

/// How long a session lasts: a working day.
pub(super) const LASTS: Duration = Duration::from_hours(12);
/// Sessions at a time; the oldest gives way.
const CAPACITY: usize = 64;

/// Sessions by the digest of their cookie: who could read the memory of the table would not have
/// the cookies, and a look-up by digest tells nothing by its time.
#[derive(Debug, Default)]
pub(super) struct Sessions(HashMap<[u8; 32], Session>);

#[derive(Debug)]
struct Session {
    token: Token,
    began: Instant,
}

impl Sessions {
    /// Begins a session for whoever showed `token`; returns its cookie.
    pub(super) fn begin(&mut self, token: Token, now: Instant) -> String {
        let mut random = [0; 32];
        SystemRandom::new()
            .fill(&mut random)
            .expect("the kernel has random numbers");
        let mut cookie = String::new();
        for byte in random {
            // Text is written into a string.
            let _ = write!(cookie, "{byte:02x}");
        }
        self.0.retain(|_, session| now < session.began + LASTS);
        if self.0.len() >= CAPACITY {
            let oldest = self.0.iter().min_by_key(|(_, session)| session.began);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(key(&cookie), Session { token, began: now });
        cookie
    }

    /// The token that was shown when the session of `cookie` began.
    pub(super) fn find(&self, cookie: &str, now: Instant) -> Option<&Token> {
        let session = self.0.get(&key(cookie))?;
        (now < session.began + LASTS).then_some(&session.token)
    }

    /// Ends those whose token is not to be kept.
    pub(super) fn keep(&mut self, kept: impl Fn(&Token) -> bool) {
        self.0.retain(|_, session| kept(&session.token));
    }

    /// Ends the session of `cookie`.
    pub(super) fn end(&mut self, cookie: &str) {
        self.0.remove(&key(cookie));
    }
}

fn key(cookie: &str) -> [u8; 32] {
    Sha256::digest(cookie).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{control::Rights, web::operators::tokens::tests::token};

    #[test]
    fn a_session_ends_with_its_time_or_by_a_word() {
        let mut sessions = Sessions::default();
        let (now, desk) = (Instant::now(), token("desk", "secret", Rights::Write));
        let cookie = sessions.begin(desk.clone(), now);
        let other = sessions.begin(desk.clone(), now);
        assert_ne!(cookie, other);
        assert_eq!(sessions.find(&cookie, now), Some(&desk));
        assert_eq!(sessions.find("no such", now), None);
        assert_eq!(sessions.find(&cookie, now + LASTS), None);
        sessions.end(&cookie);
        assert_eq!(sessions.find(&cookie, now), None);
        assert_eq!(sessions.find(&other, now), Some(&desk));
    }

    #[test]
    fn the_oldest_session_gives_way() {
        let mut sessions = Sessions::default();
        let now = Instant::now();
        let desk = token("desk", "secret", Rights::Read);
        let first = sessions.begin(desk.clone(), now);
        for i in 1..=CAPACITY as u64 {
            let later = now + Duration::from_secs(i);
            sessions.begin(desk.clone(), later);
        }
        assert_eq!(sessions.0.len(), CAPACITY);
        assert_eq!(sessions.find(&first, now), None);
    }
}
