//! `[feed.guards]`: how far a list is trusted.

use serde::{Deserialize, Serialize};

use crate::config::value;

/// What makes a feed's file be refused as a whole; the last good state then stays in force.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guards {
    /// More bad lines than this share of all lines that should be entries, 0 to 1. Default:
    /// `0.05`.
    #[serde(deserialize_with = "value::share")]
    pub max_bad_share: f64,
    /// Fewer entries than the last good state had, divided by this; 1 or more. Small lists are
    /// exempt. Default: `3.0`.
    #[serde(deserialize_with = "value::factor")]
    pub max_shrink: f64,
    /// More entries than the last good state had, times this; 1 or more. Small lists are exempt.
    /// Likewise more of all IPv4 or of all global IPv6 addresses; lists that cover no more than 0.001
    /// of them are exempt. Default: `3.0`.
    #[serde(deserialize_with = "value::factor")]
    pub max_growth: f64,
    /// Fewer entries than this, 1 or more. Default: `1`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 4_294_967_295>")]
    pub min_entries: u32,
    /// More entries than this. Default: `1000000`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 4_294_967_295>")]
    pub max_entries: u32,
    /// More than this share of all IPv4 addresses, 0 to 1. Default: `0.05`.
    #[serde(deserialize_with = "value::share")]
    pub max_share_v4: f64,
    /// More than this share of all global IPv6 addresses (2000::/3), 0 to 1. Default: `0.01`.
    #[serde(deserialize_with = "value::share")]
    pub max_share_v6: f64,
    /// An IPv4 network wider than this prefix length in bits, 0 to 32. Default: `8`.
    #[serde(deserialize_with = "value::within::<_, _, 0, 32>")]
    pub widest_v4: u8,
    /// An IPv6 network wider than this prefix length in bits, 0 to 128. Default: `16`.
    #[serde(deserialize_with = "value::within::<_, _, 0, 128>")]
    pub widest_v6: u8,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            max_bad_share: 0.05,
            max_shrink: 3.0,
            max_growth: 3.0,
            min_entries: 1,
            max_entries: 1_000_000,
            max_share_v4: 0.05,
            max_share_v6: 0.01,
            widest_v4: 8,
            widest_v6: 16,
        }
    }
}
