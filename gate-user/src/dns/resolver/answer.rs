//! What a question came to.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use crate::dns::name::Name;

/// What a question came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer<T> {
    /// Records.
    Found {
        /// At least one, sorted, none twice; no more than the resolver keeps of an answer.
        records: Vec<T>,
        /// For how long they are good.
        ttl: Duration,
    },
    /// There are none.
    Nothing {
        /// Whether there is anything else of that name.
        what: Nothing,
        /// For how long that is good.
        ttl: Duration,
    },
    /// Nobody could say: ask again later.
    Failed(Failure),
    /// It was not asked: the budget did not allow it.
    NotAsked(Shed),
}

impl<T> Answer<T> {
    /// The same, of other records: those that `convert` makes something of; good for `left` where
    /// some of its time has passed.
    pub(super) fn filter_map<U>(
        &self,
        left: Option<Duration>,
        convert: impl Fn(&T) -> Option<U>,
    ) -> Answer<U> {
        match self {
            Self::Found { records, ttl } => Answer::Found {
                records: records.iter().filter_map(convert).collect(),
                ttl: left.unwrap_or(*ttl),
            },
            &Self::Nothing { what, ttl } => Answer::Nothing {
                what,
                ttl: left.unwrap_or(ttl),
            },
            &Self::Failed(failure) => Answer::Failed(failure),
            &Self::NotAsked(shed) => Answer::NotAsked(shed),
        }
    }
}

/// That there are no records, told apart (RFC 2308 section 2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Nothing {
    /// The name does not exist.
    NxDomain,
    /// The name exists, without records of that type.
    NoData,
}

/// Why nobody could say. All of them are temporary.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Failure {
    /// No answer in time.
    Timeout,
    /// The server failed (SERVFAIL).
    ServFail,
    /// The server refuses to answer (REFUSED).
    Refused,
    /// The server answered with another error: the response code of RFC 6895 section 2.3.
    Code(u16),
    /// The server only knows whom else to ask: it is no recursive one.
    Referral,
    /// The name leads to another one and so on, too far or in a circle.
    Chain,
    /// The answer could not be read, or answers something else.
    Malformed,
    /// The server could not be reached.
    Unreachable,
}

impl Failure {
    /// Whether the server said so itself: asked again, it would say the same.
    pub(super) const fn is_said(self) -> bool {
        matches!(
            self,
            Self::ServFail | Self::Refused | Self::Code(_) | Self::Referral | Self::Chain
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no answer in time"),
            Self::ServFail => f.write_str("the server failed (SERVFAIL)"),
            Self::Refused => f.write_str("the server refused (REFUSED)"),
            Self::Code(code) => write!(f, "the server answered with error {code}"),
            Self::Referral => f.write_str("the server does not resolve, it refers to others"),
            Self::Chain => f.write_str("a chain of CNAMEs without an end"),
            Self::Malformed => f.write_str("an answer that makes no sense"),
            Self::Unreachable => f.write_str("the server cannot be reached"),
        }
    }
}

/// Which limit kept a question from being asked.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Shed {
    /// Too many queries in a second, over all.
    PerSecond,
    /// Too many queries in a second in the lane.
    PerZone,
    /// Too many queries under way.
    Concurrency,
    /// A flood: nothing is asked in the background.
    Flood,
}

impl fmt::Display for Shed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PerSecond => "over dns.per_second",
            Self::PerZone => "over the queries a second of its zone",
            Self::Concurrency => "over dns.concurrency",
            Self::Flood => "nothing is asked in the background during a flood",
        })
    }
}

/// How urgent a question is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Urgency {
    /// It can wait, and goes unasked during a flood.
    Background,
    /// A mail server waits for the answer: before all that is in the background.
    Door,
}

/// A mail exchanger (RFC 1035 section 3.3.9).
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mx {
    /// The lower, the sooner.
    pub preference: u16,
    /// Its name; the root for "takes no mail" (RFC 7505).
    pub exchange: Name,
}

/// A record of one of the types that are asked for.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Record {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Mx(Mx),
    Ptr(Name),
    Txt(String),
}
