//! Changes carried out on a copy of the book, before anything is stored: pure.
//!
//! In: a book, changes and the time. Out: the book as it will be, what came of each change, and
//! the [`Edits`] that bring the store to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gate_common::Reason;
use jiff::Timestamp;

use super::{
    change::{Change, EndCause, FeedEntry, NewAllow, NewListing, Outcome, Replaced},
    error::Refusal,
    listing::Origin,
    record::{Expiry, Key, Record, Standing},
    state::Book,
    width::{check_allow_width, check_width},
};
use crate::network::Network;

/// What is to be written, by the number of the entry: its last state, once.
#[derive(Debug, Default)]
pub(super) struct Edits {
    /// New entries, in the order of their numbers, which have no gap.
    pub(super) added: Vec<Record>,
    /// Entries of the store that took a new comment, evidence or expiry.
    pub(super) renewed: BTreeMap<i64, Record>,
    /// Entries that ended, new ones among them.
    pub(super) ended: BTreeMap<i64, EndCause>,
}

/// Origins in use, each once in memory.
#[derive(Debug, Default)]
pub(super) struct Origins(BTreeSet<Arc<Origin>>);

impl Origins {
    /// The shared copy of `origin`.
    pub(super) fn share(&mut self, origin: Origin) -> Arc<Origin> {
        if let Some(shared) = self.0.get(&origin) {
            return Arc::clone(shared);
        }
        let shared = Arc::new(origin);
        self.0.insert(Arc::clone(&shared));
        shared
    }
}

/// A book that is being changed.
pub(super) struct Draft<'a> {
    /// The book with the changes so far.
    pub(super) book: Book,
    /// What the store has to be told.
    pub(super) edits: Edits,
    /// Networks of which an entry came, went or changed, as it happened.
    pub(super) touched: Vec<Network>,
    /// The number of the next new entry.
    pub(super) next_id: i64,
    first_id: i64,
    origins: &'a mut Origins,
    now: Timestamp,
}

impl<'a> Draft<'a> {
    /// Of `book` at `now`, in whole seconds. New entries are numbered from `first_id`.
    pub(super) fn new(book: Book, origins: &'a mut Origins, first_id: i64, now: Timestamp) -> Self {
        Self {
            book,
            edits: Edits::default(),
            touched: Vec::new(),
            next_id: first_id,
            first_id,
            origins,
            now,
        }
    }

    /// Carries one change out.
    pub(super) fn apply(&mut self, change: Change) -> Result<Outcome, Refusal> {
        Ok(match change {
            Change::List(new) => self.list(new)?,
            Change::Unlist {
                network,
                origin,
                reason,
            } => {
                let mut keys: Vec<_> = self.book.listing_keys(network).collect();
                keys.retain(|key| {
                    origin.as_ref().is_none_or(|origin| *key.origin == *origin)
                        && reason.is_none_or(|reason| key.standing == Standing::Listed(reason))
                });
                Outcome::Unlisted(listings(&self.end(&keys, EndCause::Removed)))
            }
            Change::Allow(new) => self.allow(new)?,
            Change::Disallow { network, origin } => {
                let mut keys: Vec<_> = self.book.allow_keys(network).collect();
                keys.retain(|key| origin.as_ref().is_none_or(|origin| *key.origin == *origin));
                Outcome::Disallowed(allow_entries(&self.end(&keys, EndCause::Removed)))
            }
            Change::Feed { name, entries } => self.feed(name, entries)?,
            Change::Configure { allow } => self.configure(allow)?,
            Change::Expire => {
                let due = self.book.due(self.now);
                let ended = self.end(&due, EndCause::Expired);
                Outcome::Expired {
                    listings: listings(&ended),
                    allow_entries: allow_entries(&ended),
                }
            }
            Change::Flush => {
                let keys: Vec<_> = self.book.listing_records().map(Record::key).collect();
                Outcome::Flushed(self.end(&keys, EndCause::Flushed).len())
            }
        })
    }

    fn list(&mut self, new: NewListing) -> Result<Outcome, Refusal> {
        if !new.force {
            check_width(new.network)?;
        }
        let key = Key {
            network: new.network,
            standing: Standing::Listed(new.reason),
            origin: self.origins.share(new.origin),
        };
        let expires = self.expiry(new.network, new.expires)?;
        let (record, is_new) = self.put(key, new.comment, new.evidence, expires);
        let listing = record.listing().expect("its standing is a reason");
        Ok(if is_new {
            Outcome::Listed(listing)
        } else {
            Outcome::Renewed(listing)
        })
    }

    fn allow(&mut self, new: NewAllow) -> Result<Outcome, Refusal> {
        if !new.force {
            check_allow_width(new.network)?;
        }
        let key = Key {
            network: new.network,
            standing: Standing::Allowed,
            origin: self.origins.share(new.origin),
        };
        let expires = self.expiry(new.network, new.expires)?;
        let (record, is_new) = self.put(key, new.comment, None, expires);
        let entry = record.allow_entry().expect("its standing is allowed");
        Ok(if is_new {
            Outcome::Allowed(entry)
        } else {
            Outcome::AllowRenewed(entry)
        })
    }

    fn feed(&mut self, name: Arc<str>, entries: Vec<FeedEntry>) -> Result<Outcome, Refusal> {
        for entry in &entries {
            check_width(entry.network)?;
        }
        let origin = self.origins.share(Origin::Feed(name));
        let before = self.book.clone();
        let old = before
            .listing_records()
            .filter(|record| *record.origin == *origin);
        let standing = Standing::Listed(Reason::Feed);
        let replaced = self.replace(old, entries, standing, &origin, EndCause::Feed);
        Ok(Outcome::Replaced(replaced))
    }

    fn configure(&mut self, allow: Vec<Network>) -> Result<Outcome, Refusal> {
        for &network in &allow {
            check_allow_width(network)?;
        }
        let entries = allow.into_iter().map(|network| FeedEntry {
            network,
            evidence: None,
        });
        let origin = self.origins.share(Origin::Config);
        let before = self.book.clone();
        let old = before
            .allow_records()
            .filter(|record| *record.origin == *origin);
        let (entries, standing) = (entries.collect(), Standing::Allowed);
        let replaced = self.replace(old, entries, standing, &origin, EndCause::Config);
        Ok(Outcome::Replaced(replaced))
    }

    /// Makes `entries` all that `origin` has. `old` is what it has now, sorted by network.
    fn replace<'r>(
        &mut self,
        old: impl Iterator<Item = &'r Record>,
        mut entries: Vec<FeedEntry>,
        standing: Standing,
        origin: &Arc<Origin>,
        cause: EndCause,
    ) -> Replaced {
        // Stable, and the last of equals is looked at first: it is the one that counts.
        entries.reverse();
        entries.sort_by_key(|entry| entry.network);
        entries.dedup_by_key(|entry| entry.network);

        let mut replaced = Replaced::default();
        let mut gone = Vec::new();
        let mut old = old.peekable();
        for entry in entries {
            while let Some(record) = old.next_if(|record| record.network < entry.network) {
                gone.push(record.key());
            }
            let mut same = None;
            while let Some(record) = old.next_if(|record| record.network == entry.network) {
                if record.standing == standing {
                    same = Some(record);
                } else {
                    gone.push(record.key());
                }
            }
            match same {
                Some(record) if record.evidence == entry.evidence => replaced.kept += 1,
                Some(record) => {
                    replaced.changed += 1;
                    let mut record = record.clone();
                    record.evidence = entry.evidence;
                    self.renew(record);
                }
                None => {
                    replaced.added += 1;
                    let key = Key {
                        network: entry.network,
                        standing,
                        origin: Arc::clone(origin),
                    };
                    self.put(key, None, entry.evidence, Expiry::NEVER);
                }
            }
        }
        gone.extend(old.map(Record::key));
        replaced.ended = self.end(&gone, cause).len();
        replaced
    }

    /// Puts an entry in force, or renews the one there is; tells it, and whether it is new.
    fn put(
        &mut self,
        key: Key,
        comment: Option<Arc<str>>,
        evidence: Option<Arc<str>>,
        expires: Expiry,
    ) -> (Record, bool) {
        let old = self.book.get(&key).cloned();
        let is_new = old.is_none();
        let mut record = old.unwrap_or_else(|| Record::new(self.next_id, key, self.now));
        record.comment = comment.or(record.comment);
        record.evidence = evidence.or(record.evidence);
        record.expires = expires;
        if is_new {
            self.next_id += 1;
            self.touched.push(record.network);
            self.book.put(record.clone());
            self.edits.added.push(record.clone());
        } else {
            self.renew(record.clone());
        }
        (record, is_new)
    }

    /// Puts an entry in the place of its older self.
    fn renew(&mut self, record: Record) {
        self.touched.push(record.network);
        self.book.put(record.clone());
        match usize::try_from(record.id - self.first_id) {
            Ok(at) => self.edits.added[at] = record,
            Err(_) => drop(self.edits.renewed.insert(record.id, record)),
        }
    }

    /// Ends the entries of those keys; gives back what they were.
    fn end(&mut self, keys: &[Key], cause: EndCause) -> Vec<Record> {
        let mut ended = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(record) = self.book.take(key) else {
                continue;
            };
            self.touched.push(record.network);
            self.edits.ended.insert(record.id, cause);
            ended.push(record);
        }
        ended
    }

    /// The end of an entry: no earlier than asked for, and after now.
    fn expiry(&self, network: Network, at: Option<Timestamp>) -> Result<Expiry, Refusal> {
        let Some(at) = at else {
            return Ok(Expiry::NEVER);
        };
        let expires = second_up(at);
        if expires > self.now {
            Ok(Expiry::new(Some(expires)))
        } else {
            Err(Refusal::Past {
                network,
                expires: at,
            })
        }
    }
}

/// The whole second that `at` is, or the next.
fn second_up(at: Timestamp) -> Timestamp {
    let second = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

fn listings(records: &[Record]) -> Vec<super::Listing> {
    records.iter().filter_map(Record::listing).collect()
}

fn allow_entries(records: &[Record]) -> Vec<super::AllowEntry> {
    records.iter().filter_map(Record::allow_entry).collect()
}
