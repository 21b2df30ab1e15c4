//! What is and was in the book: entries with who made them and how they ended, from the store.

use std::path::Path;

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqlitePool, sqlite::SqliteConnectOptions};

use super::{
    change::EndCause,
    error::BookError,
    listing::{ListingId, Origin},
    record::Standing,
    row::{self, sort_key},
};
use crate::network::Network;

/// An entry of the book, in force or ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HistoryEntry {
    /// Its number.
    pub id: ListingId,
    /// The network.
    pub network: Network,
    /// Listed, and why, or allowed.
    pub standing: Standing,
    /// By whom.
    pub origin: Origin,
    /// The operator's words.
    pub comment: Option<String>,
    /// What it rested on.
    pub evidence: Option<String>,
    /// When it began.
    pub since: Timestamp,
    /// Who asked for it.
    pub added_by: String,
    /// When it was to end by itself, `None` for never.
    pub expires: Option<Timestamp>,
    /// The last renewal, if there was one.
    pub renewed: Option<Renewal>,
    /// How it ended; `None` while it is in force.
    pub end: Option<End>,
}

/// A renewal of an entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Renewal {
    /// When.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: String,
}

/// The end of an entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// What ended it.
    pub cause: EndCause,
    /// Who asked for it.
    pub by: String,
}

/// Which networks a question is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// The network given.
    Exact,
    /// The network given, and all that cover it.
    Covering,
    /// The network given, and all within it.
    Within,
}

/// The history of the book. A clone is cheap.
#[derive(Clone, Debug)]
pub struct History {
    pool: SqlitePool,
    path: std::sync::Arc<Path>,
}

impl History {
    pub(super) fn new(options: SqliteConnectOptions, path: &Path) -> Self {
        Self {
            pool: SqlitePool::connect_lazy_with(options.read_only(true)),
            path: path.into(),
        }
    }

    /// The entries of the networks in `scope`, in force and ended, the youngest first, at most
    /// `limit`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn find(
        &self,
        network: Network,
        scope: Scope,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, BookError> {
        let mut query = QueryBuilder::<Sqlite>::new("");
        // Each half has an index of its own.
        for (between, half) in [("", "ended IS NULL"), (" UNION ALL ", "ended IS NOT NULL")] {
            query
                .push(between)
                .push("SELECT ")
                .push(row::HISTORY)
                .push(" FROM entries WHERE ")
                .push(half)
                .push(" AND ");
            select(&mut query, network, scope);
        }
        query.push(" ORDER BY since DESC, id DESC LIMIT ");
        query.push_bind(i64::from(limit));
        let rows = query.build().fetch_all(&self.pool).await;
        rows.map_err(|source| BookError::database(&self.path, "reading the history", source))?
            .iter()
            .map(|row| row::history_entry(row, &self.path))
            .collect()
    }
}

/// The condition that a row is of a network in `scope`.
fn select(query: &mut QueryBuilder<Sqlite>, network: Network, scope: Scope) {
    match scope {
        Scope::Exact => {
            query.push("sort_key = ").push_bind(sort_key(network));
        }
        Scope::Covering => {
            query.push("sort_key IN (");
            let mut keys = query.separated(", ");
            for length in 0..=network.prefix_len() {
                let wider = Network::containing(network.address(), length);
                keys.push_bind(sort_key(wider));
            }
            query.push(")");
        }
        Scope::Within => {
            let last = Network::host(network.ipnet().broadcast());
            query.push("sort_key >= ").push_bind(sort_key(network));
            query.push(" AND sort_key <= ").push_bind(sort_key(last));
        }
    }
}
