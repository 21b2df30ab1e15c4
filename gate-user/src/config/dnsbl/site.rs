//! `zone[=filter][*weight]`, as Postfix's `postscreen_dnsbl_sites` has it.

use std::{fmt::Write as _, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Filter, Zone, zone::MIN_KEY};

/// Where a list is, which of its answers count, and what they weigh: `zone[=filter][*weight]`
/// (postconf(5), `postscreen_dnsbl_sites`).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Site {
    /// The zone that is asked.
    pub zone: Zone,
    /// Which codes count; without it all in 127.0.0.0/8 that say "listed".
    pub filter: Option<Filter>,
    /// What being listed weighs; below 0 for lists of good sources. 1 unless said.
    pub weight: i16,
}

impl FromStr for Site {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (rest, weight) = match text.split_once('*') {
            Some((rest, weight)) => (rest, read_weight(weight)?),
            None => (text, 1),
        };
        let (zone, filter) = match rest.split_once('=') {
            Some((zone, filter)) => (zone, Some(filter.parse()?)),
            None => (rest, None),
        };
        Ok(Self {
            zone: Zone::parse(zone)?,
            filter,
            weight,
        })
    }
}

/// `text` for a message. What is long is not shown: it may be a private key in the wrong place.
pub(super) fn quoted(text: &str) -> String {
    if text.len() < MIN_KEY {
        format!("`{}`", text.escape_debug())
    } else {
        format!("what has {} characters", text.chars().count())
    }
}

fn read_weight(text: &str) -> Result<i16, String> {
    text.parse().map_err(|_| {
        format!(
            "{} is no weight: expected a whole number from {} to {}, such as 2 or -1",
            quoted(text),
            i16::MIN,
            i16::MAX
        )
    })
}

impl TryFrom<String> for Site {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// As in the file: with a private key, if the zone holds one.
impl From<Site> for String {
    fn from(site: Site) -> Self {
        let mut text = site.zone.as_str().to_owned();
        if let Some(filter) = site.filter {
            let _ = write!(text, "={filter}");
        }
        if site.weight != 1 {
            let _ = write!(text, "*{}", site.weight);
        }
        text
    }
}
