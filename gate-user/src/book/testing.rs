//! What the tests of the book and of the plan share: a book without a store, and strategies that
//! make changes which meet each other.

use std::{net::IpAddr, sync::Arc};

use gate_common::Reason;
use jiff::Timestamp;
use proptest::prelude::*;

use super::{
    change::{Applied, Change, FeedEntry, NewAllow, NewListing},
    draft::{Origins, draft},
    error::Refusal,
    listing::Origin,
    state::Book,
};
use crate::network::Network;

/// A book in memory alone.
#[derive(Debug)]
pub(crate) struct Sandbox {
    pub(crate) book: Book,
    origins: Origins,
    next_id: i64,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self {
            book: Book::default(),
            origins: Origins::default(),
            next_id: 1,
        }
    }
}

impl Sandbox {
    /// Applies changes as the ledger does.
    pub(crate) fn apply(&mut self, changes: Vec<Change>, now: i64) -> Result<Applied, Refusal> {
        let book = self.book.clone();
        let drafted = draft(book, &mut self.origins, self.next_id, changes, at(now))?;
        (self.book, self.next_id) = (drafted.book, drafted.next_id);
        Ok(drafted.applied)
    }
}

/// That second since 1970.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// That network.
pub(crate) fn net(text: &str) -> Network {
    text.parse().unwrap()
}

/// A listing by an operator, by hand, for good.
pub(crate) fn listing(network: &str) -> NewListing {
    NewListing {
        network: net(network),
        reason: Reason::Manual,
        origin: Origin::Operator,
        comment: None,
        evidence: None,
        expires: None,
        force: false,
    }
}

/// An allow entry by an operator, for good.
pub(crate) fn allowance(network: &str) -> NewAllow {
    NewAllow {
        network: net(network),
        origin: Origin::Operator,
        comment: None,
        expires: None,
        force: false,
    }
}

/// A feed that holds those networks.
pub(crate) fn feed(name: &str, networks: &[(&str, &str)]) -> Change {
    let entries = networks.iter().map(|&(network, evidence)| FeedEntry {
        network: net(network),
        evidence: (!evidence.is_empty()).then(|| evidence.into()),
    });
    Change::Feed {
        name: name.into(),
        entries: entries.collect(),
    }
}

/// Networks of every length, most of which cover, or lie in, another one.
pub(crate) fn network() -> impl Strategy<Value = Network> {
    // Four hosts in each of a few wide networks, some of them protected.
    let v4 = prop::sample::select(vec![0x0a_u32, 0x0a, 0x0b, 0x7f, 0xc0, 0xff]);
    let v6 = prop::sample::select(vec![0x2001_u128, 0x2001, 0x2003, 0xfe80, 0]);
    prop_oneof![
        (v4, 0..4_u32, 0..=32_u8).prop_map(|(high, low, length)| {
            Network::containing(IpAddr::V4((high << 24 | low).into()), length)
        }),
        (v6, 0..4_u128, 0..=128_u8).prop_map(|(high, low, length)| {
            Network::containing(IpAddr::V6((high << 112 | low).into()), length)
        }),
    ]
}

/// Any reason.
pub(crate) fn reason() -> impl Strategy<Value = Reason> {
    prop::sample::select(&Reason::ALL[..])
}

fn origin() -> impl Strategy<Value = Origin> {
    prop::sample::select(vec![
        Origin::Operator,
        Origin::Config,
        Origin::Dnsbl,
        Origin::Feed("a".into()),
    ])
}

fn words() -> impl Strategy<Value = Option<Arc<str>>> {
    prop::sample::select(vec![None, Some("one".into()), Some("other 'words'".into())])
}

/// Any change that is not refused when applied before the second 1000.
pub(crate) fn change() -> impl Strategy<Value = Change> {
    let expires = || prop::option::of((1000..1010_i64).prop_map(at));
    let feed_entry =
        (narrow(), words()).prop_map(|(network, evidence)| FeedEntry { network, evidence });
    let list = (network(), reason(), origin(), words(), words(), expires()).prop_map(
        |(network, reason, origin, comment, evidence, expires)| {
            Change::List(NewListing {
                network,
                reason,
                origin,
                comment,
                evidence,
                expires,
                force: true,
            })
        },
    );
    let allow = (network(), origin(), words(), expires()).prop_map(
        |(network, origin, comment, expires)| {
            Change::Allow(NewAllow {
                network,
                origin,
                comment,
                expires,
                force: true,
            })
        },
    );
    let some_origin = || prop::option::of(origin());
    let some_reason = prop::option::of(reason());
    prop_oneof![
        8 => list,
        4 => allow,
        3 => (network(), some_origin(), some_reason).prop_map(|(network, origin, reason)| {
            Change::Unlist { network, origin, reason }
        }),
        3 => (network(), some_origin())
            .prop_map(|(network, origin)| Change::Disallow { network, origin }),
        2 => (prop::sample::select(vec!["a", "b"]), prop::collection::vec(feed_entry, 0..30))
            .prop_map(|(name, entries)| Change::Feed { name: name.into(), entries }),
        1 => prop::collection::vec(narrow(), 0..5).prop_map(|allow| Change::Configure { allow }),
        1 => Just(Change::Expire),
        1 => Just(Change::Flush),
    ]
}

/// A network that needs no force.
fn narrow() -> impl Strategy<Value = Network> {
    network().prop_map(|network| {
        let widest = if network.is_v4() { 8 } else { 16 };
        Network::containing(network.address(), network.prefix_len().max(widest))
    })
}
