//! `[rollup]` and `[removal]`: when a whole network is listed, and when a listing is ended on
//! request.

use std::{collections::BTreeMap, time::Duration};

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
    /// Example: `{ 23 = 6, 22 = 9, 21 = 13, 20 = 19 }`.
    pub wider: Wider,
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
            wider: Wider::default(),
            good_score: 60,
            good_share: 0.5,
            good_messages: 100,
        }
    }
}

/// Sources that must be listed in networks wider than a /24, by length of prefix.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "BTreeMap<String, u32>", into = "BTreeMap<String, u32>")]
pub struct Wider(BTreeMap<u8, u32>);

impl Wider {
    /// Length of prefix and sources, the widest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u8, u32)> {
        self.0.iter().map(|(&length, &sources)| (length, sources))
    }
}

impl TryFrom<BTreeMap<String, u32>> for Wider {
    type Error = String;

    fn try_from(given: BTreeMap<String, u32>) -> Result<Self, String> {
        let one = |(length, sources): (String, u32)| match length.parse() {
            Ok(length @ 16..=23) if sources >= 2 => Ok((length, sources)),
            Ok(16..=23) => Err(format!(
                "{sources} is too few for a /{length}: expected 2 sources or more"
            )),
            _ => Err(format!(
                "`{length}` is no length of prefix for a rollup: expected 16 to 23"
            )),
        };
        given
            .into_iter()
            .map(one)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl From<Wider> for BTreeMap<String, u32> {
    fn from(wider: Wider) -> Self {
        wider
            .iter()
            .map(|(length, sources)| (length.to_string(), sources))
            .collect()
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
    /// Requests that are taken in that time for one /24 (IPv6: /48). Default: `5`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1_000_000>")]
    pub per_network: u32,
    /// Requests that are taken in that time from one contact. Default: `10`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1_000_000>")]
    pub per_contact: u32,
}

impl Default for RemovalConfig {
    fn default() -> Self {
        Self {
            probation: Duration::from_hours(14 * 24),
            window: Duration::from_hours(24),
            per_network: 5,
            per_contact: 10,
        }
    }
}
