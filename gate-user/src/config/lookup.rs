//! `[lookup]`: when DNS is asked about a source, and how long what it says counts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value;

/// `[lookup]`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LookupConfig {
    /// Whether DNS is asked about sources at all: their reverse names, and the lists of
    /// `[[dnsbl.list]]`. Default: `true`.
    pub enabled: bool,
    /// Sources that may wait for their turn, 1 to 1,000,000 (at a start); who comes while all places are taken
    /// is not asked about this time, and counted. Default: `10000`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1_000_000>")]
    pub waiting: u32,
    /// Sources that are asked about at the same time, 1 to 10,000 (at a start). Default: `64`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 10_000>")]
    pub at_once: u32,
    /// A source that comes again within this time is not asked about again. Less than
    /// `lapse_after`. Default: `"1h"`.
    #[serde(with = "value::duration")]
    pub fresh: Duration,
    /// A source that is listed for what DNS said is asked about again after this time, so that its
    /// listing ends soon after the name is mended. Less than `lapse_after`. Default: `"6h"`.
    #[serde(with = "value::duration")]
    pub recheck: Duration,
    /// What DNS said counts for so long when it cannot be asked again; and a listing for it lasts
    /// so long after its source last came. Default: `"7d"`.
    #[serde(with = "value::duration")]
    pub lapse_after: Duration,
    /// Sources that may be listed for their names at the same time, 0 to 100,000,000; who comes besides
    /// is not. Default: `100000`.
    #[serde(deserialize_with = "value::within::<_, _, 0, 100_000_000>")]
    pub most_listed: u32,
    /// Sources of which is remembered what DNS said; 1,000 to 100,000,000; the oldest are
    /// forgotten first. Default:
    /// `1000000`.
    #[serde(deserialize_with = "value::within::<_, _, 1_000, 100_000_000>")]
    pub remembered: u32,
}

impl Default for LookupConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            waiting: 10_000,
            at_once: 64,
            fresh: Duration::from_hours(1),
            recheck: Duration::from_hours(6),
            lapse_after: Duration::from_hours(7 * 24),
            most_listed: 100_000,
            remembered: 1_000_000,
        }
    }
}
