//! `[score]` and `[listing]`: how evidence becomes a score, and a score a listing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value;
use crate::network::Network;

/// `[score]`: how evidence becomes a score from 0 (worst) to 100, 50 where nothing is known.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScoreConfig {
    /// A source whose score is below this is listed; 0 lists none. Default: `25`.
    #[serde(deserialize_with = "value::within::<_, _, 0, 50>")]
    pub minimum: u8,
    /// Points that each unit of a complaint's weight costs. A fresh report weighs 4, n trap hits
    /// weigh 5n, and n² from six on. Default: `4`: two fresh reports list a source of which
    /// nothing good is known.
    #[serde(deserialize_with = "value::within::<_, _, 1, 50>")]
    pub complaint_points: u8,
    /// While this old or younger, a report's weight falls in a straight line from 4 to 1.
    /// Default: `"48h"`.
    #[serde(with = "value::duration")]
    pub complaint_fresh: Duration,
    /// Older reports and trap hits count nothing, and are refused when they come in. Default:
    /// `"7d"`.
    #[serde(with = "value::duration")]
    pub complaint_window: Duration,
    /// Distinct reporters that must have complained before reports count; a trap hit needs no
    /// second. Default: `2`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1000>")]
    pub reporters: u32,
    /// One report counts for this many messages at most, whatever it says. Default: `5`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1000>")]
    pub max_incidents: u32,
    /// From this many good messages in `complaint_window` on, the share of complaints counts:
    /// see `complaint_share`. Default: `100`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 4_294_967_295>")]
    pub complaint_volume: u32,
    /// The share of complaints to mail at which complaints have their full weight; below it they
    /// weigh in proportion less. 0 to 1, more than 0. Default: `0.003`.
    #[serde(deserialize_with = "value::positive_share")]
    pub complaint_share: f64,
    /// Verdicts of the filter count within this time, to the hour. Default: `"24h"`.
    #[serde(with = "value::duration")]
    pub filter_window: Duration,
    /// Verdicts count from this many messages on. Default: `50`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 4_294_967_295>")]
    pub filter_messages: u32,
    /// Verdicts count from this share of spam on, 0 to 1. Default: `0.7`.
    #[serde(deserialize_with = "value::share")]
    pub filter_share: f64,
    /// Points that verdicts at that share cost; a share of 1 costs 50. Default: `30`.
    #[serde(deserialize_with = "value::within::<_, _, 0, 50>")]
    pub filter_points: u8,
    /// Undeliverable bounces count within this time, to the hour. Default: `"24h"`.
    #[serde(with = "value::duration")]
    pub bounce_window: Duration,
    /// Bounces count from this many messages on. Default: `50`.
    #[serde(deserialize_with = "value::within::<_, _, 1, 4_294_967_295>")]
    pub bounce_messages: u32,
    /// Bounces count from this share of the mail on, 0 to 1. Default: `0.7`.
    #[serde(deserialize_with = "value::share")]
    pub bounce_share: f64,
    /// Points that bounces at that share cost; a share of 1 costs 50. Default: `30`.
    #[serde(deserialize_with = "value::within::<_, _, 0, 50>")]
    pub bounce_points: u8,
    /// Most points that the answers of DNSBLs cost together. Default: `20`.
    #[serde(deserialize_with = "value::within::<_, _, 0, 50>")]
    pub dnsbl_points: u8,
    /// Points that a PTR name costs which says dynamic space, or that is not there; a generic one
    /// costs half. Default: `10`.
    #[serde(deserialize_with = "value::within::<_, _, 0, 50>")]
    pub ptr_points: u8,
    /// Most points that good mail earns: two for each doubling from 10 messages on, as far as
    /// nothing bad was among it. Default: `20`.
    #[serde(deserialize_with = "value::within::<_, _, 0, 50>")]
    pub ham_points: u8,
    /// Most points that good standing earns: one for every three days of good mail without a
    /// complaint. Default: `20`.
    #[serde(deserialize_with = "value::within::<_, _, 0, 50>")]
    pub standing_points: u8,
    /// Networks that are registered clean: each of their sources has an operator's credit, and a
    /// rollup around them leaves them open. Default: none. Example: `["192.0.2.16/28"]`.
    pub registered: Vec<Network>,
    /// Points of that credit. Default: `20`.
    #[serde(deserialize_with = "value::within::<_, _, 0, 50>")]
    pub registered_points: u8,
    /// How long mail is remembered, in daily sums once it is two days old. Default: `"90d"`.
    #[serde(with = "value::duration")]
    pub memory: Duration,
}

impl Default for ScoreConfig {
    fn default() -> Self {
        Self {
            minimum: 25,
            complaint_points: 4,
            complaint_fresh: Duration::from_hours(48),
            complaint_window: Duration::from_hours(7 * 24),
            reporters: 2,
            max_incidents: 5,
            complaint_volume: 100,
            complaint_share: 0.003,
            filter_window: Duration::from_hours(24),
            filter_messages: 50,
            filter_share: 0.7,
            filter_points: 30,
            bounce_window: Duration::from_hours(24),
            bounce_messages: 50,
            bounce_share: 0.7,
            bounce_points: 30,
            dnsbl_points: 20,
            ptr_points: 10,
            ham_points: 20,
            standing_points: 20,
            registered: Vec::new(),
            registered_points: 20,
            memory: Duration::from_hours(90 * 24),
        }
    }
}

/// `[listing]`: how long a listing lasts that follows from a score.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListingConfig {
    /// `directspam` ends after this time without a complaint. Default: `"72h"`.
    #[serde(with = "value::duration")]
    pub quiet: Duration,
    /// Each earlier listing that began within this time doubles `quiet`. Default: `"90d"`.
    #[serde(with = "value::duration")]
    pub repeat_within: Duration,
    /// The longest that `quiet` grows to. Default: `"30d"`.
    #[serde(with = "value::duration")]
    pub longest: Duration,
    /// `highspam` ends after this time. Default: `"48h"`.
    #[serde(with = "value::duration")]
    pub highspam: Duration,
}

impl Default for ListingConfig {
    fn default() -> Self {
        Self {
            quiet: Duration::from_hours(72),
            repeat_within: Duration::from_hours(90 * 24),
            longest: Duration::from_hours(30 * 24),
            highspam: Duration::from_hours(48),
        }
    }
}
