//! How often the page may be asked: by one network of visitors, and about one source. The tables are
//! bounded: who was not there for longest is forgotten first.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    config::{Rate, WebConfig},
    network::Network,
    policy::{Aging, Window},
};

/// Networks and sources that are remembered at least, each some 60 bytes.
const REMEMBERED: usize = 1 << 14;

/// What was counted, each by a key of its own.
#[derive(Debug)]
pub(super) struct Pace {
    looks_by: Counts,
    looks_at: Counts,
    requests_by: Counts,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            looks_by: Counts::new(),
            looks_at: Counts::new(),
            requests_by: Counts::new(),
        }
    }

    /// Whether `visitor` may ask about `address` at `now`; counted if so. Nobody else's questions
    /// keep a visitor from asking about himself.
    pub(super) fn may_look(
        &self,
        visitor: IpAddr,
        address: IpAddr,
        web: &WebConfig,
        now: Duration,
    ) -> bool {
        let (by, at) = (Network::around(visitor), Network::source(address));
        self.looks_by.take(by, web.looks_per_network, now)
            && (Network::source(visitor) == at || self.looks_at.take(at, web.looks_per_source, now))
    }

    /// Whether `visitor` may ask for a removal at `now`; counted if so.
    pub(super) fn may_request(&self, visitor: IpAddr, web: &WebConfig, now: Duration) -> bool {
        let by = Network::around(visitor);
        self.requests_by.take(by, web.requests_per_network, now)
    }
}

/// How much each network did lately.
#[derive(Debug)]
struct Counts(Mutex<Aging<Network, Window>>);

impl Counts {
    fn new() -> Self {
        Self(Mutex::new(Aging::new(REMEMBERED)))
    }

    /// Counts one more of `network`, unless that would be more than `rate`.
    fn take(&self, network: Network, rate: Rate, now: Duration) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = counts.touch(network);
        let is_within = window.count(rate.window(), now) < rate.count();
        if is_within {
            window.add(1, rate.window(), now);
        }
        is_within
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    #[test]
    fn a_network_and_a_source_have_a_rate() {
        let text = "[web]\nlooks_per_network = '3/1m'\nlooks_per_source = '2/1m'\n\
                    requests_per_network = '1/1m'";
        let web = Config::parse(text, Path::new("gate.toml")).unwrap().web;
        let pace = Pace::new();
        let start = Duration::from_mins(10);
        let look = |visitor: &str, address: &str, now| {
            let (visitor, address) = (visitor.parse().unwrap(), address.parse().unwrap());
            pace.may_look(visitor, address, &web, now)
        };
        assert!(look("203.0.113.1", "192.0.2.7", start));
        assert!(look("203.0.113.2", "192.0.2.7", start));
        assert!(!look("198.51.100.1", "192.0.2.7", start), "of one source");
        assert!(look("192.0.2.7", "192.0.2.7", start), "of his own");
        assert!(look("203.0.113.3", "192.0.2.8", start));
        assert!(!look("203.0.113.9", "192.0.2.9", start), "by one network");
        assert!(look("2001:db8::1", "2001:db8:1::1", start));
        assert!(look("2001:db8::1", "2001:db8:1::2", start));
        assert!(!look("2001:db8::1", "2001:db8:1:0:1::", start), "of a /64");
        assert!(look(
            "203.0.113.9",
            "192.0.2.9",
            start + Duration::from_mins(2)
        ));
        let request = |visitor: &str| pace.may_request(visitor.parse().unwrap(), &web, start);
        assert!(request("203.0.113.1"));
        assert!(!request("203.0.113.200"));
        assert!(request("203.0.114.1"));
    }
}
