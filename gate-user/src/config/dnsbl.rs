//! `[dnsbl]`: the DNS block lists that are asked, and what their answers weigh.

mod dead;
mod filter;
mod site;
#[cfg(test)]
mod tests;
mod zone;

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::value;

pub use filter::Filter;
pub use site::Site;
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
        let zone = || ListName(self.site.zone.as_str().into());
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
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
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

/// A list's public name.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ListName(Arc<str>);

impl ListName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, shared.
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl FromStr for ListName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name.into()))
        } else {
            Err(
                "it cannot name a list: expected 1 to 64 of letters, digits, `.`, `_` and `-`"
                    .to_owned(),
            )
        }
    }
}

impl TryFrom<String> for ListName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<ListName> for String {
    fn from(name: ListName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for ListName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where one can ask about an address: text with `{ip}` in it, or nothing.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct UrlTemplate(Option<Arc<str>>);

impl UrlTemplate {
    /// The longest: replies have lines of 512 bytes (RFC 5321 section 4.5.3.1.5) and more to tell.
    const MAX: usize = 200;

    /// The address of the page about `address`.
    pub fn about(&self, address: std::net::IpAddr) -> Option<String> {
        let template = self.0.as_deref()?;
        Some(template.replace("{ip}", &address.to_string()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl TryFrom<String> for UrlTemplate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let rest = text.replace("{ip}", "");
        let told = |what: &str| {
            format!("`{text}` {what}: expected one such as https://zen.example/query?ip={{ip}}")
        };
        if !(text.starts_with("https://") || text.starts_with("http://")) {
            Err(told("does not begin with https:// or http://"))
        } else if text.len() > Self::MAX {
            Err(format!(
                "it has {} bytes: expected {} at most",
                text.len(),
                Self::MAX
            ))
        } else if rest.contains(['{', '}']) {
            Err(told("has braces around something else than ip"))
        } else if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            Err(told("has characters that no URL has"))
        } else {
            Ok(Self(Some(text.into())))
        }
    }
}

impl From<UrlTemplate> for String {
    fn from(template: UrlTemplate) -> Self {
        template.as_str().to_owned()
    }
}

/// What is wrong with lists whose keys are good each for itself: which key, and why. Zones are
/// not told: they may hold a private key.
pub(super) fn across_lists(lists: &[DnsblList]) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    for (i, list) in lists.iter().enumerate() {
        let mut problem = |key: &str, message: &str| {
            problems.push((format!("dnsbl.list[{}]{key}", i + 1), message.to_owned()))
        };
        let before = &lists[..i];
        let zone = &list.site.zone;
        if list.name.is_none() && zone.looks_private() {
            problem(
                ".site",
                "its zone looks as if it held a private key: expected a `name` beside it, which \
                 is shown in its place",
            );
        }
        if zone.keys().any(|key| {
            list.name
                .as_ref()
                .is_some_and(|name| name.as_str().contains(key))
        }) {
            problem(
                ".name",
                "it shows the private key of the zone: expected another name",
            );
        }
        if zone.keys().any(|key| list.url.as_str().contains(key)) {
            problem(
                ".url",
                "it shows the private key of the zone: expected a URL without it",
            );
        }
        let name = list.public_name();
        if before.iter().any(|other| other.public_name() == name) {
            let key = if list.name.is_some() { ".name" } else { "" };
            problem(
                key,
                "there is a list of that name already: expected another `name` (the zone's, where \
                 none is given)",
            );
        }
        let same = before.iter().find(|other| other.site.zone == *zone);
        if let Some(other) = same {
            if other.site.filter == list.site.filter {
                problem(
                    ".site",
                    "this zone with this filter is there already: expected it once",
                );
            }
            if other.families != list.families {
                problem(
                    ".families",
                    "this zone is there with others: expected the same",
                );
            }
            if other.per_second != list.per_second {
                problem(
                    ".per_second",
                    "this zone is there with another: expected the same",
                );
            }
            if other.test_points != list.test_points {
                problem(
                    ".test_points",
                    "this zone is there with another: expected the same",
                );
            }
        }
    }
    problems
}
