//! The reverse name of an address: its PTR records, told apart by whether they lead back to it.
//!
//! In: an address. Out: [`Reverse`], within [`LONGEST`]. The address's owner writes the records, so
//! how many of them are asked about, and for how long, is bounded.

use std::{net::IpAddr, time::Duration};

use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

use super::{
    name::Name,
    resolver::{Answer, FAILURE_TTL, Failure, Lane, Resolver, Shed},
};

/// How many names of an address are asked for their addresses: the first ones in alphabetical
/// order, so that a server that turns its records round changes nothing.
pub const MOST_NAMES: usize = 8;

/// How long all that takes at most. What has no answer by then is taken for what has none in time.
pub const LONGEST: Duration = Duration::from_secs(10);

/// What DNS says of an address's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReverseName {
    /// It has none: the reverse name does not exist, or has no PTR record.
    Missing,
    /// At least one name that has the address.
    Confirmed {
        /// The first of them in alphabetical order.
        name: Name,
        /// The others that have the address too, in that order.
        also: Vec<Name>,
        /// Names that the address claims and that do not have it, or of which nobody could say.
        unconfirmed: Vec<Name>,
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

/// Asks for the names of `address`, and which of them have the address (RFC 8601 section 3,
/// `iprev`). A mapped IPv4 address (`::ffff:192.0.2.7`) is the IPv4 address.
pub async fn reverse_name(resolver: &Resolver, lane: &Lane, address: IpAddr) -> Reverse {
    let until = Instant::now() + LONGEST;
    reverse_name_until(resolver, lane, address.to_canonical(), until).await
}

async fn reverse_name_until(
    resolver: &Resolver,
    lane: &Lane,
    address: IpAddr,
    until: Instant,
) -> Reverse {
    let records = timeout_at(until, resolver.ptr(address, lane)).await;
    let (names, ttl) = match records.unwrap_or(Answer::Failed(Failure::Timeout)) {
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
    // All at the same time, and all to the end: the same names come out whichever is faster.
    let asked = names.iter().take(MOST_NAMES).map(|name| async move {
        let forward = timeout_at(until, forward(resolver, lane, name, address)).await;
        forward.unwrap_or(Forward::Unknown(Unknown::Failed(Failure::Timeout)))
    });
    let forwards = join_all(asked).await;
    told(names, forwards, ttl)
}

/// What `names`, good for `ttl`, come to, where the first of them lead there.
fn told(names: Vec<Name>, forwards: Vec<Forward>, mut ttl: Duration) -> Reverse {
    let (mut confirmed, mut unconfirmed) = (Vec::new(), Vec::new());
    let mut why = None;
    let mut forwards = forwards.into_iter();
    for name in names {
        match forwards.next() {
            Some(Forward::Has(of_name)) => {
                ttl = ttl.min(of_name);
                confirmed.push(name);
                continue;
            }
            Some(Forward::HasNot(of_name)) => ttl = ttl.min(of_name),
            Some(Forward::Unknown(unknown)) => why = Some(unknown),
            None => {}
        }
        unconfirmed.push(name);
    }
    let mut confirmed = confirmed.into_iter();
    let name = match (confirmed.next(), why) {
        (Some(name), _) => ReverseName::Confirmed {
            name,
            also: confirmed.collect(),
            unconfirmed,
        },
        (None, Some(why)) => return unknown(why),
        (None, None) => {
            let mut forged = unconfirmed.into_iter();
            match forged.next() {
                Some(name) => ReverseName::Forged {
                    name,
                    others: forged.collect(),
                },
                None => ReverseName::Missing,
            }
        }
    };
    Reverse { name, ttl }
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
