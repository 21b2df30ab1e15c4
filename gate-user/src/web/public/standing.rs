//! How an address stands, as far as everybody may know it: the reason, the day, and the way out. Never
//! what a listing rests on, which would tell a sender who complained, or which address is a trap; for
//! the same end there are days and no times.

use std::net::IpAddr;

use gate_common::{Mode, Reason};
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    book::Origin,
    control::api::{Check, DnsFinding, Match, MatchKind},
    network::Network,
    plan::Enforcement,
    removal::{Recourse, recourse},
};

/// How an address stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Standing {
    pub(super) address: IpAddr,
    /// What its mail is refused for; nothing if it passes.
    pub(super) listings: Vec<Shown>,
}

/// A listing, as everybody may see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Shown {
    pub(super) network: Network,
    pub(super) reason: Reason,
    /// The day since when.
    pub(super) since: Option<String>,
    /// The day when it ends by itself.
    pub(super) ends: Option<String>,
    /// What it does.
    pub(super) effect: Effect,
    /// What a request can bring about.
    pub(super) recourse: Recourse,
    /// The list that it is on, where others keep it.
    pub(super) feed: Option<String>,
}

/// What a listing does to whoever connects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Effect {
    /// Not even a connection comes about.
    Dropped,
    /// Mail is refused with a message.
    Refused,
    /// Nothing: the mode is one in which nobody is turned away.
    Nothing,
}

impl Effect {
    /// What `enforcement` does in this mode; `None` where it never does anything.
    fn of(enforcement: Enforcement, mode: Mode) -> Option<Self> {
        match (enforcement, mode) {
            (Enforcement::Observe, _) => None,
            (_, Mode::Monitor | Mode::Off) => Some(Self::Nothing),
            (Enforcement::Drop, Mode::Enforce) => Some(Self::Dropped),
            (Enforcement::Reject, Mode::Enforce) => Some(Self::Refused),
        }
    }
}

impl Standing {
    /// What may be told of `check`, in this mode.
    pub(super) fn new(check: &Check, mode: Mode) -> Self {
        let listings = check.matches.iter();
        let listings = listings.filter_map(|found| Shown::new(found, mode));
        Self {
            address: check.address,
            listings: if check.allowed {
                Vec::new()
            } else {
                listings.collect()
            },
        }
    }

    /// Whether a request can bring anything about.
    pub(super) fn may_request(&self) -> bool {
        let mut listings = self.listings.iter();
        listings.any(|shown| shown.recourse != Recourse::None)
    }

    /// Whether it is listed for what DNS says of it.
    pub(super) fn rests_on_dns(&self) -> bool {
        let mut listings = self.listings.iter();
        listings.any(|shown| shown.recourse == Recourse::Dns)
    }
}

impl Shown {
    /// The listing, if that is one that refuses mail, or would in another mode.
    fn new(found: &Match, mode: Mode) -> Option<Self> {
        if found.kind != MatchKind::Listing {
            return None;
        }
        let effect = Effect::of(found.enforcement?, mode)?;
        let (reason, origin) = (found.reason?, found.origin.as_ref()?);
        Some(Self {
            network: found.network,
            reason,
            since: found.since.map(day),
            ends: found.expires.map(day),
            effect,
            recourse: recourse(reason, origin),
            feed: match origin {
                Origin::Feed(name) => Some(name.to_string()),
                _ => None,
            },
        })
    }
}

/// What DNS said, which is public: the name, and the lists.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Dns {
    pub(super) name: Option<String>,
    pub(super) lists: Vec<String>,
}

impl From<DnsFinding> for Dns {
    fn from(finding: DnsFinding) -> Self {
        let listing = finding.dnsbl.into_iter();
        let listing = listing.filter(|answer| answer.listed && !answer.overridden);
        Self {
            name: finding.ptr.and_then(|ptr| ptr.name),
            lists: listing.map(|answer| answer.list).collect(),
        }
    }
}

/// The day, in UTC.
fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{api::route, examples::answer};

    #[test]
    fn what_a_listing_does_depends_on_the_mode() {
        let mut check: Check = answer(&hyper::Method::GET, route::CHECK);
        check.allowed = false;
        check
            .matches
            .retain(|found| found.kind == MatchKind::Listing);
        for (enforcement, mode, expected) in [
            (Enforcement::Drop, Mode::Enforce, Some(Effect::Dropped)),
            (Enforcement::Reject, Mode::Enforce, Some(Effect::Refused)),
            (Enforcement::Observe, Mode::Enforce, None),
            (Enforcement::Drop, Mode::Monitor, Some(Effect::Nothing)),
            (Enforcement::Reject, Mode::Monitor, Some(Effect::Nothing)),
            (Enforcement::Observe, Mode::Monitor, None),
            (Enforcement::Drop, Mode::Off, Some(Effect::Nothing)),
            (Enforcement::Reject, Mode::Off, Some(Effect::Nothing)),
        ] {
            for found in &mut check.matches {
                found.enforcement = Some(enforcement);
            }
            let standing = Standing::new(&check, mode);
            let first = standing.listings.first().map(|shown| shown.effect);
            assert_eq!(first, expected, "{enforcement:?} {mode:?}");
        }
    }
}
