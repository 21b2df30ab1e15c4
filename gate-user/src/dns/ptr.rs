//! The reverse name of an address: its PTR records, told apart by whether one leads back to it.

use std::{net::IpAddr, time::Duration};

use super::{
    name::Name,
    resolver::{Answer, FAILURE_TTL, Failure, Lane, Resolver, Shed},
};

/// How many names of an address are asked for their addresses: the first ones in alphabetical
/// order, so that a server that turns its records round changes nothing.
pub const MOST_NAMES: usize = 8;

/// What DNS says of an address's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReverseName {
    /// It has none: the reverse name does not exist, or has no PTR record.
    Missing,
    /// A name that has the address.
    Confirmed {
        /// The name.
        name: Name,
        /// Other names that the address claims; nobody looked whether they have it.
        others: Vec<Name>,
    },
    /// Names that do not have the address.
    Forged {
        /// The first of them.
        name: Name,
        /// The others.
        others: Vec<Name>,
    },
    /// Nobody could say, for now: no reason to list anybody.
    Unknown(Unknown),
}

/// Why nobody could say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unknown {
    /// The PTR records, or the addresses of a name, were not to be had.
    Failed(Failure),
    /// The budget did not allow to ask.
    NotAsked(Shed),
}

/// A reverse name, and for how long it is good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reverse {
    /// What DNS says.
    pub name: ReverseName,
    /// For how long that is good: no longer than any answer that it rests on; at most half a minute
    /// for [`ReverseName::Unknown`].
    pub ttl: Duration,
}

/// Asks for the names of `address`, and whether one of them has the address (RFC 8601 section 3,
/// `iprev`). A mapped IPv4 address (`::ffff:192.0.2.7`) is the IPv4 address.
pub async fn reverse_name(resolver: &Resolver, lane: &Lane, address: IpAddr) -> Reverse {
    let address = address.to_canonical();
    let (mut names, mut ttl) = match resolver.ptr(address, lane).await {
        Answer::Found { records, ttl } => (records, ttl),
        Answer::Nothing { ttl, .. } => {
            return Reverse {
                name: ReverseName::Missing,
                ttl,
            };
        }
        Answer::Failed(failure) => return unknown(Unknown::Failed(failure)),
        Answer::NotAsked(shed) => return unknown(Unknown::NotAsked(shed)),
    };
    let mut why = None;
    for i in 0..names.len().min(MOST_NAMES) {
        match forward(resolver, lane, &names[i], address).await {
            Forward::Has(of_name) => {
                let name = names.remove(i);
                return Reverse {
                    name: ReverseName::Confirmed {
                        name,
                        others: names,
                    },
                    ttl: ttl.min(of_name),
                };
            }
            Forward::HasNot(of_name) => ttl = ttl.min(of_name),
            Forward::Unknown(unknown) => why = Some(unknown),
        }
    }
    if let Some(why) = why {
        return unknown(why);
    }
    let name = names.remove(0);
    Reverse {
        name: ReverseName::Forged {
            name,
            others: names,
        },
        ttl,
    }
}

const fn unknown(why: Unknown) -> Reverse {
    Reverse {
        name: ReverseName::Unknown(why),
        ttl: FAILURE_TTL,
    }
}

/// Whether a name has an address, and for how long that is good.
enum Forward {
    Has(Duration),
    HasNot(Duration),
    Unknown(Unknown),
}

async fn forward(resolver: &Resolver, lane: &Lane, name: &Name, address: IpAddr) -> Forward {
    match address {
        IpAddr::V4(address) => has(&resolver.a(name, lane).await, &address),
        IpAddr::V6(address) => has(&resolver.aaaa(name, lane).await, &address),
    }
}

fn has<T: PartialEq>(answer: &Answer<T>, address: &T) -> Forward {
    match *answer {
        Answer::Found { ref records, ttl } if records.contains(address) => Forward::Has(ttl),
        Answer::Found { ttl, .. } | Answer::Nothing { ttl, .. } => Forward::HasNot(ttl),
        Answer::Failed(failure) => Forward::Unknown(Unknown::Failed(failure)),
        Answer::NotAsked(shed) => Forward::Unknown(Unknown::NotAsked(shed)),
    }
}

#[cfg(test)]
mod tests;
