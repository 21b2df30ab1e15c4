//! `[limits]` and `[courtesy]`: how much of a source is too much, and when a listed one is let
//! through to be told why.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use gate_common::Reason;
use serde::{Deserialize, Serialize};

use super::value;
use crate::network::Network;

/// `[limits]`: connections to guarded ports, counted for each source (an IPv4 address, or an IPv6
/// /64).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// With more connections than this open, the mail server is told to refuse the next; 0 for no
    /// limit. Default: `20`.
    pub connections: u32,
    /// With this many connections open, SYNs are dropped; 0 for no limit. Default: `40`.
    pub connections_hard: u32,
    /// After this many connections opened in a window, SYNs are dropped until it ends; the first
    /// connection after a window begins another. `"none"` for no limit. Default: `"60/1m"`.
    pub rate: PerTime,
    /// SYNs of a source over this many are dropped, as many at once are not. It lists nobody,
    /// because sources can be forged. The time is an hour at most. `"none"` for no limit. Default:
    /// `"50/1s"`.
    #[serde(deserialize_with = "within_an_hour")]
    pub syn_rate: PerTime,
    /// A source that reaches `connections_hard` or `rate` this often is listed as `connlimit`;
    /// `"none"`: never. Default: `"5/10m"`.
    pub repeat: PerTime,
    /// How long it is listed the first time. Default: `"10m"`.
    #[serde(with = "value::duration")]
    pub list_for: Duration,
    /// Each earlier such listing that began within this time doubles that. Default: `"7d"`.
    #[serde(with = "value::duration")]
    pub repeat_within: Duration,
    /// ... up to this. Default: `"1d"`.
    #[serde(with = "value::duration")]
    pub longest: Duration,
    /// For how many sources with connections there is room, 1024 to 4,194,304. Default: `65536`.
    #[serde(deserialize_with = "value::within::<_, _, 1024, 4_194_304>")]
    pub sources: u32,
    /// How often counts are compared with the kernel's own table of sockets. Default: `"10s"`.
    #[serde(with = "value::duration")]
    pub compare: Duration,
    /// The limits of a source whose score is good. Default: score `65`, connections `40`,
    /// connections_hard `80`, rate `"120/1m"`.
    pub good: ClassLimits,
    /// The limits of a source whose score is bad. Default: score `40`, connections `5`,
    /// connections_hard `10`, rate `"20/1m"`.
    pub bad: ClassLimits,
    /// What is another limit for a network.
    #[serde(rename = "network")]
    pub networks: Vec<NetworkLimits>,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            connections: 20,
            connections_hard: 40,
            rate: PerTime::new(60, Duration::from_mins(1)),
            syn_rate: PerTime::new(50, Duration::from_secs(1)),
            repeat: PerTime::new(5, Duration::from_mins(10)),
            list_for: Duration::from_mins(10),
            repeat_within: Duration::from_hours(7 * 24),
            longest: Duration::from_hours(24),
            sources: 1 << 16,
            compare: Duration::from_secs(10),
            good: ClassLimits {
                score: 65,
                connections: 40,
                connections_hard: 80,
                rate: PerTime::new(120, Duration::from_mins(1)),
            },
            bad: ClassLimits {
                score: 40,
                connections: 5,
                connections_hard: 10,
                rate: PerTime::new(20, Duration::from_mins(1)),
            },
            networks: Vec::new(),
        }
    }
}

impl LimitsConfig {
    /// With more than how many connections open the mail server is told to refuse `source`, whose
    /// score makes it one of `class`; 0 for no limit.
    pub fn connections(&self, source: Network, class: Class) -> u32 {
        match (self.exception(source), class) {
            (Some(network), _) => network.connections,
            (None, Class::Good) => self.good.connections,
            (None, Class::Unknown) => self.connections,
            (None, Class::Bad) => self.bad.connections,
        }
    }

    /// What a source of that score, 0 to 100, is.
    pub fn class(&self, score: u8) -> Class {
        if score < self.bad.score {
            Class::Bad
        } else if score >= self.good.score {
            Class::Good
        } else {
            Class::Unknown
        }
    }

    /// Whether `[[limits.network]]` has limits for `source`, whatever its score.
    pub fn has_exception(&self, source: Network) -> bool {
        self.exception(source).is_some()
    }

    /// The longest network of `[[limits.network]]` that covers `source`.
    fn exception(&self, source: Network) -> Option<&NetworkLimits> {
        let covering = self.networks.iter();
        covering
            .filter(|is| is.network.covers(source))
            .max_by_key(|is| is.network.prefix_len())
    }
}

/// What a source is by its score.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// In good standing.
    Good,
    /// Nothing much is known of it.
    Unknown,
    /// In bad standing, though not listed.
    Bad,
}

/// `limits.good` and `limits.bad`: other limits for sources by their score.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClassLimits {
    /// Good: from this score on. Bad: under it. 0 to 101.
    #[serde(deserialize_with = "value::within::<_, _, 0, 101>")]
    pub score: u8,
    /// As `limits.connections`.
    pub connections: u32,
    /// As `limits.connections_hard`.
    pub connections_hard: u32,
    /// As `limits.rate`.
    pub rate: PerTime,
}

/// `[[limits.network]]`: other limits for the sources of a network.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkLimits {
    /// The network, or an address; of IPv6 a /64 or wider. Of several the longest counts. No
    /// default. Example: `"192.0.2.0/24"`.
    #[serde(deserialize_with = "of_sources")]
    pub network: Network,
    /// As `limits.connections`, for each source of it. Default: `0`, no limit.
    #[serde(default)]
    pub connections: u32,
    /// As `limits.connections_hard`. Default: `0`, no limit.
    #[serde(default)]
    pub connections_hard: u32,
    /// As `limits.rate`. Default: `"none"`.
    #[serde(default)]
    pub rate: PerTime,
}

impl NetworkLimits {
    /// The keys that have no default.
    pub(super) const REQUIRED: [&str; 1] = ["network"];

    /// One with the defaults.
    pub(super) fn example() -> Self {
        Self {
            network: Network::host([192, 0, 2, 1].into()),
            connections: 0,
            connections_hard: 0,
            rate: PerTime::NONE,
        }
    }
}

/// A network that holds whole sources.
fn of_sources<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Network, D::Error> {
    let network = Network::deserialize(deserializer)?;
    let widest = Network::source(network.address());
    if widest.prefix_len() < network.prefix_len() {
        return Err(serde::de::Error::custom(format_args!(
            "{network} is part of a source: expected {widest} or wider"
        )));
    }
    Ok(network)
}

/// So many in an hour or less, as far as the kernel's words for it reach.
fn within_an_hour<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<PerTime, D::Error> {
    let rate = PerTime::deserialize(deserializer)?;
    if rate.time() > Duration::from_hours(1) {
        return Err(serde::de::Error::custom(format_args!(
            "{rate} is in too long a time: expected an hour at most"
        )));
    }
    Ok(rate)
}

/// So many in a time: in text `60/1m`, or `none`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PerTime {
    count: u32,
    time: Duration,
}

impl PerTime {
    /// No limit.
    pub const NONE: Self = Self::new(0, Duration::ZERO);

    /// The longest time.
    const LONGEST: Duration = Duration::from_hours(24);

    const fn new(count: u32, time: Duration) -> Self {
        Self { count, time }
    }

    /// How many; 0 for no limit.
    pub fn count(self) -> u32 {
        self.count
    }

    /// In what time: a millisecond to a day.
    pub fn time(self) -> Duration {
        self.time
    }
}

impl FromStr for PerTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::NONE);
        }
        let wrong = || {
            format!(
                "`{text}` is not so many in a time: expected a number from 1 on and 1ms to 1d, such as 60/1m, or none"
            )
        };
        let (count, time) = text.split_once('/').ok_or_else(wrong)?;
        let count = count.trim().parse().map_err(|_| wrong())?;
        let time = humantime::parse_duration(time.trim()).map_err(|_| wrong())?;
        let possible = count > 0 && (Duration::from_millis(1)..=Self::LONGEST).contains(&time);
        possible.then_some(Self { count, time }).ok_or_else(wrong)
    }
}

impl TryFrom<String> for PerTime {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PerTime> for String {
    fn from(it: PerTime) -> Self {
        it.to_string()
    }
}

impl fmt::Display for PerTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count == 0 {
            return f.write_str("none");
        }
        let time = humantime::format_duration(self.time);
        write!(f, "{}/{time}", self.count)
    }
}

/// `[courtesy]`: how many SYNs of a listed source pass, so that the mail server can tell it why.
///
/// In TOML one key a reason. Default: see [`Courtesies::default`]. Example: `manual = "1/1d"`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "BTreeMap<Reason, PerTime>", into = "BTreeMap<Reason, PerTime>")]
pub struct Courtesies([PerTime; Reason::ALL.len()]);

impl Courtesies {
    /// That of `reason`.
    pub fn of(&self, reason: Reason) -> PerTime {
        self.0[reason.slot() - 1]
    }
}

/// One an hour for what the source itself, or its network, has done; none where it is not to be
/// told, or where a connection is what is too much. The other reasons are not dropped by default.
impl Default for Courtesies {
    fn default() -> Self {
        use Reason::{
            ConnLimit, DirectSpam, Dnsbl, Dynamic, Feed, Forged, Generic, HighSpam, Manual,
            NoBounce, NoRdns, Rollup,
        };
        Self(Reason::ALL.map(|reason| match reason {
            DirectSpam | HighSpam | NoBounce | Rollup | Dnsbl => {
                PerTime::new(1, Duration::from_hours(1))
            }
            Dynamic | Generic | NoRdns | Forged | Feed | ConnLimit | Manual => PerTime::NONE,
        }))
    }
}

/// Reasons that the map leaves out have their default.
impl From<BTreeMap<Reason, PerTime>> for Courtesies {
    fn from(given: BTreeMap<Reason, PerTime>) -> Self {
        let mut all = Self::default();
        for (reason, courtesy) in given {
            all.0[reason.slot() - 1] = courtesy;
        }
        all
    }
}

impl From<Courtesies> for BTreeMap<Reason, PerTime> {
    fn from(all: Courtesies) -> Self {
        Reason::ALL.map(|reason| (reason, all.of(reason))).into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn so_many_in_a_time() {
        for (text, count, millis) in [
            ("60/1m", 60, 60_000),
            ("1 / 1h", 1, 3_600_000),
            ("4294967295/1ms", u32::MAX, 1),
            ("5/1day", 5, 86_400_000),
            ("none", 0, 0),
        ] {
            let is: PerTime = text.parse().unwrap();
            assert_eq!(
                (is.count(), is.time().as_millis()),
                (count, millis),
                "{text}"
            );
            assert_eq!(is.to_string().parse::<PerTime>().unwrap(), is, "{text}");
        }
        for text in [
            "", "60", "0/1m", "-1/1m", "60/", "60/m", "60/0s", "1/2d", "/1m", "None", "1/1us",
        ] {
            let error = text.parse::<PerTime>().unwrap_err();
            assert!(error.contains("such as 60/1m"), "{text}: {error}");
        }
    }

    #[test]
    fn the_longest_network_counts() {
        let network = |network: &str, connections| NetworkLimits {
            network: network.parse().unwrap(),
            connections,
            ..NetworkLimits::example()
        };
        let limits = LimitsConfig {
            networks: vec![
                network("192.0.2.0/24", 100),
                network("192.0.2.7", 5),
                network("192.0.0.0/16", 50),
            ],
            ..LimitsConfig::default()
        };
        for (source, expected) in [
            ("192.0.2.7", 5),
            ("192.0.2.8", 100),
            ("192.0.3.8", 50),
            ("198.51.100.1", 20),
        ] {
            let source = source.parse().unwrap();
            assert_eq!(limits.connections(source, Class::Unknown), expected);
            let good = if expected == 20 { 40 } else { expected };
            assert_eq!(limits.connections(source, Class::Good), good);
        }
    }

    #[test]
    fn a_score_makes_a_class() {
        let limits = LimitsConfig::default();
        for (score, class) in [
            (0, Class::Bad),
            (39, Class::Bad),
            (40, Class::Unknown),
            (50, Class::Unknown),
            (64, Class::Unknown),
            (65, Class::Good),
            (100, Class::Good),
        ] {
            assert_eq!(limits.class(score), class, "{score}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,20}") {
            if let Ok(is) = text.parse::<PerTime>() {
                prop_assert_eq!(is.to_string().parse::<PerTime>().unwrap(), is);
            }
        }
    }
}
