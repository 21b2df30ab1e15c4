//! A transaction on the book: changes, and whatever else must be committed with them or not at
//! all.

use std::{collections::HashMap, path::Path};

use gate_common::Reason;
use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, Transaction};

use super::{
    change::{Change, Outcome},
    draft::{Edits, Origins, draft},
    error::BookError,
    listing::Origin,
    record::Standing,
    row::sort_key,
    state::Book,
    store,
};
use crate::network::Network;

/// Networks in one statement.
const ROWS: usize = 500;

/// A transaction on the book. Nothing of it is visible to readers, or stored, before
/// [`Work::commit`]; dropped, it never was.
#[derive(Debug)]
pub struct Work<'l> {
    pub(super) transaction: Transaction<'l, Sqlite>,
    pub(super) path: &'l Path,
    pub(super) shown: &'l mut Book,
    pub(super) shown_next_id: &'l mut i64,
    pub(super) origins: &'l mut Origins,
    pub(super) book: Book,
    pub(super) next_id: i64,
    /// One for each call of [`Work::apply`], in their order.
    pub(super) edits: Vec<Edits>,
    pub(super) touched: Vec<Network>,
    pub(super) now: Timestamp,
}

impl Work<'_> {
    /// The book with the changes so far.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// When the transaction happens; whole seconds.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Every network of which an entry came, went or changed so far; sorted, each once.
    pub fn touched(&self) -> &[Network] {
        &self.touched
    }

    /// Carries changes out, all or none of them.
    ///
    /// # Errors
    /// [`BookError::Refused`] if the book does not take one of them; what came before stays.
    pub fn apply(&mut self, changes: Vec<Change>) -> Result<Vec<Outcome>, BookError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let book = self.book.clone();
        let drafted = draft(book, self.origins, self.next_id, changes, self.now)?;
        self.book = drafted.book;
        self.next_id = drafted.next_id;
        self.edits.push(drafted.edits);
        self.touched.extend(drafted.applied.touched);
        self.touched.sort_unstable();
        self.touched.dedup();
        Ok(drafted.applied.outcomes)
    }

    /// The database, for what is to be stored beside the book. What has been applied is not in its
    /// tables before the commit.
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    /// What the database said while `doing` something through [`Work::connection`].
    pub(crate) fn failed(&self, doing: &'static str, source: sqlx::Error) -> BookError {
        BookError::database(self.path, doing, source)
    }

    /// How many listings of exactly each of `networks` for `reason` by `origin` began since
    /// `since` and have ended; networks without one are left out.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn ended_listings(
        &mut self,
        networks: &[Network],
        reason: Reason,
        origin: &Origin,
        since: Timestamp,
    ) -> Result<HashMap<Network, u32>, BookError> {
        let mut found = HashMap::new();
        for chunk in networks.chunks(ROWS) {
            let by_key: HashMap<_, _> = chunk.iter().map(|&is| (sort_key(is), is)).collect();
            let mut query = QueryBuilder::<Sqlite>::new(
                "SELECT sort_key, COUNT(*) FROM entries WHERE ended IS NOT NULL AND standing = ",
            );
            query.push_bind(Standing::Listed(reason).to_string());
            query.push(" AND origin = ").push_bind(origin.to_string());
            query.push(" AND since >= ").push_bind(since.as_second());
            query.push(" AND sort_key IN (");
            let mut list = query.separated(", ");
            for key in by_key.keys() {
                list.push_bind(key);
            }
            query.push(") GROUP BY sort_key");
            let rows: Vec<(String, i64)> = query
                .build_query_as()
                .persistent(chunk.len() == 1)
                .fetch_all(&mut *self.transaction)
                .await
                .map_err(|source| {
                    BookError::database(self.path, "counting former listings", source)
                })?;
            found.extend(rows.into_iter().filter_map(|(key, count)| {
                Some((*by_key.get(&key)?, u32::try_from(count).unwrap_or(u32::MAX)))
            }));
        }
        Ok(found)
    }

    /// Stores everything for good, through a crash and through a loss of power, and only then
    /// shows it. `by` is who asked, kept with every entry. Returns [`Work::touched`].
    ///
    /// Not cancel safe: see [`Ledger::apply`](super::Ledger::apply).
    ///
    /// # Errors
    /// [`BookError::Database`] if it cannot be stored: the book is as it was before.
    pub async fn commit(mut self, by: &str) -> Result<Vec<Network>, BookError> {
        let failed = |source| BookError::database(self.path, "storing changes", source);
        for edits in &self.edits {
            store::write(&mut self.transaction, edits, self.now.as_second(), by)
                .await
                .map_err(failed)?;
        }
        self.transaction.commit().await.map_err(failed)?;
        *self.shown = self.book;
        *self.shown_next_id = self.next_id;
        Ok(self.touched)
    }
}
