//! How a change turns one roster into the next. Pure.

use std::sync::Arc;

use jiff::Timestamp;

use super::entry::{Entry, Roster, Rule};
use crate::{
    book::{EndCause, MAX_COMMENT, Origin},
    clock::second_up,
};

/// A change of a roster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change<R> {
    /// Put a rule in force. One that is in force already, of the same origin, is renewed: it takes
    /// the new expiry, and the new comment where there is one; its `since` stays.
    Put(NewEntry<R>),
    /// End those that have these numbers; one that is not in force is passed over.
    End(Vec<i64>),
    /// End everything that is due.
    Expire,
}

/// A rule to be put in force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewEntry<R> {
    /// The rule.
    pub rule: R,
    /// By whom.
    pub origin: Origin,
    /// The operator's words.
    pub comment: Option<Arc<str>>,
    /// When it ends by itself, `None` for never; part of a second counts as a whole one.
    pub expires: Option<Timestamp>,
}

/// What came of a [`Change`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome<R> {
    /// The rule was not in force before.
    Added(Entry<R>),
    /// The rule was in force, and is as it stands now.
    Renewed(Entry<R>),
    /// What ended, and why; none if there was nothing to end.
    Ended(Vec<Entry<R>>, EndCause),
}

/// Why a change is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A comment that is too long to be shown.
    #[error("the comment on {rule} is {length} bytes long: {MAX_COMMENT} are the most")]
    LongComment {
        /// The rule.
        rule: String,
        /// Bytes.
        length: usize,
    },
    /// A rule that would end before it begins.
    #[error("{rule} would expire at {expires}, which is past: give a time to come, or none")]
    Past {
        /// The rule.
        rule: String,
        /// When it would end.
        expires: Timestamp,
    },
}

/// Carries `change` out at `now`, a whole second. A new entry gets the number `id`.
pub(super) fn draft<R: Rule>(
    roster: &Roster<R>,
    id: i64,
    change: Change<R>,
    now: Timestamp,
) -> Result<(Roster<R>, Outcome<R>), Refusal> {
    let outcome = match change {
        Change::Put(new) => put(roster, id, new, now)?,
        Change::End(ids) => {
            let meant = roster.iter().filter(|entry| ids.contains(&entry.id));
            Outcome::Ended(meant.cloned().collect(), EndCause::Removed)
        }
        Change::Expire => {
            let due = |entry: &&Entry<R>| entry.expires.is_some_and(|at| at <= now);
            let due = roster.iter().filter(due);
            Outcome::Ended(due.cloned().collect(), EndCause::Expired)
        }
    };
    let next = match &outcome {
        Outcome::Added(entry) | Outcome::Renewed(entry) => roster.with(entry.clone()),
        Outcome::Ended(ended, _) if ended.is_empty() => roster.clone(),
        Outcome::Ended(ended, _) => roster.without(ended),
    };
    Ok((next, outcome))
}

fn put<R: Rule>(
    roster: &Roster<R>,
    id: i64,
    new: NewEntry<R>,
    now: Timestamp,
) -> Result<Outcome<R>, Refusal> {
    let length = new.comment.as_ref().map_or(0, |comment| comment.len());
    if length > MAX_COMMENT {
        let rule = new.rule.to_string();
        return Err(Refusal::LongComment { rule, length });
    }
    let expires = new.expires.map(second_up);
    if let Some(expires) = expires
        && expires <= now
    {
        let rule = new.rule.to_string();
        return Err(Refusal::Past { rule, expires });
    }
    Ok(match roster.get(&new.rule, &new.origin) {
        Some(old) => Outcome::Renewed(Entry {
            comment: new.comment.or_else(|| old.comment.clone()),
            expires,
            ..old.clone()
        }),
        None => Outcome::Added(Entry {
            id,
            rule: new.rule,
            origin: new.origin,
            comment: new.comment,
            since: now,
            expires,
        }),
    })
}
