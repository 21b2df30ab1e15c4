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
    /// A request never comes to the postmaster, since it is refused for a listing that no request ends,
    /// be that shown or only observed.
    pub(super) is_barred: bool,
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
        let is_barred = check.matches.iter().any(|found| {
            let listed = found.reason.zip(found.origin.as_ref());
            found.kind == MatchKind::Listing
                && listed.is_some_and(|(reason, by)| recourse(reason, by) == Recourse::None)
        });
        let listings = check.matches.iter();
        let listings = listings.filter_map(|found| Shown::new(found, mode));
        Self {
            address: check.address,
            listings: if check.allowed {
                Vec::new()
            } else {
                listings.collect()
            },
            is_barred,
        }
    }

    /// Whether a request can bring anything about.
    pub(super) fn may_request(&self) -> bool {
        let mut listings = self.listings.iter();
        listings.any(|shown| match shown.recourse {
            // Each of these listings is decided by itself, and ends whatever stands beside.
            Recourse::Score | Recourse::Dns => true,
            Recourse::Postmaster => !self.is_barred,
            Recourse::None => false,
        })
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

    #[test]
    fn nothing_is_asked_for_that_would_be_refused_for_good() {
        let mut check: Check = answer(&hyper::Method::GET, route::CHECK);
        check.allowed = false;
        let listing = |found: &Match| found.kind == MatchKind::Listing;
        let listing = check.matches.iter().find(|found| listing(found)).cloned();
        let listing = |reason, origin, enforcement| Match {
            reason: Some(reason),
            origin: Some(origin),
            enforcement: Some(enforcement),
            ..listing.clone().unwrap()
        };
        let drop = Enforcement::Drop;
        let manual = || listing(Reason::Manual, Origin::Operator, drop);
        let feed = |enforcement| listing(Reason::Feed, Origin::Feed("drop".into()), enforcement);
        let spam = || listing(Reason::DirectSpam, Origin::Complaints, drop);
        let name = || listing(Reason::NoRdns, Origin::Ptr, drop);
        for (matches, may_request) in [
            (vec![manual()], true),
            (vec![manual(), spam()], true),
            (vec![manual(), feed(drop)], false),
            (vec![manual(), feed(Enforcement::Observe)], false),
            (vec![spam(), feed(drop)], true),
            (vec![name(), feed(drop)], true),
            (vec![feed(drop)], false),
        ] {
            check.matches = matches;
            let standing = Standing::new(&check, Mode::Enforce);
            assert_eq!(standing.may_request(), may_request, "{standing:?}");
        }
    }
}
