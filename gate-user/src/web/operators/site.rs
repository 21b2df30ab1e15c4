//! From whose page a browser sends a request.

use axum::http::{
    HeaderMap,
    header::{HOST, ORIGIN},
};

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
/// Metadata), or else by `Origin`, which a browser sends with each post.
pub(super) fn of(headers: &HeaderMap) -> Site {
    let site = |is_same| if is_same { Site::Same } else { Site::Other };
    if let Some(told) = headers.get("sec-fetch-site") {
        return site(told == "same-origin");
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return Site::Untold;
    };
    let authority = origin.to_str().ok().and_then(|origin| {
        let (_, authority) = origin.split_once("://")?;
        Some(authority)
    });
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    site(authority.is_some() && authority == host)
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
            of(&pairs.collect())
        };
        let host = ("host", "gate.example:9025");
        assert_eq!(told(&[host]), Site::Untold);
        assert_eq!(told(&[host, ("sec-fetch-site", "same-origin")]), Site::Same);
        for other in ["same-site", "cross-site", "none"] {
            let origin = ("origin", "http://gate.example:9025");
            let given = [host, origin, ("sec-fetch-site", other)];
            assert_eq!(told(&given), Site::Other, "{other}");
        }
        assert_eq!(
            of(&[host, ("origin", "http://gate.example:9025")]),
            Site::Same
        );
        for other in ["http://gate.example", "http://evil.example:9025", "null"] {
            assert_eq!(told(&[host, ("origin", other)]), Site::Other, "{other}");
        }
    }
}
