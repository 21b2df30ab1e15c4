//! What a check objects to, and which reply tells it to the client.

use std::{fmt, sync::Arc};

use gate_common::Reason;

use super::{
    check::Case,
    facts::{Listed, PtrClass, Reverse, SenderDomain},
    reply::Values,
};

/// What a check has found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Finding {
    /// A listing.
    Listed(Listed),
    /// No PTR.
    NoPtr,
    /// A PTR that cannot be resolved now.
    PtrTemporary,
    /// A PTR name that does not resolve back.
    Forged,
    /// A PTR name of dynamic space.
    Dynamic,
    /// A generic PTR name.
    Generic,
    /// A third-party list.
    OnList {
        /// Its name.
        list: Arc<str>,
        /// Where it tells of the client, if it has such a page.
        url: Option<Arc<str>>,
    },
    /// A sender's domain that does not exist.
    SenderNxdomain,
    /// A sender's domain that cannot be resolved now.
    SenderTemporary,
    /// A sender's domain that takes no mail.
    SenderNoMail,
    /// More than a limit allows.
    Over {
        /// The case that it is.
        case: Case,
        /// How many.
        count: u32,
        /// How many are allowed, as the configuration has it.
        limit: String,
    },
    /// A null sender with so many recipients.
    NullSender(u32),
    /// A lookup that has not come to its end.
    UnderWay,
}

impl Finding {
    /// What reverse DNS has against a client, but for what the name tells.
    pub(super) fn of_reverse(reverse: &Reverse) -> Option<Self> {
        match reverse {
            Reverse::None => Some(Self::NoPtr),
            Reverse::Temporary => Some(Self::PtrTemporary),
            Reverse::Named { confirmed, .. } => (!confirmed).then_some(Self::Forged),
        }
    }

    /// What a PTR name tells against a client.
    pub(super) fn of_name(reverse: &Reverse) -> Option<Self> {
        match reverse {
            Reverse::Named { class, .. } => match class {
                PtrClass::Own => None,
                PtrClass::Dynamic => Some(Self::Dynamic),
                PtrClass::Generic => Some(Self::Generic),
            },
            Reverse::None | Reverse::Temporary => None,
        }
    }

    /// What speaks against a sender's domain.
    pub(super) fn of_sender(domain: SenderDomain) -> Option<Self> {
        match domain {
            SenderDomain::Good => None,
            SenderDomain::Nxdomain => Some(Self::SenderNxdomain),
            SenderDomain::Temporary => Some(Self::SenderTemporary),
            SenderDomain::NoMail => Some(Self::SenderNoMail),
        }
    }

    /// More than `allowed`, which reads `limit` in the configuration.
    pub(super) fn over(
        case: Case,
        count: u32,
        allowed: u32,
        limit: &dyn fmt::Display,
    ) -> Option<Self> {
        (count > allowed).then(|| Self::Over {
            case,
            count,
            limit: limit.to_string(),
        })
    }

    /// The reason that a source would be listed for, were it listed for this.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Listed(listed) => Some(listed.reason),
            Self::NoPtr => Some(Reason::NoRdns),
            Self::Forged => Some(Reason::Forged),
            Self::Dynamic => Some(Reason::Dynamic),
            Self::Generic => Some(Reason::Generic),
            Self::OnList { .. } => Some(Reason::Dnsbl),
            _ => None,
        }
    }

    /// Which reply is given, and what it tells besides `values`, which have the PTR name if `named`.
    pub(super) fn case<'a>(&'a self, values: Values<'a>, named: bool) -> (Case, Values<'a>) {
        let values = match self.reason() {
            Some(reason) => values.reason(reason.code()),
            None => values,
        };
        match self {
            Self::Listed(listed) => of_listing(listed, values, named),
            Self::NoPtr => (Case::NoPtr, values),
            Self::PtrTemporary => (Case::PtrTemporary, values),
            Self::Forged => (Case::Forged, values),
            Self::Dynamic | Self::Generic => (Case::PtrClass, values),
            Self::OnList {
                list,
                url: Some(url),
            } => (Case::Dnsbl, values.list(list).list_url(url)),
            Self::OnList { list, url: None } => (Case::Listed, values.list(list)),
            Self::SenderNxdomain => (Case::SenderNxdomain, values),
            Self::SenderTemporary => (Case::SenderTemporary, values),
            Self::SenderNoMail => (Case::SenderNoMail, values),
            Self::Over { case, limit, .. } => (*case, values.limit(limit)),
            Self::NullSender(_) => (Case::NullSender, values),
            Self::UnderWay => (Case::UnderWay, values),
        }
    }
}

/// A listing for what a name or a third-party list says has the reply for that, if what it tells
/// is known; any other, and without that, the reply for listings.
fn of_listing<'a>(listed: &'a Listed, values: Values<'a>, named: bool) -> (Case, Values<'a>) {
    let values = values.network(listed.network).date(listed.since);
    match listed.reason {
        Reason::NoRdns => (Case::NoPtr, values),
        Reason::Dynamic | Reason::Generic if named => (Case::PtrClass, values),
        Reason::Forged if named => (Case::Forged, values),
        Reason::Dnsbl => match listed.evidence.as_deref().and_then(link) {
            Some(url) => (Case::Dnsbl, values.list_url(url)),
            None => (Case::Listed, values),
        },
        _ => (Case::Listed, values),
    }
}

/// The first link in a line of evidence: the page where the third-party list tells of the client.
fn link(evidence: &str) -> Option<&str> {
    let is_link = |word: &&str| word.starts_with("https://") || word.starts_with("http://");
    evidence.split_ascii_whitespace().find(is_link)
}

/// For people: `listed as manual through 192.0.2.0/24`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listed(listed) => {
                let (reason, network) = (listed.reason.code(), listed.network);
                write!(f, "listed as {reason} through {network}")
            }
            Self::NoPtr => f.write_str("no PTR"),
            Self::PtrTemporary => f.write_str("PTR does not resolve now"),
            Self::Forged => f.write_str("PTR name does not resolve back"),
            Self::Dynamic => f.write_str("PTR name of dynamic space"),
            Self::Generic => f.write_str("generic PTR name"),
            Self::OnList { list, .. } => write!(f, "on {list}"),
            Self::SenderNxdomain => f.write_str("domain of sender does not exist"),
            Self::SenderTemporary => f.write_str("domain of sender does not resolve now"),
            Self::SenderNoMail => f.write_str("domain of sender takes no mail"),
            Self::Over { count, limit, .. } => write!(f, "{count}, and the limit is {limit}"),
            Self::NullSender(count) => write!(f, "null sender with {count} recipients"),
            Self::UnderWay => f.write_str("lookup under way"),
        }
    }
}
