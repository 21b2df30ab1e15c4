//! What is on record of what DNS said.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use gate_common::Reason;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::score::PtrClass;
use crate::{
    dns::class::{Confidence, NameClass},
    network::Network,
};

/// Why DNS was asked about an address.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Occasion {
    /// Its source came, or somebody spoke of it.
    Seen,
    /// It was time to look again.
    Again,
}

/// What DNS said of one address. What could not be told is left out: of a source that is on record
/// the former answer then stays until it is too old.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// The address that was asked about.
    pub address: IpAddr,
    /// When; whole seconds.
    pub at: Timestamp,
    /// When its source last came.
    pub seen: Timestamp,
    /// Its reverse name.
    pub reverse: Option<Reverse>,
    /// The answer of each DNSBL that gave one, also where it does not list the address.
    pub answers: Vec<ListAnswer>,
    /// For what it is not listed although DNS says so: an operator has ended that listing. Until
    /// DNS has said otherwise.
    #[serde(default)]
    pub pardoned: Vec<Reason>,
}

/// What is known of the name of an address.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Reverse {
    /// When it was told.
    pub at: Timestamp,
    /// What it is.
    pub standing: Standing,
    /// Whether an operator allows the name, and it resolves back.
    #[serde(default)]
    pub allowed: bool,
}

impl Reverse {
    /// What it means for a score: an allowed name costs nothing.
    pub fn class(&self) -> PtrClass {
        if self.allowed {
            PtrClass::Fixed
        } else {
            self.standing.class()
        }
    }
}

/// How an address stands with its name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "ptr")]
pub enum Standing {
    /// There is no PTR.
    Missing,
    /// The PTR's name does not resolve back.
    Forged {
        /// The name, lower case.
        name: Arc<str>,
    },
    /// The PTR's name resolves back.
    Confirmed {
        /// The name, lower case.
        name: Arc<str>,
        /// Other names of it that resolve back.
        #[serde(default)]
        also: Vec<Arc<str>>,
        /// What it tells.
        class: NameClass,
        /// How sure that is; a hint alone lists nobody.
        confidence: Confidence,
        /// By what: which token, which octets.
        evidence: Arc<str>,
    },
}

/// What one DNSBL answered.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListAnswer {
    /// The list's public name.
    pub list: Arc<str>,
    /// When it was told.
    pub at: Timestamp,
    /// What that weighs, as it was configured then; 0 where it does not list the address.
    pub weight: i16,
    /// What it costs in the score.
    pub points: u8,
    /// What it answers; nothing where it does not list the address.
    pub codes: Vec<Ipv4Addr>,
    /// Why, in its own words; asked for only where the lists together list the address.
    #[serde(default)]
    pub text: Option<Arc<str>>,
    /// Whether an operator has overridden it for this source.
    #[serde(default)]
    pub overridden: bool,
}

/// The PTR names of addresses spread over a network.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sample {
    /// The network: an IPv4 /24.
    pub network: Network,
    /// When; whole seconds.
    pub at: Timestamp,
    /// What each name tells.
    pub classes: Vec<PtrClass>,
}

impl Finding {
    /// Its source.
    pub fn source(&self) -> Network {
        Network::source(self.address)
    }

    /// The PTR name, if there is one.
    pub fn name(&self) -> Option<&Arc<str>> {
        match &self.reverse.as_ref()?.standing {
            Standing::Missing => None,
            Standing::Forged { name } | Standing::Confirmed { name, .. } => Some(name),
        }
    }

    /// Every name that is known of it, the one that is judged first.
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        let also = match self.reverse.as_ref().map(|is| &is.standing) {
            Some(Standing::Confirmed { also, .. }) => also.as_slice(),
            _ => &[],
        };
        self.name().into_iter().chain(also)
    }

    /// The lists that list it and count.
    pub fn listing(&self) -> impl Iterator<Item = &ListAnswer> {
        let counts = |one: &&ListAnswer| !one.codes.is_empty() && !one.overridden;
        self.answers.iter().filter(counts)
    }

    /// Takes what this finding does not tell, or tells by an older answer, from the `former` one of
    /// the same source; but nothing that was told before `since`, and no other address's name.
    pub(super) fn complete(&mut self, former: Self, since: Timestamp) {
        self.seen = self.seen.max(former.seen);
        self.pardoned = former.pardoned;
        let reverse = former.reverse.filter(|is| is.at >= since);
        if former.address == self.address
            && let Some(reverse) = reverse
            && self.reverse.as_ref().is_none_or(|is| is.at < reverse.at)
        {
            self.reverse = Some(reverse);
        }
        for answer in former.answers.into_iter().filter(|is| is.at >= since) {
            match self.answers.iter_mut().find(|one| one.list == answer.list) {
                Some(one) if one.at < answer.at => *one = answer,
                Some(_) => {}
                None => self.answers.push(answer),
            }
        }
        self.answers.sort_by(|a, b| a.list.cmp(&b.list));
    }

    /// The network that is listed for `reason`: a name is of one address, and a DNSBL is asked for the
    /// whole source.
    pub(super) fn place_of(&self, reason: Reason) -> Network {
        if reason == Reason::Dnsbl {
            self.source()
        } else {
            Network::host(self.address)
        }
    }

    /// Whether anything could be told.
    pub fn tells_something(&self) -> bool {
        self.reverse.is_some() || !self.answers.is_empty()
    }

    /// Points that it costs at most, for comparison with an earlier one.
    pub(super) fn burden(&self, ptr_points: u8) -> u32 {
        let lists: u32 = self.listing().map(|one| u32::from(one.points)).sum();
        let name = match self.reverse.as_ref().map(Reverse::class) {
            None | Some(PtrClass::Fixed) => 0,
            Some(PtrClass::Generic) => u32::from(ptr_points) / 2,
            Some(PtrClass::Dynamic | PtrClass::Missing) => u32::from(ptr_points),
        };
        lists + name
    }
}

impl Standing {
    /// What it means for a score. A name that does not resolve back is nobody's word: it counts as
    /// none.
    pub fn class(&self) -> PtrClass {
        match self {
            Self::Missing | Self::Forged { .. } => PtrClass::Missing,
            Self::Confirmed { class, .. } => (*class).into(),
        }
    }
}

/// A name that tells nothing either way costs nothing.
impl From<NameClass> for PtrClass {
    fn from(class: NameClass) -> Self {
        match class {
            NameClass::Mail | NameClass::Static | NameClass::Unknown => Self::Fixed,
            NameClass::Generic => Self::Generic,
            NameClass::Dynamic => Self::Dynamic,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no PTR"),
            Self::Forged { name } => write!(f, "PTR {name} does not resolve back"),
            Self::Confirmed { name, evidence, .. } => write!(f, "PTR {name}: {evidence}"),
        }
    }
}
