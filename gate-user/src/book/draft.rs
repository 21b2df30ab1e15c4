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
    change::{Applied, Change, EndCause, FeedEntry, NewAllow, NewListing, Outcome, Replaced},
    error::Refusal,
    listing::Origin,
    record::{Expiry, Key, Record, Standing},
    state::Book,
    width::{check_allow_width, check_comment, check_width},
};
use crate::{clock::second_up, network::Network};

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

/// What the book will be, once the edits are stored.
#[derive(Debug)]
pub(super) struct Drafted {
    /// The book with all changes.
    pub(super) book: Book,
    /// What the store has to be told.
    pub(super) edits: Edits,
    /// What came of the changes.
    pub(super) applied: Applied,
    /// The number of the next new entry.
    pub(super) next_id: i64,
}

/// Carries `changes` out on `book` at `now`, a whole second. New entries are numbered from
/// `first_id`.
pub(super) fn draft(
    book: Book,
    origins: &mut Origins,
    first_id: i64,
    changes: Vec<Change>,
    now: Timestamp,
) -> Result<Drafted, Refusal> {
    let mut draft = Draft {
        book,
        edits: Edits::default(),
        touched: Vec::new(),
        next_id: first_id,
        first_id,
        origins,
        now,
    };
    let outcomes = changes
        .into_iter()
        .map(|change| draft.apply(change))
        .collect::<Result<_, _>>()?;
    let mut touched = draft.touched;
    touched.sort_unstable();
    touched.dedup();
    Ok(Drafted {
        book: draft.book,
        edits: draft.edits,
        applied: Applied { outcomes, touched },
        next_id: draft.next_id,
    })
}

/// A book that is being changed.
struct Draft<'a> {
    book: Book,
    edits: Edits,
    /// As it happens: in any order, and more than once.
    touched: Vec<Network>,
    next_id: i64,
    first_id: i64,
    origins: &'a mut Origins,
    now: Timestamp,
}

impl Draft<'_> {
    fn apply(&mut self, change: Change) -> Result<Outcome, Refusal> {
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
        check_comment(new.network, new.comment.as_deref())?;
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
        check_comment(new.network, new.comment.as_deref())?;
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

fn listings(records: &[Record]) -> Vec<super::Listing> {
    records.iter().filter_map(Record::listing).collect()
}

fn allow_entries(records: &[Record]) -> Vec<super::AllowEntry> {
    records.iter().filter_map(Record::allow_entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::testing::{Sandbox, allowance, at, feed, listing, net};

    fn unlist(network: &str, origin: Option<Origin>, reason: Option<Reason>) -> Change {
        Change::Unlist {
            network: net(network),
            origin,
            reason,
        }
    }

    /// Applies one change that must succeed.
    fn apply(sandbox: &mut Sandbox, change: Change, now: i64) -> Outcome {
        let mut applied = sandbox.apply(vec![change], now).unwrap();
        applied.outcomes.pop().unwrap()
    }

    fn networks(sandbox: &Sandbox) -> Vec<String> {
        let listings = sandbox.book.listings();
        listings
            .map(|listing| listing.network.to_string())
            .collect()
    }

    #[test]
    fn a_listing_says_all_that_was_said() {
        let mut sandbox = Sandbox::default();
        let new = NewListing {
            comment: Some("why".into()),
            evidence: Some("score 12".into()),
            expires: Some(at(20)),
            ..listing("192.0.2.0/24")
        };
        let outcome = apply(&mut sandbox, Change::List(new), 10);
        let expected = super::super::Listing {
            id: super::super::ListingId(1),
            network: net("192.0.2.0/24"),
            reason: Reason::Manual,
            origin: Origin::Operator,
            comment: Some("why".into()),
            evidence: Some("score 12".into()),
            since: at(10),
            expires: Some(at(20)),
        };
        assert_eq!(outcome, Outcome::Listed(expected.clone()));
        assert_eq!(sandbox.book.listings().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn a_renewal_keeps_since_and_what_it_does_not_replace() {
        let mut sandbox = Sandbox::default();
        let new = NewListing {
            comment: Some("why".into()),
            expires: Some(at(20)),
            ..listing("192.0.2.0/24")
        };
        apply(&mut sandbox, Change::List(new), 10);
        let again = NewListing {
            evidence: Some("seen".into()),
            ..listing("192.0.2.0/24")
        };
        let Outcome::Renewed(renewed) = apply(&mut sandbox, Change::List(again), 15) else {
            panic!("not renewed");
        };
        assert_eq!(renewed.since, at(10));
        assert_eq!(renewed.expires, None);
        assert_eq!(renewed.comment.as_deref(), Some("why"));
        assert_eq!(renewed.evidence.as_deref(), Some("seen"));
        assert_eq!(sandbox.book.counts().listings, 1);
    }

    #[test]
    fn reasons_and_origins_stand_side_by_side() {
        let mut sandbox = Sandbox::default();
        let other_reason = NewListing {
            reason: Reason::Dnsbl,
            ..listing("192.0.2.0/24")
        };
        let other_origin = NewListing {
            origin: Origin::Limits,
            ..listing("192.0.2.0/24")
        };
        let changes = [listing("192.0.2.0/24"), other_reason, other_origin].map(Change::List);
        let applied = sandbox.apply(changes.into(), 10).unwrap();
        assert_eq!(applied.touched, [net("192.0.2.0/24")]);
        assert_eq!(sandbox.book.at(net("192.0.2.0/24")).count(), 3);
        let counts = sandbox.book.counts();
        assert_eq!(counts.of_reason(Reason::Manual), 2);
        assert_eq!(counts.of_origin(&Origin::Operator), 2);

        for (change, ended) in [
            (unlist("192.0.2.0/25", None, None), 0),
            (
                unlist("192.0.2.0/24", Some(Origin::Limits), Some(Reason::Dnsbl)),
                0,
            ),
            (unlist("192.0.2.0/24", Some(Origin::Limits), None), 1),
            (unlist("192.0.2.0/24", None, Some(Reason::Dnsbl)), 1),
            (unlist("192.0.2.0/24", None, None), 1),
            (unlist("192.0.2.0/24", None, None), 0),
        ] {
            let text = format!("{change:?}");
            let Outcome::Unlisted(listings) = apply(&mut sandbox, change, 11) else {
                panic!("{text}");
            };
            assert_eq!(listings.len(), ended, "{text}");
        }
        assert_eq!(*sandbox.book.counts(), super::super::Counts::default());
    }

    #[test]
    fn an_allow_entry_comes_and_goes() {
        let mut sandbox = Sandbox::default();
        let first = apply(&mut sandbox, Change::Allow(allowance("192.0.2.7")), 10);
        assert!(matches!(first, Outcome::Allowed(entry) if entry.since == at(10)));
        let again = apply(&mut sandbox, Change::Allow(allowance("192.0.2.7")), 20);
        assert!(matches!(again, Outcome::AllowRenewed(entry) if entry.since == at(10)));
        let disallow = |origin| Change::Disallow {
            network: net("192.0.2.7"),
            origin,
        };
        for (origin, ended) in [(Some(Origin::Config), 0), (None, 1), (None, 0)] {
            let outcome = apply(&mut sandbox, disallow(origin), 30);
            assert!(matches!(outcome, Outcome::Disallowed(entries) if entries.len() == ended));
        }
    }

    #[test]
    fn a_feed_is_replaced_by_its_difference() {
        let mut sandbox = Sandbox::default();
        apply(&mut sandbox, Change::List(listing("192.0.2.0/24")), 10);
        apply(&mut sandbox, feed("other", &[("192.0.2.0/24", "")]), 10);
        let first = [
            ("198.51.100.0/24", "A"),
            ("192.0.2.0/24", "B"),
            ("203.0.113.0/24", "C"),
        ];
        apply(&mut sandbox, feed("drop", &first), 10);
        let next = feed(
            "drop",
            &[
                ("203.0.113.0/24", "overruled"),
                ("2001:db8::/32", "D"),
                ("192.0.2.0/24", "B"),
                ("203.0.113.0/24", "C2"),
            ],
        );
        let applied = sandbox.apply(vec![next.clone()], 20).unwrap();
        let expected = Replaced {
            added: 1,
            changed: 1,
            kept: 1,
            ended: 1,
        };
        assert_eq!(applied.outcomes, [Outcome::Replaced(expected)]);
        let touched = ["198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"].map(net);
        assert_eq!(applied.touched, touched);
        let changed = sandbox.book.at(net("203.0.113.0/24")).next().unwrap();
        assert_eq!(changed.since, at(10), "since is kept");
        assert_eq!(changed.evidence.as_deref(), Some("C2"));
        assert_eq!(sandbox.book.at(net("192.0.2.0/24")).count(), 3);

        let same = apply(&mut sandbox, next, 30);
        let kept = Replaced {
            kept: 3,
            ..Replaced::default()
        };
        assert_eq!(same, Outcome::Replaced(kept));
        apply(&mut sandbox, feed("drop", &[]), 40);
        assert_eq!(networks(&sandbox), ["192.0.2.0/24", "192.0.2.0/24"]);
    }

    #[test]
    fn the_configuration_owns_its_allow_entries() {
        let mut sandbox = Sandbox::default();
        apply(&mut sandbox, Change::Allow(allowance("192.0.2.1")), 10);
        for (allow, expected) in [
            (vec!["192.0.2.1", "192.0.2.2"], 3),
            (vec!["192.0.2.2", "192.0.2.2"], 2),
            (vec![], 1),
        ] {
            let allow = allow.into_iter().map(net).collect();
            apply(&mut sandbox, Change::Configure { allow }, 20);
            assert_eq!(sandbox.book.counts().allow_entries, expected);
        }
    }

    #[test]
    fn what_is_due_ends() {
        let mut sandbox = Sandbox::default();
        for (network, expires) in [("192.0.2.1", 20), ("192.0.2.2", 21), ("192.0.2.3", 20)] {
            let expires = Some(at(expires));
            let new = NewListing {
                expires,
                ..listing(network)
            };
            apply(&mut sandbox, Change::List(new), 10);
        }
        let allow = NewAllow {
            expires: Some(at(19)),
            ..allowance("192.0.2.9")
        };
        apply(&mut sandbox, Change::Allow(allow), 10);
        apply(&mut sandbox, Change::List(listing("192.0.2.4")), 10);
        for (now, due, then) in [
            (18, (0, 0), Some(19)),
            (19, (0, 1), Some(20)),
            (20, (2, 0), Some(21)),
            (99, (1, 0), None),
        ] {
            let outcome = apply(&mut sandbox, Change::Expire, now);
            let Outcome::Expired {
                listings,
                allow_entries,
            } = outcome
            else {
                panic!("{outcome:?}");
            };
            assert_eq!((listings.len(), allow_entries.len()), due, "at {now}");
            assert_eq!(sandbox.book.next_expiry(), then.map(at), "at {now}");
        }
        assert_eq!(networks(&sandbox), ["192.0.2.4/32"]);
    }

    #[test]
    fn part_of_a_second_counts_as_a_whole_one() {
        let mut sandbox = Sandbox::default();
        let expires = Some(Timestamp::new(11, 1).unwrap());
        let new = NewListing {
            expires,
            ..listing("192.0.2.1")
        };
        apply(&mut sandbox, Change::List(new), 11);
        assert_eq!(sandbox.book.next_expiry(), Some(at(12)));
    }

    #[test]
    fn a_flush_ends_listings_alone() {
        let mut sandbox = Sandbox::default();
        apply(&mut sandbox, Change::Allow(allowance("192.0.2.9")), 10);
        apply(
            &mut sandbox,
            feed("drop", &[("192.0.2.0/24", ""), ("192.0.2.0/25", "")]),
            10,
        );
        assert_eq!(apply(&mut sandbox, Change::Flush, 11), Outcome::Flushed(2));
        assert_eq!(networks(&sandbox), [""; 0]);
        assert_eq!(sandbox.book.counts().allow_entries, 1);
    }

    #[test]
    fn what_is_refused() {
        let forced = |mut new: NewListing| {
            new.force = true;
            Change::List(new)
        };
        let past = NewListing {
            expires: Some(at(10)),
            ..listing("192.0.2.1")
        };
        let forced_allow = NewAllow {
            force: true,
            ..allowance("::/0")
        };
        for (change, taken) in [
            (Change::List(listing("10.0.0.0/8")), true),
            (Change::List(listing("10.0.0.0/7")), false),
            (forced(listing("10.0.0.0/7")), true),
            (forced(listing("0.0.0.0/0")), true),
            (Change::List(listing("2000::/15")), false),
            (forced(listing("2000::/15")), true),
            (forced(past), false),
            (
                feed("drop", &[("192.0.2.0/24", ""), ("10.0.0.0/7", "")]),
                false,
            ),
            (Change::Allow(allowance("0.0.0.0/1")), true),
            (Change::Allow(allowance("::/0")), false),
            (Change::Allow(forced_allow), true),
            (
                Change::Configure {
                    allow: vec![net("::/0")],
                },
                false,
            ),
        ] {
            let mut sandbox = Sandbox::default();
            let text = format!("{change:?}");
            let result = sandbox.apply(vec![Change::List(listing("192.0.2.5")), change], 10);
            assert_eq!(result.is_ok(), taken, "{text}");
            // All or nothing.
            assert_eq!(networks(&sandbox).is_empty(), !taken, "{text}");
        }
    }
}
