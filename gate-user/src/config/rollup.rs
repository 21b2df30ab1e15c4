//! `[rollup]` and `[removal]`: when a whole network is listed, and when a listing is ended on
//! request.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::value;

/// `[rollup]`: when the /24 of listed sources is listed (IPv6: the /48).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RollupConfig {
    /// Whether networks are rolled up at all. Default: `true`.
    pub enabled: bool,
    /// Distinct sources of a /24 (IPv6: /64s of a /48) that must be listed for spam of their own;
    /// the rollup ends when half of them or fewer are left. Default: `4`.
    #[serde(deserialize_with = "value::within::<_, _, 2, 256>")]
    pub sources: u32,
    /// Only listings that began within this time count towards it. Default: `"7d"`.
    #[serde(with = "value::duration")]
    pub window: Duration,
    /// The same for wider IPv4 networks: length of prefix, 16 to 23, and sources. Default: none.
    /// Example: `["/23 6", "/22 9", "/21 13", "/20 19"]`.
    pub wider: Vec<Wider>,
    /// A source is in good standing from this score on, 50 to 100; a rollup leaves it open.
    /// Default: `60`.
    #[serde(deserialize_with = "value::within::<_, _, 50, 100>")]
    pub good_score: u8,
    /// A network is not rolled up while this share of its mail comes from sources in good
    /// standing, 0 to 1. Default: `0.5`.
    #[serde(deserialize_with = "value::share")]
    pub good_share: f64,
    /// ... and this many messages or more. Default: `100`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 4_294_967_295>")]
    pub good_messages: u32,
}

impl Default for RollupConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            sources: 4,
            window: Duration::from_hours(7 * 24),
            wider: Vec::new(),
            good_score: 60,
            good_share: 0.5,
            good_messages: 100,
        }
    }
}

/// How many sources must be listed in an IPv4 network wider than a /24: in text, `/23 6`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Wider {
    /// Length of prefix, 16 to 23.
    pub length: u8,
    /// Sources, 2 or more.
    pub sources: u32,
}

impl FromStr for Wider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.strip_prefix('/').and_then(|rest| {
            let (length, sources) = rest.split_once(' ')?;
            Some((length.parse().ok()?, sources.trim().parse().ok()?))
        });
        match parsed {
            Some((length @ 16..=23, sources @ 2..)) => Ok(Self { length, sources }),
            _ => Err(format!(
                "`{text}` is no width for a rollup: expected a length of prefix from /16 to /23 \
                 and 2 sources or more, such as \"/23 6\""
            )),
        }
    }
}

impl fmt::Display for Wider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{} {}", self.length, self.sources)
    }
}

impl TryFrom<String> for Wider {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Wider> for String {
    fn from(wider: Wider) -> Self {
        wider.to_string()
    }
}

/// `[removal]`: how requests to end a listing are taken.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RemovalConfig {
    /// Within this time after a granted request a new listing lasts twice as long. Default:
    /// `"14d"`.
    #[serde(with = "value::duration")]
    pub probation: Duration,
    /// Requests are counted over this time. Default: `"24h"`.
    #[serde(with = "value::duration")]
    pub window: Duration,
    /// Requests that are taken in that time from one /24 (IPv6: /48) that asks on the public page,
    /// for whatever addresses. Default: `5`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1_000_000>")]
    pub per_asker: u32,
    /// Requests that are taken in that time for one /24 (IPv6: /48), whoever asks; whoever asks
    /// from that network itself is not held to it. Default: `50`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1_000_000>")]
    pub per_network: u32,
    /// Requests that are taken in that time from one contact; whoever asks from the network that is
    /// asked for is not held to it. Default: `10`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1_000_000>")]
    pub per_contact: u32,
    /// Requests that may wait for the postmaster; more are not taken. Default: `1000`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1_000_000>")]
    pub queue: u32,
    /// Decided requests are deleted after this time, or after `window` and `probation` if those are
    /// longer. Default: `"90d"`.
    #[serde(with = "value::duration")]
    pub keep: Duration,
}

impl Default for RemovalConfig {
    fn default() -> Self {
        Self {
            probation: Duration::from_hours(14 * 24),
            window: Duration::from_hours(24),
            per_asker: 5,
            per_network: 50,
            per_contact: 10,
            queue: 1000,
            keep: Duration::from_hours(90 * 24),
        }
    }
}
