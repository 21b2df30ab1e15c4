//! The one writer's handle on the book: what is stored, and the same in memory.

use std::path::Path;

use jiff::Timestamp;

use super::{
    change::{Applied, Change},
    draft::{Draft, Origins},
    error::BookError,
    history::History,
    state::Book,
    store::Store,
};

/// The book, to be changed. There is one for each database: a second is refused.
#[derive(Debug)]
pub struct Ledger {
    store: Store,
    book: Book,
    origins: Origins,
    next_id: i64,
}

impl Ledger {
    /// Opens the book at `path`, an SQLite database, and makes it if there is none; its directory
    /// must exist. Beside the database lies its lock file, `path` with `.lock` behind it.
    ///
    /// # Errors
    /// [`BookError::Locked`] if another process has it open, [`BookError::Newer`] if a newer
    /// version wrote it, [`BookError::Corrupt`] and [`BookError::Row`] if it cannot be read in
    /// full: nothing of it is ever passed over.
    pub async fn open(path: &Path) -> Result<Self, BookError> {
        let mut store = Store::open(path).await?;
        let mut origins = Origins::default();
        let (book, next_id) = store.load(&mut origins).await?;
        Ok(Self {
            store,
            book,
            origins,
            next_id,
        })
    }

    /// The current book. A clone is cheap and stays as it is.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Carries the changes out in their order, all or none, in one transaction. When it returns
    /// they are stored for good: through a crash, and through a loss of power.
    ///
    /// `now` is taken in whole seconds. `by` is who asked, kept with every entry for later audit.
    ///
    /// Not cancel safe: if the future is dropped while the transaction is being committed, the
    /// book in memory may miss what is stored. Whoever drops it opens the ledger anew.
    ///
    /// # Errors
    /// [`BookError::Refused`] if the book does not take one of the changes, [`BookError::Database`]
    /// if they cannot be stored. The book is then as it was before.
    pub async fn apply(
        &mut self,
        changes: Vec<Change>,
        now: Timestamp,
        by: &str,
    ) -> Result<Applied, BookError> {
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let book = self.book.clone();
        let mut draft = Draft::new(book, &mut self.origins, self.next_id, now);
        let outcomes = changes
            .into_iter()
            .map(|change| draft.apply(change))
            .collect::<Result<_, _>>()?;
        self.store.write(&draft.edits, now, by).await?;

        self.next_id = draft.next_id;
        self.book = draft.book;
        let mut touched = draft.touched;
        touched.sort_unstable();
        touched.dedup();
        Ok(Applied { outcomes, touched })
    }

    /// When the first entry ends by itself, and [`Change::Expire`] has something to do.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.book.next_expiry()
    }

    /// What was in the book, for anybody to ask: it reads the store by itself and does not wait
    /// for the writer.
    pub fn history(&self) -> History {
        self.store.history()
    }
}
