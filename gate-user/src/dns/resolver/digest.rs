//! What a reply says to a question: the records at the end of its chain of CNAMEs, few enough to be
//! kept. Pure.

use std::time::Duration;

use hickory_resolver::proto::rr::{RData, Record as WireRecord, RecordType};

use super::{Answer, Failure, Mx, Nothing, answer::Record, server::Reply};
use crate::{config::DnsCacheConfig, dns::name::Name};

/// Addresses kept of one answer: some names have many, and each may be the one that is looked for.
const MOST_ADDRESSES: usize = 256;

/// Other records kept of one answer.
const MOST_RECORDS: usize = 32;

/// Bytes kept of a TXT record.
const LONGEST_TEXT: usize = 1024;

/// CNAMEs that are followed, all replies to a question taken together.
const LONGEST_CHAIN: usize = 12;

/// Replies that are asked for one after the other to follow a chain.
const MOST_QUERIES: usize = 4;

/// A type of records that is asked for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Kind {
    A,
    Aaaa,
    Mx,
    Ptr,
    Txt,
}

impl Kind {
    pub(super) const fn wire(self) -> RecordType {
        match self {
            Self::A => RecordType::A,
            Self::Aaaa => RecordType::AAAA,
            Self::Mx => RecordType::MX,
            Self::Ptr => RecordType::PTR,
            Self::Txt => RecordType::TXT,
        }
    }

    /// How many records are kept of one answer: the first ones when sorted, so that a server that
    /// turns them round changes nothing.
    const fn most(self) -> usize {
        match self {
            Self::A | Self::Aaaa => MOST_ADDRESSES,
            Self::Mx | Self::Ptr | Self::Txt => MOST_RECORDS,
        }
    }

    /// What is kept of a record of this type; `None` of another type.
    fn record(self, data: &RData) -> Option<Record> {
        Some(match (self, data) {
            (Self::A, RData::A(a)) => Record::A(a.0),
            (Self::Aaaa, RData::AAAA(aaaa)) => Record::Aaaa(aaaa.0),
            (Self::Mx, RData::MX(mx)) => Record::Mx(Mx {
                preference: mx.preference,
                exchange: Name::from_wire(&mx.exchange),
            }),
            (Self::Ptr, RData::PTR(ptr)) => Record::Ptr(Name::from_wire(&ptr.0)),
            (Self::Txt, RData::TXT(txt)) => {
                Record::Txt(text(txt.txt_data.iter().map(|part| &**part)))
            }
            _ => return None,
        })
    }
}

/// The strings of a TXT record put together, as RFC 7208 section 3.3 does: at most
/// [`LONGEST_TEXT`] bytes of it, and U+FFFD for what is no UTF-8, would steer a terminal, or turns
/// the direction of writing round.
fn text<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let bytes: Vec<u8> = parts.flatten().copied().take(LONGEST_TEXT).collect();
    String::from_utf8_lossy(&bytes)
        .chars()
        .map(|c| match c {
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                char::REPLACEMENT_CHARACTER
            }
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

/// Where a question stands that leads from name to name.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    /// The name to ask for now.
    pub(super) name: Name,
    kind: Kind,
    /// The shortest TTL of the CNAMEs on the way, in seconds.
    ttl: u32,
    steps: usize,
    queries: usize,
}

/// What comes next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// The answer is there.
    Done(Answer<Record>),
    /// Another name must be asked for.
    Ask(Chain),
}

impl Chain {
    pub(super) fn new(name: Name, kind: Kind) -> Self {
        Self {
            name,
            kind,
            ttl: u32::MAX,
            steps: 0,
            queries: 0,
        }
    }

    /// Takes the reply to [`name`](Self::name).
    pub(super) fn take(mut self, reply: &Reply, bounds: &DnsCacheConfig) -> Step {
        self.queries += 1;
        let asked = self.name.clone();
        loop {
            if let Some(answer) = self.records(&reply.answers, bounds) {
                return Step::Done(answer);
            }
            let Some((target, ttl)) = cname(&reply.answers, &self.name) else {
                break;
            };
            self.ttl = self.ttl.min(ttl);
            self.name = target;
            self.steps += 1;
            if self.steps > LONGEST_CHAIN {
                return Step::Done(Answer::Failed(Failure::Chain));
            }
        }
        // A reply without SOA that ends at another name: the server did not look further.
        if self.name != asked && !reply.nx_domain && reply.negative_ttl.is_none() {
            return if self.queries < MOST_QUERIES {
                Step::Ask(self)
            } else {
                Step::Done(Answer::Failed(Failure::Chain))
            };
        }
        let ttl = seconds(reply.negative_ttl.unwrap_or(0).min(self.ttl));
        Step::Done(Answer::Nothing {
            what: if reply.nx_domain {
                Nothing::NxDomain
            } else {
                Nothing::NoData
            },
            ttl: ttl.clamp(bounds.min_ttl, bounds.max_negative_ttl.max(bounds.min_ttl)),
        })
    }

    /// The records of the name that is asked for now.
    fn records(&self, answers: &[WireRecord], bounds: &DnsCacheConfig) -> Option<Answer<Record>> {
        let (mut records, ttls): (Vec<Record>, Vec<u32>) = answers
            .iter()
            .filter(|answer| answer.name == *self.name.wire())
            .filter_map(|answer| Some((self.kind.record(&answer.data)?, answer.ttl)))
            .unzip();
        let ttl = ttls.into_iter().min()?.min(self.ttl);
        records.sort_unstable();
        records.dedup();
        records.truncate(self.kind.most());
        records.shrink_to_fit();
        Some(Answer::Found {
            records,
            ttl: seconds(ttl).clamp(bounds.min_ttl, bounds.max_ttl.max(bounds.min_ttl)),
        })
    }
}

/// Where the name leads, and the TTL of that.
fn cname(answers: &[WireRecord], name: &Name) -> Option<(Name, u32)> {
    answers
        .iter()
        .filter(|answer| answer.name == *name.wire())
        .find_map(|answer| match &answer.data {
            RData::CNAME(target) => Some((Name::from_wire(&target.0), answer.ttl)),
            _ => None,
        })
}

/// A TTL of the wire; with its highest bit set it counts as 0 (RFC 2181 section 8).
fn seconds(ttl: u32) -> Duration {
    Duration::from_secs(if ttl > i32::MAX.cast_unsigned() {
        0
    } else {
        ttl.into()
    })
}

#[cfg(test)]
mod tests;
