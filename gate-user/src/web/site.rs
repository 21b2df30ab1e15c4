//! From whose page a browser sends a request.

use axum::http::{HeaderMap, Uri, header};

/// Whose page made a browser ask.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Site {
    /// A page of this very origin.
    Same,
    /// Another one.
    Other,
    /// Nobody says; so it is no browser of today that posts.
    Untold,
}

/// Whose page the head of a request tells of: by `Sec-Fetch-Site`, which no page can set (Fetch
/// Metadata), or else by `Origin`, which a browser sends with each post. `reached` is the URL where
/// the page is reached, if that is known: a reverse proxy may have told this server another name.
pub(super) fn of(headers: &HeaderMap, reached: Option<&str>) -> Site {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let site = |is_same| if is_same { Site::Same } else { Site::Other };
    if let Some(told) = text("sec-fetch-site") {
        return site(told == "same-origin");
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else {
        return Site::Untold;
    };
    let authority = |url: &str| {
        url.parse::<Uri>()
            .ok()?
            .authority()
            .map(|authority| authority.as_str().to_ascii_lowercase())
    };
    // Names of hosts are the same in any case (RFC 3986 section 3.2.2), and browsers send origins in
    // lower case.
    let host = text(header::HOST.as_str()).map(str::to_ascii_lowercase);
    let origin = authority(origin);
    let is_named = |name: Option<String>| name.is_some() && origin == name;
    site(is_named(host) || is_named(reached.and_then(authority)))
}

/// Whether another page made a browser look: not whoever typed the address or has it in a bookmark
/// (`none`), and nobody whose browser tells nothing.
pub(super) fn looks_from_elsewhere(headers: &HeaderMap) -> bool {
    let typed = headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "none");
    !typed && of(headers, None) == Site::Other
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    #[test]
    fn a_page_is_known_by_what_no_page_can_set() {
        let told = |given: &[(&'static str, &'static str)]| {
            let pairs = given.iter().map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, value.parse().unwrap())
            });
            of(&pairs.collect(), Some("https://WWW.Example.org/refused"))
        };
        let host = ("host", "gate.example:9025");
        assert_eq!(told(&[host]), Site::Untold);
        assert_eq!(told(&[host, ("sec-fetch-site", "same-origin")]), Site::Same);
        let origin = ("origin", "http://gate.example:9025");
        for other in ["same-site", "cross-site", "none"] {
            let given = [host, origin, ("sec-fetch-site", other)];
            assert_eq!(told(&given), Site::Other, "{other}");
        }
        for same in ["http://gate.example:9025", "https://www.example.org"] {
            assert_eq!(told(&[host, ("origin", same)]), Site::Same, "{same}");
        }
        let host = ("host", "Gate.Example:9025");
        assert_eq!(told(&[host, origin]), Site::Same);
        for other in ["http://gate.example", "http://evil.example:9025", "null"] {
            assert_eq!(told(&[host, ("origin", other)]), Site::Other, "{other}");
        }
        assert_eq!(told(&[("origin", "null")]), Site::Other);
    }
}
