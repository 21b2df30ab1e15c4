//! The current book in memory: an immutable snapshot that everybody may read.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use gate_common::Reason;
use jiff::Timestamp;

use super::{
    listing::{AllowEntry, Listing, Origin},
    record::{Expiry, Key, Record, Standing},
    tree::Tree,
};
use crate::network::Network;

/// All listings and allow entries in force.
///
/// A clone costs a few reference counts, and what is changed later does not show in it. Entries
/// come sorted by network: a network right before those within it, IPv4 before IPv6.
#[derive(Clone, Debug, Default)]
pub struct Book {
    listings: Tree,
    allow: Tree,
    counts: Arc<Counts>,
}

/// How many entries are in force.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Listings.
    pub listings: usize,
    /// Allow entries.
    pub allow_entries: usize,
    /// Listings by reason and origin; what there is none of is left out.
    pub by_kind: BTreeMap<(Reason, Origin), usize>,
}

impl Counts {
    /// How many listings there are for `reason`.
    pub fn of_reason(&self, reason: Reason) -> usize {
        let all = self.by_kind.iter();
        all.filter(|((of, _), _)| *of == reason)
            .map(|(_, count)| count)
            .sum()
    }

    /// How many listings there are of `origin`.
    pub fn of_origin(&self, origin: &Origin) -> usize {
        let all = self.by_kind.iter();
        all.filter(|((_, of), _)| of == origin)
            .map(|(_, count)| count)
            .sum()
    }
}

impl Book {
    /// Every listing.
    pub fn listings(&self) -> impl Iterator<Item = Listing> {
        self.listings.iter().filter_map(Record::listing)
    }

    /// The listings of exactly `network`.
    pub fn at(&self, network: Network) -> impl Iterator<Item = Listing> {
        self.listings.at(network).filter_map(Record::listing)
    }

    /// The listings of `network` and of every network that covers it, the widest first.
    pub fn covering(&self, network: Network) -> impl Iterator<Item = Listing> {
        self.listings.covering(network).filter_map(Record::listing)
    }

    /// The listings of `network` and of every network within it.
    pub fn within(&self, network: Network) -> impl Iterator<Item = Listing> {
        self.listings.within(network).filter_map(Record::listing)
    }

    /// Every allow entry.
    pub fn allow_entries(&self) -> impl Iterator<Item = AllowEntry> {
        self.allow.iter().filter_map(Record::allow_entry)
    }

    /// The allow entries of exactly `network`.
    pub fn allow_at(&self, network: Network) -> impl Iterator<Item = AllowEntry> {
        self.allow.at(network).filter_map(Record::allow_entry)
    }

    /// The allow entries of `network` and of every network that covers it, the widest first.
    pub fn allow_covering(&self, network: Network) -> impl Iterator<Item = AllowEntry> {
        self.allow.covering(network).filter_map(Record::allow_entry)
    }

    /// The allow entries of `network` and of every network within it.
    pub fn allow_within(&self, network: Network) -> impl Iterator<Item = AllowEntry> {
        self.allow.within(network).filter_map(Record::allow_entry)
    }

    /// How many entries there are.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// When the first entry ends by itself; `None` if none ever does.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.listings
            .next_expiry()
            .min(self.allow.next_expiry())
            .at()
    }

    /// Every listing, without a copy of it.
    pub(crate) fn listed(&self) -> impl Iterator<Item = Listed<'_>> {
        self.listings.iter().filter_map(Listed::new)
    }

    /// The listings of exactly `network`, without a copy of them.
    pub(crate) fn listed_at(&self, network: Network) -> impl Iterator<Item = Listed<'_>> {
        self.listings.at(network).filter_map(Listed::new)
    }

    /// The listings of `network` and of every network within it, without a copy of them.
    pub(crate) fn listed_within(&self, network: Network) -> impl Iterator<Item = Listed<'_>> {
        self.listings.within(network).filter_map(Listed::new)
    }

    /// The listings of `network` and of every network that covers it, without a copy of them.
    pub(crate) fn listed_covering(&self, network: Network) -> impl Iterator<Item = Listed<'_>> {
        self.listings.covering(network).filter_map(Listed::new)
    }

    /// The networks of the allow entries; one with several entries comes several times.
    pub(crate) fn allowed(&self) -> impl Iterator<Item = Network> {
        self.allow.iter().map(|record| record.network)
    }

    /// Whether there is an allow entry of exactly `network`.
    pub(crate) fn allows(&self, network: Network) -> bool {
        self.allow.at(network).next().is_some()
    }

    /// Whether there is an allow entry that covers `network`.
    pub(crate) fn allows_all_of(&self, network: Network) -> bool {
        self.allow.covering(network).next().is_some()
    }

    fn tree(&self, standing: Standing) -> &Tree {
        match standing {
            Standing::Allowed => &self.allow,
            Standing::Listed(_) => &self.listings,
        }
    }

    fn tree_mut(&mut self, standing: Standing) -> &mut Tree {
        match standing {
            Standing::Allowed => &mut self.allow,
            Standing::Listed(_) => &mut self.listings,
        }
    }

    /// The entry of that key.
    pub(super) fn get(&self, key: &Key) -> Option<&Record> {
        self.tree(key.standing).get(key)
    }

    /// Every listing as it is kept.
    pub(super) fn listing_records(&self) -> impl Iterator<Item = &Record> {
        self.listings.iter()
    }

    /// Every allow entry as it is kept.
    pub(super) fn allow_records(&self) -> impl Iterator<Item = &Record> {
        self.allow.iter()
    }

    /// The keys of the listings of exactly `network`.
    pub(super) fn listing_keys(&self, network: Network) -> impl Iterator<Item = Key> {
        self.listings.at(network).map(Record::key)
    }

    /// The keys of the allow entries of exactly `network`.
    pub(super) fn allow_keys(&self, network: Network) -> impl Iterator<Item = Key> {
        self.allow.at(network).map(Record::key)
    }

    /// The keys of everything that ends by `now`, listings first.
    pub(super) fn due(&self, now: Timestamp) -> Vec<Key> {
        let now = Expiry::new(Some(now));
        let mut due = self.listings.due(now);
        due.append(&mut self.allow.due(now));
        due
    }

    /// Puts an entry in force; gives back the one in whose place it is.
    pub(super) fn put(&mut self, record: Record) -> Option<Record> {
        let (standing, origin) = (record.standing, Arc::clone(&record.origin));
        let old = self.tree_mut(standing).insert(record);
        if old.is_none() {
            let counts = Arc::make_mut(&mut self.counts);
            match standing {
                Standing::Allowed => counts.allow_entries += 1,
                Standing::Listed(reason) => {
                    counts.listings += 1;
                    let kind = (reason, Origin::clone(&origin));
                    *counts.by_kind.entry(kind).or_default() += 1;
                }
            }
        }
        old
    }

    /// Takes the entry of that key out.
    pub(super) fn take(&mut self, key: &Key) -> Option<Record> {
        let record = self.tree_mut(key.standing).remove(key)?;
        let counts = Arc::make_mut(&mut self.counts);
        match key.standing {
            Standing::Allowed => counts.allow_entries -= 1,
            Standing::Listed(reason) => {
                counts.listings -= 1;
                let kind = (reason, Origin::clone(&key.origin));
                if let Entry::Occupied(mut count) = counts.by_kind.entry(kind) {
                    *count.get_mut() -= 1;
                    if *count.get() == 0 {
                        count.remove();
                    }
                }
            }
        }
        Some(record)
    }
}

/// A listing in force, as far as the plan looks at it.
#[derive(Clone, Copy)]
pub(crate) struct Listed<'a> {
    record: &'a Record,
    /// Why it is listed.
    pub(crate) reason: Reason,
}

impl<'a> Listed<'a> {
    fn new(record: &'a Record) -> Option<Self> {
        match record.standing {
            Standing::Listed(reason) => Some(Self { record, reason }),
            Standing::Allowed => None,
        }
    }

    pub(crate) fn network(self) -> Network {
        self.record.network
    }

    pub(crate) fn origin(self) -> &'a Origin {
        &self.record.origin
    }

    pub(crate) fn since(self) -> Timestamp {
        self.record.since()
    }
}
