//! Replay: what a log of evidence would have listed, told over time, on a book of its own.

use std::cmp::Ordering;

use gate_common::Reason;
use jiff::Timestamp;

use super::{engine, model::Evidence};
use crate::{
    book::{Book, BookError, Change, Ledger, Listing},
    config::Config,
    network::Network,
    plan::Rules,
};

/// A listing that began or ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What is listed.
    pub network: Network,
    /// Why.
    pub reason: Reason,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a listing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum EventKind {
    /// It began.
    Listed {
        /// What it rests on.
        evidence: String,
        /// When it is to end.
        expires: Option<Timestamp>,
    },
    /// It ends later than it was to end.
    Extended {
        /// When it is to end now.
        expires: Option<Timestamp>,
    },
    /// It ended.
    Ended,
}

/// What came of a replay.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Replayed {
    /// Listings that began and ended, in the order of time.
    pub events: Vec<Event>,
    /// Records that counted.
    pub taken: usize,
    /// Records that were there twice.
    pub repeated: usize,
    /// Records that were not fit.
    pub refused: usize,
}

/// Takes `records` in on the book of `ledger`, each at its own time, under `config`. The book is
/// to be empty, and nobody else's.
///
/// # Errors
/// If the database fails.
pub async fn replay(
    ledger: &mut Ledger,
    mut records: Vec<Evidence>,
    config: &Config,
) -> Result<Replayed, BookError> {
    records.sort_by_key(Evidence::at);
    let mut replayed = Replayed::default();
    for batch in records.chunk_by(|one, other| one.at() == other.at()) {
        let now = batch[0].at();
        while let Some(due) = ledger.next_expiry().filter(|due| *due <= now) {
            let before = ledger.book().clone();
            let mut work = ledger.begin(due).await?;
            work.apply(vec![Change::Expire])?;
            engine::roll_up(&mut work, config).await?;
            let touched = work.commit("replay").await?;
            tell(&mut replayed.events, due, &before, ledger.book(), &touched);
        }
        let before = ledger.book().clone();
        let mut work = ledger.begin(now).await?;
        let taken = engine::take(&mut work, batch, config, &Rules::default()).await?;
        engine::roll_up(&mut work, config).await?;
        let touched = work.commit("replay").await?;
        tell(&mut replayed.events, now, &before, ledger.book(), &touched);
        for fate in taken.fates {
            *match fate {
                engine::Fate::Taken => &mut replayed.taken,
                engine::Fate::Repeated => &mut replayed.repeated,
                engine::Fate::Refused(_) => &mut replayed.refused,
            } += 1;
        }
    }
    Ok(replayed)
}

/// Adds what became of the listings of `touched` between two books.
fn tell(events: &mut Vec<Event>, at: Timestamp, before: &Book, after: &Book, touched: &[Network]) {
    let event = |listing: &Listing, kind| Event {
        at,
        network: listing.network,
        reason: listing.reason,
        kind,
    };
    for &network in touched {
        let was: Vec<_> = before.at(network).collect();
        let is: Vec<_> = after.at(network).collect();
        for listing in &is {
            let expires = listing.expires;
            let former = was.iter().find(|former| former.id == listing.id);
            let order = former.map(|former| former.expires.cmp(&expires));
            match order {
                None => {
                    let evidence = listing.evidence.as_deref().unwrap_or_default().to_owned();
                    events.push(event(listing, EventKind::Listed { evidence, expires }));
                }
                Some(Ordering::Equal) => {}
                Some(_) => events.push(event(listing, EventKind::Extended { expires })),
            }
        }
        for listing in was.iter().filter(|was| is.iter().all(|is| is.id != was.id)) {
            events.push(event(listing, EventKind::Ended));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Kind;

    #[tokio::test]
    async fn a_log_is_told_over_time() {
        let place = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(&place.path().join("gate.db")).await.unwrap();
        let record = |address: &str, at: &str, from: &str| {
            let kind = Kind::Complaint {
                incidents: 1,
                trap: false,
            };
            Evidence::new(
                address.parse().unwrap(),
                at.parse().unwrap(),
                from,
                kind,
                None,
            )
        };
        // Not in the order of time.
        let records = vec![
            record("192.0.2.9", "2026-03-09T00:00:00Z", "one"),
            record("192.0.2.1", "2026-03-02T00:00:00Z", "three"),
            record("192.0.2.1", "2026-03-01T00:00:00Z", "one"),
            record("192.0.2.1", "2026-03-01T00:00:00Z", "two"),
        ];
        let replayed = replay(&mut ledger, records, &Config::default())
            .await
            .unwrap();
        assert_eq!(
            (replayed.taken, replayed.repeated, replayed.refused),
            (4, 0, 0)
        );
        let told: Vec<_> = replayed
            .events
            .iter()
            .map(|event| {
                let what = match event.kind {
                    EventKind::Listed { .. } => "listed",
                    EventKind::Extended { .. } => "extended",
                    EventKind::Ended => "ended",
                };
                format!("{} {what}", event.at)
            })
            .collect();
        assert_eq!(
            told,
            [
                "2026-03-01T00:00:00Z listed",
                "2026-03-02T00:00:00Z extended",
                "2026-03-05T00:00:00Z ended"
            ]
        );
    }
}
