//! Who visits, told by the connection and, where that is a trusted proxy's, by what the proxy says.
//! Pure.

use std::net::IpAddr;

use axum::http::HeaderMap;

use crate::network::Network;

/// Where the reverse proxies note for whom they come, each at the end of what is there.
const FORWARDED: &str = "x-forwarded-for";

/// The address of the visitor behind a connection from `peer`. What the header says is believed from
/// its end on, as far as `trusted` proxies have written it: the rest may be the visitor's invention.
pub(super) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address| trusted.iter().any(|network| network.contains(address));
    let lines: Vec<&str> = headers
        .get_all(FORWARDED)
        .iter()
        .map(|line| line.to_str().unwrap_or_default())
        .collect();
    let mut known = peer.to_canonical();
    for named in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Some(before) = is_trusted(known)
            .then(|| named.trim().parse::<IpAddr>().ok())
            .flatten()
        else {
            break;
        };
        known = before.to_canonical();
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted: Vec<Network> = ["127.0.0.1", "198.51.100.0/24"]
            .map(|network| network.parse().unwrap())
            .into();
        for (peer, forwarded, expected) in [
            ("192.0.2.7", &[][..], "192.0.2.7"),
            ("::ffff:192.0.2.7", &[], "192.0.2.7"),
            ("192.0.2.7", &["203.0.113.1"], "192.0.2.7"),
            ("127.0.0.1", &["203.0.113.1"], "203.0.113.1"),
            ("127.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["forged, 203.0.113.1"], "203.0.113.1"),
            ("127.0.0.1", &["10.0.0.1, 203.0.113.1"], "203.0.113.1"),
            ("127.0.0.1", &["10.0.0.1", "203.0.113.1"], "203.0.113.1"),
            ("127.0.0.1", &["203.0.113.1, 198.51.100.9"], "203.0.113.1"),
            ("127.0.0.1", &["203.0.113.1, nonsense"], "127.0.0.1"),
            ("127.0.0.1", &[", 198.51.100.9"], "198.51.100.9"),
        ] {
            let mut headers = HeaderMap::new();
            for line in forwarded {
                headers.append(FORWARDED, line.parse().unwrap());
            }
            let found = address(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found.to_string(), expected, "{peer} {forwarded:?}");
        }
    }
}
