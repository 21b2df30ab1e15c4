//! Where a feed is fetched from: an address whose secrets are never shown.

use std::{fmt, net::IpAddr, str::FromStr, time::Duration};

use reqwest::Url;

/// The longest address that is taken, in bytes.
const MAX_LENGTH: usize = 2048;

/// The shortest time between two fetches.
const FLOOR: Duration = Duration::from_mins(10);
/// What Spamhaus asks for: automated downloads at least one hour apart
/// (<https://www.spamhaus.org/blocklists/drop-fair-use-policy/>).
const SPAMHAUS_FLOOR: Duration = Duration::from_hours(1);
/// The names under which Spamhaus serves lists.
const SPAMHAUS: [&str; 2] = ["spamhaus.org", "spamhaus.com"];

/// An `https://` address. `Display` and `Debug` show neither name and password nor the query, which
/// may be the key to a list.
#[derive(Clone, Eq, PartialEq)]
pub struct FeedUrl(Url);

impl FeedUrl {
    /// The whole address, with what is secret.
    pub fn whole(&self) -> &Url {
        &self.0
    }

    /// The shortest time between two fetches from there.
    pub fn floor(&self) -> Duration {
        let host = self.0.host_str().unwrap_or_default();
        let of_spamhaus = SPAMHAUS.iter().any(|domain| {
            host.strip_suffix(domain)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
        if of_spamhaus { SPAMHAUS_FLOOR } else { FLOOR }
    }
}

/// The host of `url`, where it is an address and no name.
pub(crate) fn host_address(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    bare.unwrap_or(host).parse().ok()
}

/// `url` without what may be secret in it.
pub(crate) fn redacted(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}"));
    format!(
        "{}://{}{}{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        port.unwrap_or_default(),
        url.path()
    )
}

impl fmt::Display for FeedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

impl fmt::Debug for FeedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FeedUrl({self})")
    }
}

/// The errors do not repeat the text, which may hold a key.
impl FromStr for FeedUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "expected one such as \"https://lists.example.org/list.netset\"";
        if text.len() > MAX_LENGTH {
            return Err(format!(
                "{} bytes long: expected no more than {MAX_LENGTH}",
                text.len()
            ));
        }
        let url = Url::parse(text).map_err(|error| format!("no address ({error}): {example}"))?;
        if url.scheme() != "https" {
            return Err(format!(
                "`{}` is not taken, because anybody on the way could write the list: {example}",
                url.scheme()
            ));
        }
        if url.fragment().is_some() {
            return Err(format!("a fragment (#...) is never sent: {example}"));
        }
        Ok(Self(url))
    }
}

/// An address, where the empty text stands for none.
pub(super) mod optional {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::FeedUrl;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<FeedUrl>, D::Error> {
        match String::deserialize(d)?.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(D::Error::custom),
        }
    }

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(crate) fn serialize<S: Serializer>(url: &Option<FeedUrl>, s: S) -> Result<S::Ok, S::Error> {
        // The configuration as a file has it, secrets included.
        s.serialize_str(url.as_ref().map_or("", |url| url.whole().as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_addresses_are_taken() {
        for (text, expected) in [
            (
                "https://lists.example.org/a.netset",
                "https://lists.example.org/a.netset",
            ),
            ("HTTPS://Lists.Example.ORG", "https://lists.example.org/"),
            ("https://192.0.2.7:8443/a", "https://192.0.2.7:8443/a"),
            ("https://[2001:db8::1]/a", "https://[2001:db8::1]/a"),
            ("http://lists.example.org/a", "`http` is not taken"),
            ("http://127.0.0.1/a", "`http` is not taken"),
            ("file:///etc/passwd", "`file` is not taken"),
            ("lists.example.org/a", "no address"),
            ("https://", "no address"),
            ("https://lists.example.org/a#b", "a fragment"),
            (
                &format!("https://lists.example.org/{}", "a".repeat(2048)),
                "2074 bytes long",
            ),
        ] {
            let told = match text.parse::<FeedUrl>() {
                Ok(url) => url.to_string(),
                Err(error) => error,
            };
            assert!(told.starts_with(expected), "{text}: {told}");
        }
    }

    #[test]
    fn what_may_be_secret_is_not_shown() {
        let text = "https://user:secret@lists.example.org/a?key=secret";
        let url: FeedUrl = text.parse().unwrap();
        assert_eq!(url.to_string(), "https://lists.example.org/a");
        assert!(!format!("{url:?}").contains("secret"));
        assert_eq!(url.whole().as_str(), text);
        let error = text.replace("https", "http").parse::<FeedUrl>();
        assert!(!error.unwrap_err().contains("secret"));
    }

    #[test]
    fn how_often_a_host_may_be_asked() {
        for (url, hours) in [
            ("https://www.spamhaus.org/drop/drop_v4.json", true),
            ("https://spamhaus.org/a", true),
            ("https://api.spamhaus.com/a", true),
            ("https://notspamhaus.org/a", false),
            ("https://www.spamhaus.org.example.net/a", false),
        ] {
            let url: FeedUrl = url.parse().unwrap();
            let expected = if hours { SPAMHAUS_FLOOR } else { FLOOR };
            assert_eq!(url.floor(), expected, "{url}");
        }
    }

    #[test]
    fn which_host_is_an_address() {
        for (url, expected) in [
            ("https://127.0.0.1/", Some("127.0.0.1")),
            ("https://[::1]:8443/", Some("::1")),
            ("https://2130706433/", Some("127.0.0.1")),
            ("https://lists.example.org/", None),
        ] {
            let expected = expected.map(|text| text.parse().unwrap());
            assert_eq!(host_address(&url.parse().unwrap()), expected, "{url}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_taken_is_read_again_and_shows_no_query(
            text in r"(https?://)?([a-z:]{0,5}@)?[a-z0-9.:\[\]-]{0,12}(/\PC{0,12})?(\?SECRET\PC{0,8})?",
        ) {
            if let Ok(url) = text.parse::<FeedUrl>() {
                proptest::prop_assert_eq!(url.whole().as_str().parse::<FeedUrl>(), Ok(url.clone()));
                let shown = url.to_string();
                proptest::prop_assert!(!shown.contains("?SECRET"), "{}", shown);
                let authority = shown.split('/').nth(2).unwrap_or_default();
                proptest::prop_assert!(!authority.contains('@'), "{}", shown);
            }
        }
    }
}
