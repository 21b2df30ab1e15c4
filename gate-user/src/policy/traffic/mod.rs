//! What the mail server told of each source: connections, messages and recipients that were let
//! through, and refusals.
//!
//! It says how much came, and not whether it was good: it is no evidence, changes no score and
//! dilutes no complaint. It stands beside the evidence for whoever decides about a source.

mod store;

use std::collections::{HashMap, hash_map::Entry};

use crate::{
    book::{BookError, History, Work},
    network::Network,
};

/// Sources that are counted until the counts are stored, at most.
const SOURCES: usize = 65_536;

/// What came of a source.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Traffic {
    /// Connections of which something was let through.
    pub connections: u64,
    /// Messages whose first recipient was let through.
    pub messages: u64,
    /// Recipients that were let through: as many as the mail server took, where it tells.
    pub recipients: i64,
    /// Requests that were refused.
    pub refused: u64,
}

/// Counts that wait to be stored. Bounded: a source too many is not counted.
#[derive(Debug, Default)]
pub struct Tally(HashMap<Network, Traffic>);

impl Tally {
    /// Adds to what came of `source`.
    pub fn add(&mut self, source: Network, more: Traffic) {
        let full = self.0.len() >= SOURCES;
        let sum = match self.0.entry(source) {
            Entry::Vacant(_) if full => return,
            entry => entry.or_default(),
        };
        sum.connections += more.connections;
        sum.messages += more.messages;
        sum.recipients += more.recipients;
        sum.refused += more.refused;
    }

    /// All of it, to be stored; from now on it counts anew.
    #[must_use]
    pub fn take(&mut self) -> Vec<(Network, Traffic)> {
        std::mem::take(&mut self.0).into_iter().collect()
    }
}

/// Adds what came to what is stored, in this hour's sums, and forgets what is older than a week.
///
/// # Errors
/// If the database fails; then nothing must be committed.
pub async fn keep(work: &mut Work<'_>, came: &[(Network, Traffic)]) -> Result<(), BookError> {
    let now = work.now();
    let kept = store::add(work.connection(), came, now).await;
    kept.map_err(|source| work.failed("storing what came", source))
}

/// What came of `source` within the last week.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_source(history: &History, source: Network) -> Result<Traffic, BookError> {
    let mut connection = history.connection().await?;
    let found = store::load(&mut connection, source).await;
    found.map_err(|source| history.failed("reading what came", source))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::book::Ledger;

    fn came(connections: u64, messages: u64, recipients: i64, refused: u64) -> Traffic {
        Traffic {
            connections,
            messages,
            recipients,
            refused,
        }
    }

    #[test]
    fn counts_wait_in_bounded_memory() {
        let mut tally = Tally::default();
        let known: Network = "192.0.2.7".parse().unwrap();
        tally.add(known, came(1, 0, 0, 0));
        for n in 0..100_000_u32 {
            let source = std::net::Ipv4Addr::from_bits(0x0a00_0000 + n);
            tally.add(Network::host(source.into()), came(0, 0, 0, 1));
        }
        tally.add(known, came(0, 1, 3, 0));
        let taken = tally.take();
        assert_eq!(taken.len(), SOURCES);
        assert!(taken.contains(&(known, came(1, 1, 3, 0))));
        assert!(tally.take().is_empty());
    }

    #[tokio::test]
    async fn what_came_is_kept_for_a_week() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(&directory.path().join("gate.db"))
            .await
            .unwrap();
        let (v4, v6): (Network, Network) = (
            "192.0.2.7".parse().unwrap(),
            "2001:db8::/64".parse().unwrap(),
        );
        let other: Network = "192.0.2.8".parse().unwrap();
        let start: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        for (hours, counts) in [
            (0, vec![(v4, came(1, 1, 2, 0)), (v6, came(0, 0, 0, 5))]),
            (0, vec![(v4, came(2, 2, -1, 1))]),
            (30, vec![(v4, came(1, 0, 0, 0))]),
            (24 * 7, vec![]),
        ] {
            let at = start + jiff::SignedDuration::from_hours(hours);
            let mut work = ledger.begin(at).await.unwrap();
            keep(&mut work, &counts).await.unwrap();
            work.commit("test").await.unwrap();
        }
        let history = ledger.history();
        assert_eq!(of_source(&history, v4).await.unwrap(), came(4, 3, 1, 1));
        assert_eq!(of_source(&history, v6).await.unwrap(), came(0, 0, 0, 5));
        assert_eq!(
            of_source(&history, other).await.unwrap(),
            Traffic::default()
        );

        let at = start + jiff::SignedDuration::from_hours(24 * 7 + 2);
        let mut work = ledger.begin(at).await.unwrap();
        keep(&mut work, &[]).await.unwrap();
        work.commit("test").await.unwrap();
        assert_eq!(of_source(&history, v4).await.unwrap(), came(1, 0, 0, 0));
    }
}
