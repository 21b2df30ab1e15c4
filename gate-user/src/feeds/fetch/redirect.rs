//! Where a server may send a fetch: pure.

use std::net::IpAddr;

use reqwest::Url;

use super::error::shown;

use crate::{
    config::{host_address, redacted},
    evidence::intake::is_public,
};

/// Where a fetch began, which the operator chose. Where it is sent from there, the server chooses:
/// that must not be a service of this machine or of its network, for which `gated` would be the
/// way in.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    host: String,
    port: Option<u16>,
    /// Whether the operator chose a host that is not of the public Internet.
    inside: bool,
}

/// Why a fetch does not go where the server sends it.
#[derive(Debug, thiserror::Error, Eq, PartialEq)]
pub(in crate::feeds) enum RedirectError {
    #[error("the server sent it elsewhere without saying where")]
    Nowhere,
    #[error("the server sent it to {to}: only https is followed")]
    Scheme { to: String },
    #[error("the server sent it to {to}, which is not of the public Internet")]
    Inside { to: String },
}

impl Origin {
    pub(super) fn new(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let inside = is_local_name(&host) || host_address(url).is_some_and(|at| !is_public(at));
        let port = url.port_or_known_default();
        Self { host, port, inside }
    }

    /// Whether a host of that name may have that address, where it is asked at `port`. The host that
    /// the operator chose may have any, but only for the service that the operator chose.
    pub(super) fn admits(&self, host: &str, port: Option<u16>, address: IpAddr) -> bool {
        let chosen = self.port == port && self.host.eq_ignore_ascii_case(host);
        self.inside || chosen || is_public(address)
    }

    /// Where the fetch goes on that was answered, at `from`, by a redirect to `location` (RFC 9110
    /// section 10.2.2). Name and password stay behind.
    pub(super) fn follow(&self, from: &Url, location: Option<&str>) -> Result<Url, RedirectError> {
        let location = location.ok_or(RedirectError::Nowhere)?;
        let mut to = from.join(location).map_err(|_| RedirectError::Nowhere)?;
        if to.scheme() != "https" {
            return Err(RedirectError::Scheme {
                to: shown(&redacted(&to)),
            });
        }
        let host = to.host_str().unwrap_or_default();
        let port = to.port_or_known_default();
        let inside = match host_address(&to) {
            Some(address) => !self.admits(host, port, address),
            // Other names are looked at when they are resolved.
            None => is_local_name(host) && !self.admits(host, port, IpAddr::from([127, 0, 0, 1])),
        };
        if inside {
            return Err(RedirectError::Inside {
                to: shown(&redacted(&to)),
            });
        }
        if to.origin() != from.origin() {
            // Neither fails: the address has a host.
            let _ = to.set_username("");
            let _ = to.set_password(None);
        }
        Ok(to)
    }
}

/// A name of this machine itself (RFC 6761 section 6.3).
fn is_local_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(from: &str, location: &str) -> String {
        let from: Url = from.parse().unwrap();
        match Origin::new(&from).follow(&from, Some(location)) {
            Ok(to) => to.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn where_a_server_may_send_a_fetch() {
        const FEED: &str = "https://lists.example.org/a";
        let inside =
            |to: &str| format!("the server sent it to {to}, which is not of the public Internet");
        let plain = |to: &str| format!("the server sent it to {to}: only https is followed");
        for (from, location, expected) in [
            (FEED, "/b", "https://lists.example.org/b".to_owned()),
            (
                FEED,
                "https://cdn.example.net/b",
                "https://cdn.example.net/b".to_owned(),
            ),
            (
                FEED,
                "//cdn.example.net/b",
                "https://cdn.example.net/b".to_owned(),
            ),
            (FEED, "https://8.8.8.8/b", "https://8.8.8.8/b".to_owned()),
            (
                FEED,
                "http://lists.example.org/b",
                plain("http://lists.example.org/b"),
            ),
            (
                FEED,
                "http://lists.example.org/b?key=secret",
                plain("http://lists.example.org/b"),
            ),
            (FEED, "file:///etc/passwd", plain("file:///etc/passwd")),
            (FEED, "https://127.0.0.1/b", inside("https://127.0.0.1/b")),
            (FEED, "https://2130706433/b", inside("https://127.0.0.1/b")),
            (FEED, "https://[::1]/b", inside("https://[::1]/b")),
            (
                FEED,
                "https://[::ffff:10.0.0.1]/b",
                inside("https://[::ffff:a00:1]/b"),
            ),
            (
                FEED,
                "https://localhost:8443/b",
                inside("https://localhost:8443/b"),
            ),
            (
                FEED,
                "https://a.localhost./b",
                inside("https://a.localhost./b"),
            ),
            (FEED, "https://10.0.0.1/b", inside("https://10.0.0.1/b")),
            (
                FEED,
                "https://169.254.169.254/b",
                inside("https://169.254.169.254/b"),
            ),
            (FEED, "https://[fd00::1]/b", inside("https://[fd00::1]/b")),
            (
                FEED,
                "https://",
                "the server sent it elsewhere without saying where".to_owned(),
            ),
            // Who fetches from inside chose to.
            (
                "https://127.0.0.1:1/a",
                "https://127.0.0.1:2/b",
                "https://127.0.0.1:2/b".to_owned(),
            ),
            (
                "https://10.0.0.1/a",
                "https://10.0.0.2/b",
                "https://10.0.0.2/b".to_owned(),
            ),
            (
                "https://localhost/a",
                "https://127.0.0.1/b",
                "https://127.0.0.1/b".to_owned(),
            ),
            (
                "https://127.0.0.1/a",
                "http://127.0.0.1/b",
                plain("http://127.0.0.1/b"),
            ),
        ] {
            assert_eq!(follow(from, location), expected, "{from} -> {location}");
        }
    }

    #[test]
    fn a_long_location_is_shown_cut() {
        let path = "a".repeat(10_000);
        for location in [
            format!("http://lists.example.org/{path}"),
            format!("https://127.0.0.1/{path}"),
        ] {
            let told = follow("https://lists.example.org/a", &location);
            assert!(told.len() < 300 && told.contains("aaa..."), "{told}");
        }
    }

    #[test]
    fn a_password_stays_with_its_host() {
        let from = "https://user:secret@lists.example.org/a";
        assert_eq!(
            follow(from, "https://cdn.example.net/b"),
            "https://cdn.example.net/b"
        );
        let to = follow(from, "https://evil:guess@cdn.example.net/b");
        assert_eq!(to, "https://cdn.example.net/b");
    }

    #[test]
    fn which_addresses_a_name_may_have() {
        let feed = Origin::new(&"https://mirror.example.org/a".parse().unwrap());
        for (host, port, address, expected) in [
            ("mirror.example.org", 443, "10.0.0.1", true),
            ("Mirror.Example.ORG", 443, "127.0.0.1", true),
            ("mirror.example.org", 8443, "10.0.0.1", false),
            ("mirror.example.org", 22, "127.0.0.1", false),
            ("mirror.example.org", 8443, "8.8.8.8", true),
            ("other.example.org", 443, "10.0.0.1", false),
            ("other.example.org", 443, "127.0.0.1", false),
            ("other.example.org", 443, "::1", false),
            ("other.example.org", 443, "8.8.8.8", true),
        ] {
            assert_eq!(
                feed.admits(host, Some(port), address.parse().unwrap()),
                expected,
                "{host}:{port} {address}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_location_leads_inside(
            location in r"((https?|ftp|file):)?(//)?([a-z]{0,3}@)?(localhost|127\.0\.0\.1|10\.\PC{0,6}|0x7f\.1|\[::1\]|[a-z.]{0,8})(:[0-9]{0,5})?(/\PC{0,10})?",
        ) {
            let from: Url = "https://lists.example.org/a".parse().unwrap();
            if let Ok(to) = Origin::new(&from).follow(&from, Some(&location)) {
                proptest::prop_assert_eq!(to.scheme(), "https");
                let host = to.host_str().unwrap_or_default();
                proptest::prop_assert!(!is_local_name(host), "{}", to);
                let address = host_address(&to);
                proptest::prop_assert!(address.is_none_or(is_public), "{}", to);
            }
        }
    }
}
