//! What the log tells of changes that somebody asked for: one line each, however much one is about.
//!
//! In: what came of a change, once it is stored. What feeds, the configuration and the clock change
//! has lines of its own, or none.

use crate::{
    book::{EndCause, Outcome, Standing},
    names::NameRule,
    overrides::OverrideRule,
    roster,
};

/// Tells of a change of the book.
pub(super) fn book(outcomes: &[Outcome], by: &str) {
    let is_listed = |is: &&Outcome| matches!(is, Outcome::Listed(_) | Outcome::Renewed(_));
    match outcomes {
        [outcome] => one(outcome, by),
        _ => match outcomes.iter().filter(is_listed).count() {
            0 => {}
            count => tracing::info!(count, by, "imported networks"),
        },
    }
    let ended = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Unlisted(ended) => Some(ended),
        _ => None,
    });
    let ended: Vec<_> = ended.flatten().collect();
    // All of one network, of one origin or several.
    if let [first, ..] = ended[..] {
        let network = first.network;
        tracing::info!(%network, count = ended.len(), by, "unlisted network");
    }
}

fn one(outcome: &Outcome, by: &str) {
    match outcome {
        Outcome::Listed(listing) | Outcome::Renewed(listing) => {
            let (network, reason) = (listing.network, listing.reason.code());
            tracing::info!(%network, reason, by, "listed network");
        }
        Outcome::Allowed(entry) | Outcome::AllowRenewed(entry) => {
            tracing::info!(network = %entry.network, by, "allowed network");
        }
        Outcome::Disallowed(ended) => {
            if let [first, ..] = &ended[..] {
                tracing::info!(network = %first.network, by, "disallowed network");
            }
        }
        Outcome::Flushed(count) => tracing::info!(count, by, "flushed listings"),
        Outcome::Unlisted(_) | Outcome::Replaced(_) | Outcome::Expired { .. } => {}
    }
}

/// Tells of a change of the name-based list.
pub(super) fn names(outcome: &roster::Outcome<NameRule>, by: &str) {
    match outcome {
        roster::Outcome::Added(entry) | roster::Outcome::Renewed(entry) => {
            let pattern = entry.rule.pattern.to_string();
            match entry.rule.standing {
                Standing::Listed(reason) => {
                    tracing::info!(pattern, reason = reason.code(), by, "blocked name");
                }
                Standing::Allowed => tracing::info!(pattern, by, "allowed name"),
            }
        }
        roster::Outcome::Ended(ended, EndCause::Removed) => {
            if let [first, ..] = &ended[..] {
                let pattern = first.rule.pattern.to_string();
                tracing::info!(pattern, by, "removed name");
            }
        }
        roster::Outcome::Ended(..) => {}
    }
}

/// Tells of a change of the overrides of DNSBLs.
pub(super) fn overrides(outcome: &roster::Outcome<OverrideRule>, by: &str) {
    match outcome {
        roster::Outcome::Added(entry) | roster::Outcome::Renewed(entry) => {
            let OverrideRule { network, list } = &entry.rule;
            let list = list.as_ref().map(ToString::to_string);
            tracing::info!(%network, list, by, "set override");
        }
        roster::Outcome::Ended(ended, EndCause::Removed) => {
            if let [first, ..] = &ended[..] {
                let network = first.rule.network;
                tracing::info!(%network, count = ended.len(), by, "removed override");
            }
        }
        roster::Outcome::Ended(..) => {}
    }
}
