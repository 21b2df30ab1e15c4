//! `[dnsbl]`: the DNS block lists that are asked, and what their answers weigh.

mod across;
mod dead;
mod filter;
mod name;
mod site;
#[cfg(test)]
mod tests;
mod url;
mod zone;

use std::{fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value;

pub(super) use across::across_lists;
pub use filter::Filter;
pub use name::ListName;
pub use site::Site;
pub use url::UrlTemplate;
pub use zone::Zone;

/// `[dnsbl]`: third-party lists that are asked by DNS (RFC 5782).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DnsblConfig {
    /// A source is listed when the weights of the lists that list it add up to this or more, if
    /// two of them are of different zones, or one is trusted. Default: `2`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1000>")]
    pub threshold: i32,
    /// How often each zone's test points are asked. Default: `"1h"`.
    #[serde(with = "value::duration")]
    pub health_interval: Duration,
    /// Before a source is listed, each zone that says so is asked once more for what it must not
    /// list, if that was longer ago than this. Default: `"10s"`.
    #[serde(with = "value::duration")]
    pub control_interval: Duration,
    /// A zone that lists this share of the latest sources or more is put on hold, unless other
    /// zones list them too. More than 0, up to 1. Default: `0.9`.
    #[serde(deserialize_with = "value::positive_share")]
    pub breaker_share: f64,
    /// How many of the latest sources that is about; with fewer there is no judgement. 20 to
    /// 10000. Default: `200`.
    #[serde(deserialize_with = "value::within::<_, _, 20, 10_000>")]
    pub breaker_sources: u32,
    /// How long a zone stays on hold for that, at least. Default: `"1h"`.
    #[serde(with = "value::duration")]
    pub breaker_pause: Duration,
    /// The lists. Default: none.
    #[serde(rename = "list")]
    pub lists: Vec<DnsblList>,
}

impl Default for DnsblConfig {
    fn default() -> Self {
        Self {
            threshold: 2,
            health_interval: Duration::from_hours(1),
            control_interval: Duration::from_secs(10),
            breaker_share: 0.9,
            breaker_sources: 200,
            breaker_pause: Duration::from_hours(1),
            lists: Vec::new(),
        }
    }
}

/// `[[dnsbl.list]]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DnsblList {
    /// The zone, which answers count, and what they weigh, as Postfix's `postscreen_dnsbl_sites`
    /// has it: `zone[=filter][*weight]`. The same zone may be there again with another filter; it
    /// is asked once. No default. Example: `"zen.example=127.0.0.[2..11]*2"`.
    pub site: Site,
    /// What replies, the log and the status call it: 1 to 64 of letters, digits, `.`, `_` and `-`,
    /// not given twice. Default: the zone. To be given where the zone holds a private key, or is
    /// there twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ListName>,
    /// Where one can ask this list about an address, for replies; `{ip}` stands for the address.
    /// Default: `""`, nowhere. Example: `"https://zen.example/query?ip={ip}"`.
    #[serde(default)]
    pub url: UrlTemplate,
    /// Whether it may list without a second list's word. Default: `false`.
    #[serde(default)]
    pub trusted: bool,
    /// What it is asked about: `"ipv4"`, `"ipv6"`. Default: `["ipv4"]`; most lists have no IPv6.
    #[serde(default = "default_families", deserialize_with = "families")]
    pub families: Vec<Family>,
    /// Points that being on it costs in the score, 0 to 50. Default: ten for each unit of weight,
    /// at most 50; none if the weight is below 0.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "points"
    )]
    pub points: Option<u8>,
    /// Questions that it is asked in a second at most, 1 to 100000. Default: `dns.per_zone`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "per_second"
    )]
    pub per_second: Option<u32>,
    /// Whether it lists 127.0.0.2 (IPv6: ::ffff:127.0.0.2), as RFC 5782 asks of it. Default:
    /// `true`.
    #[serde(default = "default_true")]
    pub test_points: bool,
}

impl DnsblList {
    /// The keys that have no default.
    pub(super) const REQUIRED: [&str; 1] = ["site"];

    /// The list at `site`, with the defaults of everything else.
    pub fn new(site: Site) -> Self {
        Self {
            site,
            name: None,
            url: UrlTemplate::default(),
            trusted: false,
            families: default_families(),
            points: None,
            per_second: None,
            test_points: true,
        }
    }

    /// A list with every key set.
    pub(super) fn example() -> Self {
        let site = "zen.example=127.0.0.[2..11]*2";
        let name = "zen.example";
        Self {
            name: Some(name.parse().expect("a list can have this name")),
            points: Some(20),
            per_second: Some(50),
            ..Self::new(site.parse().expect("a list can be there"))
        }
    }

    /// What it is called wherever anything is shown.
    pub fn public_name(&self) -> ListName {
        let zone = || ListName::of(&self.site.zone);
        self.name.clone().unwrap_or_else(zone)
    }

    /// Points that being on it costs.
    pub fn score_points(&self) -> u8 {
        let by_weight = (i32::from(self.site.weight) * 10).clamp(0, 50);
        self.points
            .unwrap_or_else(|| u8::try_from(by_weight).unwrap_or(50))
    }
}

fn default_families() -> Vec<Family> {
    vec![Family::Ipv4]
}

const fn default_true() -> bool {
    true
}

fn families<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Vec<Family>, D::Error> {
    let families: Vec<Family> = value::unique(d)?;
    if families.is_empty() {
        let message = "asked about nothing: expected \"ipv4\", \"ipv6\" or both";
        return Err(serde::de::Error::custom(message));
    }
    Ok(families)
}

fn points<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<u8>, D::Error> {
    value::within::<_, _, 0, 50>(d).map(Some)
}

fn per_second<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<u32>, D::Error> {
    value::within::<_, _, 1, 100_000>(d).map(Some)
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// The family of `address`.
    pub const fn of(address: std::net::IpAddr) -> Self {
        match address {
            std::net::IpAddr::V4(_) => Self::Ipv4,
            std::net::IpAddr::V6(_) => Self::Ipv6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        })
    }
}
