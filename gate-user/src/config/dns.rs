//! `[dns]`: whom to ask, how much at a time, and how long an answer is good.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::value;

/// `[dns]`: the resolver that blocklists and reverse names are asked through.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DnsConfig {
    /// Recursive servers to ask, each as address, `address:port` or `[v6 address]:port`; the first
    /// is asked as long as it answers. Default: none, which is those of `/etc/resolv.conf`, read at
    /// the start and at a reload. Example: `["127.0.0.1", "[2001:db8::53]:5353"]`.
    #[serde(deserialize_with = "value::unique")]
    pub servers: Vec<DnsServer>,
    /// How long one query waits for its answer, 1s to 30s; after that it is repeated once. Default:
    /// `"2s"`.
    #[serde(
        serialize_with = "value::duration::serialize",
        deserialize_with = "value::duration_within::<_, 1, 30>"
    )]
    pub timeout: Duration,
    /// Queries under way at once, 1 to 10000. Default: `100`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 10_000>")]
    pub concurrency: u32,
    /// Queries that are sent in a second, 1 to 100000: never more, and in the long run a tenth less,
    /// so that some may go at once. Default: `200`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 100_000>")]
    pub per_second: u32,
    /// The same for each blocklist, and for reverse names, where they set nothing of their own; 1
    /// to 100000. Default: `50`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 100_000>")]
    pub per_zone: u32,
    /// How long a query may wait for its turn, 1s to 30s; what would wait longer is not asked, and
    /// counted. Default: `"5s"`.
    #[serde(
        serialize_with = "value::duration::serialize",
        deserialize_with = "value::duration_within::<_, 1, 30>"
    )]
    pub wait: Duration,
    /// How long answers are good.
    pub cache: DnsCacheConfig,
}

impl Default for DnsConfig {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            timeout: Duration::from_secs(2),
            concurrency: 100,
            per_second: 200,
            per_zone: 50,
            wait: Duration::from_secs(5),
            cache: DnsCacheConfig::default(),
        }
    }
}

/// How many answers are kept, and for how long. A failure (no answer, SERVFAIL) is kept for half a
/// minute, whatever is set here.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DnsCacheConfig {
    /// Answers that are kept, 100 to 10000000; the oldest go first. Most need some 300 bytes.
    /// Default: `100000`.
    #[serde(deserialize_with = "value::within::<_, _, 100, 10_000_000>")]
    pub entries: u32,
    /// An answer is kept no shorter than this, whatever its TTL; 1s to 1h. Default: `"1m"`.
    #[serde(
        serialize_with = "value::duration::serialize",
        deserialize_with = "value::duration_within::<_, 1, 3600>"
    )]
    pub min_ttl: Duration,
    /// An answer is kept no longer than this, whatever its TTL; 1s to 7d. Default: `"1d"`.
    #[serde(
        serialize_with = "value::duration::serialize",
        deserialize_with = "value::duration_within::<_, 1, 604_800>"
    )]
    pub max_ttl: Duration,
    /// The same for the answer that there is nothing; 1s to 1d. Default: `"1h"`.
    #[serde(
        serialize_with = "value::duration::serialize",
        deserialize_with = "value::duration_within::<_, 1, 86_400>"
    )]
    pub max_negative_ttl: Duration,
}

impl Default for DnsCacheConfig {
    fn default() -> Self {
        Self {
            entries: 100_000,
            min_ttl: Duration::from_mins(1),
            max_ttl: Duration::from_hours(24),
            max_negative_ttl: Duration::from_hours(1),
        }
    }
}

impl DnsConfig {
    /// What is wrong with keys that are good each for itself: which key, and why.
    pub(super) fn across_keys(&self) -> Vec<(String, String)> {
        let cache = &self.cache;
        let written = |duration| humantime::format_duration(duration);
        [
            ("max_ttl", cache.max_ttl),
            ("max_negative_ttl", cache.max_negative_ttl),
        ]
        .into_iter()
        .filter(|&(_, max)| max < cache.min_ttl)
        .map(|(key, max)| {
            (
                format!("dns.cache.{key}"),
                format!(
                    "{} is less than min_ttl = {}",
                    written(max),
                    written(cache.min_ttl)
                ),
            )
        })
        .collect()
    }
}

/// Where a DNS server listens: an address, and port 53 unless another one is written.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct DnsServer(SocketAddr);

impl DnsServer {
    /// The port of DNS (RFC 1035 section 4.2).
    pub const PORT: u16 = 53;

    /// Address and port.
    pub const fn socket(self) -> SocketAddr {
        self.0
    }
}

impl From<SocketAddr> for DnsServer {
    fn from(socket: SocketAddr) -> Self {
        Self(socket)
    }
}

impl FromStr for DnsServer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let with_port = || text.parse::<SocketAddr>().ok();
        let without = || Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, Self::PORT));
        match with_port().or_else(without) {
            Some(socket) if socket.port() != 0 && !socket.ip().is_unspecified() => Ok(Self(socket)),
            _ => Err(format!(
                "`{text}` is no DNS server: expected an address, address:port or [address]:port, \
                 such as 127.0.0.1 or [2001:db8::53]:5353"
            )),
        }
    }
}

/// As it is written: without the port where that is 53.
impl fmt::Display for DnsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.port() == Self::PORT {
            self.0.ip().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

impl TryFrom<String> for DnsServer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<DnsServer> for String {
    fn from(server: DnsServer) -> Self {
        server.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Config;

    use super::*;

    fn parse(text: &str) -> Result<DnsConfig, String> {
        Config::parse(text, Path::new("gate.toml"))
            .map(|config| config.dns)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_set_is_in_force() {
        let config = parse(
            r#"
            [dns]
            servers = ["192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353"]
            timeout = "1s"
            concurrency = 10
            per_second = 20
            per_zone = 30
            wait = "30s"
            cache = { entries = 1000, min_ttl = "1s", max_ttl = "7d", max_negative_ttl = "1s" }
            "#,
        )
        .unwrap();
        let sockets: Vec<String> = config
            .servers
            .iter()
            .map(|server| server.socket().to_string())
            .collect();
        assert_eq!(
            sockets,
            [
                "192.0.2.53:53",
                "192.0.2.53:5353",
                "[2001:db8::53]:53",
                "[2001:db8::53]:5353"
            ]
        );
        assert_eq!(
            (config.concurrency, config.per_second, config.per_zone),
            (10, 20, 30)
        );
        assert_eq!(config.timeout, Duration::from_secs(1));
        assert_eq!(config.wait, Duration::from_secs(30));
        assert_eq!(config.cache.entries, 1000);
        assert_eq!(config.cache.max_ttl, Duration::from_hours(7 * 24));
    }

    #[test]
    fn what_cannot_be() {
        for (keys, expected) in [
            (
                "servers = ['localhost']",
                "dns.servers: `localhost` is no DNS server: expected an address, address:port",
            ),
            ("servers = ['192.0.2.53:0']", "is no DNS server"),
            ("servers = ['0.0.0.0']", "is no DNS server"),
            ("servers = ['2001:db8::53:5353:']", "is no DNS server"),
            (
                "servers = ['192.0.2.53', '192.0.2.53:53']",
                "dns.servers: 192.0.2.53 is there twice",
            ),
            (
                "timeout = '31s'",
                "dns.timeout: `31s` is out of range: expected 1s to 30s",
            ),
            ("timeout = '500ms'", "dns.timeout: `500ms` is out of range"),
            ("wait = '1m'", "dns.wait: `1m` is out of range"),
            (
                "concurrency = 0",
                "dns.concurrency: 0 is not from 1 to 10000",
            ),
            (
                "per_second = 0",
                "dns.per_second: 0 is not from 1 to 100000",
            ),
            ("per_zone = 100001", "dns.per_zone: 100001 is not from 1 to"),
            (
                "cache.entries = 99",
                "dns.cache.entries: 99 is not from 100 to",
            ),
            (
                "cache.min_ttl = '2h'",
                "dns.cache.min_ttl: `2h` is out of range: expected 1s to 1h",
            ),
            (
                "cache.min_ttl = '1h'\ncache.max_ttl = '59m'",
                "4:17: dns.cache.max_ttl: 59m is less than min_ttl = 1h",
            ),
            (
                "cache.max_negative_ttl = '30s'",
                "dns.cache.max_negative_ttl: 30s is less than min_ttl = 1m",
            ),
            ("ttl = '1h'", "dns.ttl: unknown key"),
        ] {
            let error = parse(&format!("\n[dns]\n{keys}")).expect_err(keys);
            assert!(
                error.contains(expected),
                "{keys}\nexpected: {expected}\n     got: {error}"
            );
        }
    }
}
