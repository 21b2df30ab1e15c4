//! What operators ask of the book: to list and to allow, to end both, and what was. Changes are the
//! writer's; what is told is of the book that it has made.

use std::{cmp::Reverse, sync::Arc};

use super::{
    answer,
    handle::{self, Handle, end},
    request::Changed,
};
use crate::{
    book::{BookError, Change, NewAllow, NewListing, Origin, Outcome, Scope},
    control::{
        Caller, ServiceError,
        api::{
            Allow, Allowed, Block, Blocked, Disallow, Disallowed, Flushed, History, Import,
            Imported, Latest, LatestQuery, Unblock, Unblocked,
        },
    },
    network::Network,
    plan,
};

/// The most entries that are told of as the latest.
const MAX_LATEST: u32 = 1000;

/// Lists a network; who is in it and passes all the same is told.
pub(super) async fn block(
    handle: &Handle,
    request: Block,
    by: &Caller,
) -> Result<Blocked, ServiceError> {
    let listing = NewListing {
        network: request.network,
        reason: request.reason,
        origin: Origin::Operator,
        comment: request.comment.map(Into::into),
        evidence: None,
        expires: end(request.duration)?,
        force: request.force,
    };
    let Changed { applied, book } = handle.change(vec![Change::List(listing)], by).await?;
    let (listing, renewed) = match applied.outcomes.into_iter().next() {
        Some(Outcome::Listed(listing)) => (listing, false),
        Some(Outcome::Renewed(listing)) => (listing, true),
        other => return unexpected(other.as_ref()),
    };
    let view = handle.view();
    Ok(Blocked {
        enforcement: view.rules.enforcement(listing.reason),
        exceptions: answer::exceptions(plan::exempt(&book, &view.rules, listing.network)),
        listing: listing.into(),
        renewed,
    })
}

/// Ends what lists a network, but for feeds; what still covers it is told.
pub(super) async fn unblock(
    handle: &Handle,
    request: Unblock,
    by: &Caller,
) -> Result<Unblocked, ServiceError> {
    let network = request.network;
    let view = handle.view();
    let mut origins: Vec<Origin> = view
        .book
        .at(network)
        .map(|listing| listing.origin)
        .filter(|origin| !matches!(origin, Origin::Feed(_)))
        .collect();
    origins.sort();
    origins.dedup();
    if origins.is_empty() && view.book.covering(network).next().is_none() {
        return Err(ServiceError::NotFound(format!("nothing lists {network}")));
    }
    let changes = origins
        .into_iter()
        .map(|origin| Change::Unlist {
            network,
            origin: Some(origin),
            reason: None,
        })
        .collect();
    let Changed { applied, book } = handle.change(changes, by).await?;
    let ended = applied
        .outcomes
        .into_iter()
        .flat_map(|outcome| match outcome {
            Outcome::Unlisted(listings) => listings,
            _ => Vec::new(),
        });
    Ok(Unblocked {
        ended: ended.map(Into::into).collect(),
        remaining: book.covering(network).map(Into::into).collect(),
    })
}

/// Lets a network pass; what lists it all the same is told.
pub(super) async fn allow(
    handle: &Handle,
    request: Allow,
    by: &Caller,
) -> Result<Allowed, ServiceError> {
    let entry = NewAllow {
        network: request.network,
        origin: Origin::Operator,
        comment: request.comment.map(Into::into),
        expires: end(request.duration)?,
        force: request.force,
    };
    let Changed { applied, book } = handle.change(vec![Change::Allow(entry)], by).await?;
    let (entry, renewed) = match applied.outcomes.into_iter().next() {
        Some(Outcome::Allowed(entry)) => (entry, false),
        Some(Outcome::AllowRenewed(entry)) => (entry, true),
        other => return unexpected(other.as_ref()),
    };
    Ok(Allowed {
        overrides: answer::overridden(&book, entry.network),
        entry: entry.into(),
        renewed,
    })
}

/// Ends an operator's allow entry; what still covers the network is told.
pub(super) async fn disallow(
    handle: &Handle,
    request: Disallow,
    by: &Caller,
) -> Result<Disallowed, ServiceError> {
    let network = request.network;
    if handle.view().book.allow_covering(network).next().is_none() {
        return Err(ServiceError::NotFound(format!("nothing allows {network}")));
    }
    let change = Change::Disallow {
        network,
        origin: Some(Origin::Operator),
    };
    let Changed { applied, book } = handle.change(vec![change], by).await?;
    match applied.outcomes.into_iter().next() {
        Some(Outcome::Disallowed(entries)) => Ok(Disallowed {
            ended: entries.into_iter().map(Into::into).collect(),
            remaining: book.allow_covering(network).map(Into::into).collect(),
        }),
        other => unexpected(other.as_ref()),
    }
}

/// Every entry of a network, of those that cover it and of those in it, the latest first.
pub(super) async fn history(
    handle: &Handle,
    network: Network,
    limit: usize,
) -> Result<History, ServiceError> {
    let history = handle.view().history.clone();
    let limit = handle::limit(u32::try_from(limit).unwrap_or(u32::MAX));
    let internal = |error: BookError| ServiceError::Internal(error.to_string());
    let mut entries = history
        .find(network, Scope::Covering, limit)
        .await
        .map_err(internal)?;
    let within = history
        .find(network, Scope::Within, limit)
        .await
        .map_err(internal)?;
    entries.extend(within.into_iter().filter(|entry| entry.network != network));
    entries.sort_by_key(|entry| Reverse((entry.since, entry.id)));
    entries.truncate(limit as usize);
    Ok(History {
        network,
        entries: entries.into_iter().map(Into::into).collect(),
    })
}

/// The entries that began last.
pub(super) async fn latest(handle: &Handle, query: LatestQuery) -> Result<Latest, ServiceError> {
    let history = handle.view().history.clone();
    let entries = history.latest(query.limit.min(MAX_LATEST)).await;
    let entries = entries.map_err(|error| ServiceError::Internal(error.to_string()))?;
    Ok(Latest {
        entries: entries.into_iter().map(Into::into).collect(),
    })
}

/// Lists many networks at once.
pub(super) async fn import(
    handle: &Handle,
    request: Import,
    by: &Caller,
) -> Result<Imported, ServiceError> {
    let expires = end(request.duration)?;
    let comment: Option<Arc<str>> = request.comment.map(Into::into);
    let changes = request
        .networks
        .into_iter()
        .map(|entry| {
            Change::List(NewListing {
                network: entry.network,
                reason: request.reason,
                origin: Origin::Operator,
                comment: comment.clone(),
                evidence: entry.evidence.map(Into::into),
                expires,
                force: request.force,
            })
        })
        .collect();
    let Changed { applied, book } = handle.change(changes, by).await?;
    let rules = Arc::clone(&handle.view().rules);
    let mut imported = Imported {
        added: 0,
        renewed: 0,
        not_planned: 0,
    };
    for outcome in &applied.outcomes {
        let listing = match outcome {
            Outcome::Listed(listing) => {
                imported.added += 1;
                listing
            }
            Outcome::Renewed(listing) => {
                imported.renewed += 1;
                listing
            }
            _ => continue,
        };
        if !plan::exempt(&book, &rules, listing.network)
            .whole
            .is_empty()
        {
            imported.not_planned += 1;
        }
    }
    Ok(imported)
}

/// Ends every listing.
pub(super) async fn flush(handle: &Handle, by: &Caller) -> Result<Flushed, ServiceError> {
    let Changed { applied, .. } = handle.change(vec![Change::Flush], by).await?;
    match applied.outcomes.into_iter().next() {
        Some(Outcome::Flushed(ended)) => Ok(Flushed {
            ended: ended as u64,
        }),
        other => unexpected(other.as_ref()),
    }
}

/// What cannot happen as long as the ledger gives one outcome of the right kind for each change.
fn unexpected<T>(outcome: Option<&Outcome>) -> Result<T, ServiceError> {
    Err(ServiceError::Internal(format!(
        "the book answered another question: {outcome:?}"
    )))
}
