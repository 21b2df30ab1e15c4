//! From what operators said beside the book, of names and of DNSBLs, to what is said of it.

use super::{NameEntry, Override, PastName, PastOverride, Term};
use crate::{book::Standing, names, overrides, roster::Past};

impl From<&names::NameEntry> for NameEntry {
    fn from(entry: &names::NameEntry) -> Self {
        Self {
            id: entry.id,
            pattern: entry.rule.pattern.clone(),
            allow: entry.rule.standing == Standing::Allowed,
            reason: entry.reason(),
            origin: entry.origin.clone(),
            since: entry.since,
            expires: entry.expires,
            comment: entry.comment.as_deref().map(str::to_owned),
        }
    }
}

impl From<Past<names::NameRule>> for PastName {
    fn from(past: Past<names::NameRule>) -> Self {
        let entry = NameEntry::from(&past.entry);
        let times = (entry.since, entry.expires);
        Self {
            pattern: entry.pattern,
            allow: entry.allow,
            reason: entry.reason,
            origin: entry.origin,
            term: Term::new(times, past.added_by, past.renewed, past.end),
            comment: entry.comment,
        }
    }
}

impl From<&overrides::Override> for Override {
    fn from(entry: &overrides::Override) -> Self {
        Self {
            id: entry.id,
            network: entry.rule.network,
            list: entry.rule.list.clone(),
            origin: entry.origin.clone(),
            since: entry.since,
            expires: entry.expires,
            comment: entry.comment.as_deref().map(str::to_owned),
        }
    }
}

impl From<Past<overrides::OverrideRule>> for PastOverride {
    fn from(past: Past<overrides::OverrideRule>) -> Self {
        let entry = Override::from(&past.entry);
        let times = (entry.since, entry.expires);
        Self {
            network: entry.network,
            list: entry.list,
            origin: entry.origin,
            term: Term::new(times, past.added_by, past.renewed, past.end),
            comment: entry.comment,
        }
    }
}
