//! What is known of a client when it is judged: the book's word, what DNS says, and counts.
//!
//! Whoever finds these things out hands them in as they are here; this module asks nobody.

use std::sync::Arc;

use gate_common::Reason;
use jiff::Timestamp;

use crate::{
    book::Origin,
    network::Network,
    plan::{Answer, Enforcement, Shelter},
};

/// What the book says of a client.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Standing {
    /// Nothing lists it, or only a rollup does that leaves it open.
    #[default]
    Open,
    /// It passes whatever else is known of it, through this network.
    Allowed(Network),
    /// It is listed.
    Listed(Listed),
}

/// The listing that counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// What is listed.
    pub network: Network,
    /// Why.
    pub reason: Reason,
    /// What the configuration does for that reason.
    pub enforcement: Enforcement,
    /// When it began.
    pub since: Timestamp,
    /// What it rests on, in one line.
    pub evidence: Option<Arc<str>>,
}

impl From<Answer> for Standing {
    fn from(answer: Answer) -> Self {
        // What a rollup leaves open it only leaves open: nobody has said that it is to pass.
        let rolled_up = |shelter: &&Shelter| matches!(shelter, Shelter::Allowed(entry) if entry.origin == Origin::Rollup);
        if let Some(shelter) = answer.shelters.iter().find(|shelter| !rolled_up(shelter)) {
            return Self::Allowed(shelter.network());
        }
        if answer.allowed() {
            return Self::Open;
        }
        match answer.matches.into_iter().next() {
            None => Self::Open,
            Some(first) => Self::Listed(Listed {
                network: first.listing.network,
                reason: first.listing.reason,
                enforcement: first.enforcement,
                since: first.listing.since,
                evidence: first.listing.evidence,
            }),
        }
    }
}

/// What came of asking.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Lookup<T> {
    /// Nobody was asked.
    #[default]
    NotAsked,
    /// The answer did not come within the budget.
    UnderWay,
    /// The answer.
    Known(T),
}

impl<T> Lookup<T> {
    /// The answer, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(answer) => Some(answer),
            Self::NotAsked | Self::UnderWay => None,
        }
    }
}

/// What reverse DNS says of a client's address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reverse {
    /// There is no PTR: NXDOMAIN, or no record of that type.
    None,
    /// It cannot be resolved now: the servers fail, or do not answer.
    Temporary,
    /// There is a name.
    Named {
        /// The name, without the dot at its end.
        name: Arc<str>,
        /// Whether the name resolves back to the address.
        confirmed: bool,
        /// What the name tells of the address space.
        class: PtrClass,
    },
}

/// What a PTR name tells of the address space.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PtrClass {
    /// That it is a host's own: static, fixed, a mail name, or nothing that speaks against it.
    Own,
    /// Dynamic, dial-up or DSL space.
    Dynamic,
    /// Nothing of who uses the address.
    Generic,
}

/// What third-party lists say of a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Dnsbl {
    /// They do not reach the threshold together.
    Below,
    /// They do.
    Listed {
        /// The name of the list that weighs most.
        list: Arc<str>,
        /// Where it tells of the client, if it has such a page.
        url: Option<Arc<str>>,
    },
}

/// What DNS says of the domain of a sender.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SenderDomain {
    /// It takes mail.
    Good,
    /// It does not exist (NXDOMAIN).
    Nxdomain,
    /// It cannot be resolved now.
    Temporary,
    /// It takes no mail: a null MX (RFC 7505), or MX records that lead nowhere.
    NoMail,
}

/// How many connections a client has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Connections {
    /// Open now, the one that is asked about included.
    pub open: u32,
    /// The soft limit that it is under.
    pub limit: u32,
}

/// What has been counted of a client, the request at hand included as if it were taken.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Recipients in this connection.
    pub in_connection: u32,
    /// Recipients of this message.
    pub in_message: u32,
    /// Messages of the source within the window of the limit.
    pub messages: u32,
    /// Recipients of the source within the window of the limit.
    pub recipients: u32,
}

/// All that is known of a client.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Facts {
    /// What the book says.
    pub standing: Standing,
    /// What reverse DNS says.
    pub reverse: Lookup<Reverse>,
    /// What third-party lists say.
    pub dnsbl: Lookup<Dnsbl>,
    /// What DNS says of the sender's domain.
    pub sender: Lookup<SenderDomain>,
    /// Its connections, where they are counted.
    pub connections: Option<Connections>,
    /// Its recipients and messages.
    pub counts: Counts,
}
