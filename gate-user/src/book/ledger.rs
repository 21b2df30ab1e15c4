//! The one writer's handle on the book: what is stored, and the same in memory.

use std::path::Path;

use jiff::Timestamp;

use super::{
    change::{Applied, Change},
    draft::Origins,
    error::BookError,
    history::History,
    state::Book,
    store::Store,
    work::Work,
};
use crate::clock::second_down;

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
        let mut work = self.begin(now).await?;
        let outcomes = work.apply(changes)?;
        let touched = work.commit(by).await?;
        Ok(Applied { outcomes, touched })
    }

    /// Begins a transaction at `now`, taken in whole seconds, for changes that must be committed
    /// together with something else.
    ///
    /// # Errors
    /// [`BookError::Database`] if the database cannot be written.
    pub async fn begin(&mut self, now: Timestamp) -> Result<Work<'_>, BookError> {
        let (transaction, path) = self.store.begin().await?;
        Ok(Work {
            transaction,
            path,
            book: self.book.clone(),
            next_id: self.next_id,
            shown: &mut self.book,
            shown_next_id: &mut self.next_id,
            origins: &mut self.origins,
            edits: Vec::new(),
            touched: Vec::new(),
            now: second_down(now),
        })
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

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader},
        path::PathBuf,
        process::{Command, Stdio},
    };

    use proptest::prelude::*;
    use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

    use super::*;
    use crate::{
        book::{
            history::Scope,
            testing::{allowance, at, change, feed, listing, net},
        },
        network::Network,
    };

    /// A database in a directory of its own.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("gate.db")
        }

        async fn open(&self) -> Ledger {
            Ledger::open(&self.path()).await.unwrap()
        }

        async fn error(&self) -> BookError {
            Ledger::open(&self.path()).await.unwrap_err()
        }

        /// Runs a statement behind the ledger's back.
        async fn execute(&self, sql: &'static str) {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.path());
            let mut connection: SqliteConnection = options.connect().await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }

    /// Applies the batches one a second, and opens the book anew after each.
    async fn reopen_after_each(batches: Vec<Vec<Change>>) {
        let place = Place::new();
        let mut ledger = place.open().await;
        for (now, batch) in (996..).map(at).zip(batches) {
            match ledger.apply(batch, now, "test").await {
                // Some come when their expiry is past; they must leave nothing behind.
                Ok(_) | Err(BookError::Refused(_)) => {}
                Err(error) => panic!("{error}"),
            }
            let book = ledger.book().clone();
            drop(ledger);
            ledger = place.open().await;
            assert!(ledger.book().listings().eq(book.listings()));
            assert!(ledger.book().allow_entries().eq(book.allow_entries()));
            assert_eq!(ledger.book().counts(), book.counts());
            assert_eq!(ledger.next_expiry(), book.next_expiry());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn reopening_keeps_everything(
            batches in prop::collection::vec(prop::collection::vec(change(), 0..20), 1..8),
        ) {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(reopen_after_each(batches));
        }
    }

    #[tokio::test]
    async fn numbers_are_never_used_twice() {
        let place = Place::new();
        for expected in 1..4 {
            let mut ledger = place.open().await;
            let changes = vec![Change::List(listing("192.0.2.1")), Change::Flush];
            ledger.apply(changes, at(10), "test").await.unwrap();
            let last = ledger.next_id - 1;
            assert_eq!(last, expected);
        }
    }

    #[tokio::test]
    async fn many_changes_are_one_transaction() {
        let place = Place::new();
        let mut ledger = place.open().await;
        // More than one statement holds, new, renewed and ended.
        let networks: Vec<_> = (0..1234_u32)
            .map(|bits| format!("10.0.{}.{}", bits >> 8, bits & 255))
            .collect();
        let all = || {
            networks
                .iter()
                .map(|network| Change::List(listing(network)))
        };
        ledger.apply(all().collect(), at(10), "test").await.unwrap();
        let again = all().chain([Change::List(listing("0.0.0.0/1"))]).collect();
        let refused = ledger.apply(again, at(11), "test").await.unwrap_err();
        assert!(matches!(refused, BookError::Refused(_)), "{refused}");
        ledger.apply(all().collect(), at(12), "test").await.unwrap();
        let replaced = vec![Change::Flush, feed("drop", &[("192.0.2.0/24", "SBL1")])];
        ledger.apply(replaced, at(13), "test").await.unwrap();
        drop(ledger);

        let ledger = place.open().await;
        assert_eq!(ledger.book().counts().listings, 1);
        let history = ledger.history();
        let past = history
            .find(net("10.0.0.0/8"), Scope::Within, 9999)
            .await
            .unwrap();
        assert_eq!(past.len(), networks.len());
        for entry in past {
            assert_eq!(entry.renewed.unwrap().at, at(12));
            assert_eq!(entry.end.unwrap().at, at(13));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_stored_does_not_show() {
        let place = Place::new();
        let mut ledger = place.open().await;
        let list = |network| vec![Change::List(listing(network))];
        ledger
            .apply(list("192.0.2.1"), at(10), "test")
            .await
            .unwrap();
        place
            .execute(
                "CREATE TRIGGER full BEFORE INSERT ON entries WHEN new.id = 3 \
                 BEGIN SELECT RAISE(ABORT, 'no room'); END",
            )
            .await;
        let two = ["192.0.2.2", "192.0.2.3"].map(|network| Change::List(listing(network)));
        let error = ledger.apply(two.into(), at(11), "test").await.unwrap_err();
        assert!(matches!(error, BookError::Database { .. }), "{error}");
        assert_eq!(ledger.book().counts().listings, 1);
        place.execute("DROP TRIGGER full").await;
        ledger
            .apply(list("192.0.2.4"), at(12), "test")
            .await
            .unwrap();
        drop(ledger);
        let listings = place.open().await.book().listings().collect::<Vec<_>>();
        let networks: Vec<_> = listings.iter().map(|listing| listing.network).collect();
        assert_eq!(networks, ["192.0.2.1", "192.0.2.4"].map(net));
    }

    #[tokio::test]
    async fn a_second_gated_is_refused() {
        let place = Place::new();
        let ledger = place.open().await;
        let error = place.error().await;
        assert!(matches!(error, BookError::Locked { .. }), "{error}");
        assert!(error.to_string().contains("gate.db.lock"), "{error}");
        drop(ledger);
        place.open().await;
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused() {
        let place = Place::new();
        drop(place.open().await);
        place
            .execute(
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
                 execution_time) VALUES (4711, 'later', TRUE, '', 0)",
            )
            .await;
        let error = place.error().await;
        assert!(
            matches!(error, BookError::Newer { found: 4711, .. }),
            "{error}"
        );
    }

    #[tokio::test]
    async fn what_is_no_database_is_refused() {
        let place = Place::new();
        std::fs::write(place.path(), "x".repeat(9999)).unwrap();
        let error = place.error().await;
        assert!(matches!(error, BookError::Corrupt { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_damaged_database_is_refused() {
        let place = Place::new();
        let mut ledger = place.open().await;
        let all = (0..2000_u32).map(|bits| {
            let network = format!("10.0.{}.{}", bits >> 8, bits & 255);
            Change::List(listing(&network))
        });
        ledger.apply(all.collect(), at(10), "test").await.unwrap();
        drop(ledger);
        place.execute("PRAGMA wal_checkpoint(TRUNCATE)").await;
        let mut bytes = std::fs::read(place.path()).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 16384].fill(0xff);
        std::fs::write(place.path(), bytes).unwrap();
        let error = place.error().await;
        assert!(matches!(error, BookError::Corrupt { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_read_is_named() {
        for (damage, part) in [
            (
                "UPDATE entries SET network = 'x' WHERE id = 2",
                "network: `x`",
            ),
            (
                "UPDATE entries SET network = '192.0.2.7/24' WHERE id = 2",
                "host bits",
            ),
            (
                "UPDATE entries SET standing = 'y' WHERE id = 2",
                "standing: `y`",
            ),
            (
                "UPDATE entries SET origin = 'feed:' WHERE id = 2",
                "origin: `feed:`",
            ),
            ("UPDATE entries SET since = 'z' WHERE id = 2", "since"),
            (
                "UPDATE entries SET expires = 9000000000000000000 WHERE id = 2",
                "expires",
            ),
            (
                "DROP INDEX entries_in_force; \
                 UPDATE entries SET network = '192.0.2.1/32', sort_key = '4c000020120' WHERE id = 2",
                "row 1",
            ),
            (
                "UPDATE entries SET sort_key = '4c000020999' WHERE id = 2",
                "sort_key",
            ),
        ] {
            let place = Place::new();
            let mut ledger = place.open().await;
            let networks = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
            let changes = networks.map(|network| Change::List(listing(network)));
            ledger.apply(changes.into(), at(10), "test").await.unwrap();
            drop(ledger);
            place.execute(damage).await;
            let error = place.error().await;
            assert!(
                matches!(error, BookError::Row { id: 2, .. }),
                "{damage}: {error}"
            );
            assert!(error.to_string().contains(part), "{damage}: {error}");
        }
    }

    /// Applies changes until it is killed, and says which were acknowledged.
    async fn write_for_ever(path: &Path) {
        let mut ledger = Ledger::open(path).await.unwrap();
        for number in 0..u32::MAX {
            let address = std::net::Ipv4Addr::from_bits((10 << 24) | number).to_string();
            let changes = vec![
                Change::List(listing(&address)),
                Change::Allow(allowance(&address)),
            ];
            ledger.apply(changes, at(10), "test").await.unwrap();
            println!("acknowledged {number}");
        }
    }

    /// Invariant 10, with this very test run in another process as the one that is killed.
    #[tokio::test]
    async fn invariant_10_what_was_acknowledged_survives_sigkill() {
        const CHILD: &str = "GATE_TEST_LEDGER_TO_WRITE";
        if let Some(path) = std::env::var_os(CHILD) {
            return write_for_ever(Path::new(&path)).await;
        }
        let place = Place::new();
        let mut acknowledged = 0;
        for round in 1..=3 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--nocapture", "--exact"])
                .arg("book::ledger::tests::invariant_10_what_was_acknowledged_survives_sigkill")
                .env(CHILD, place.path())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let numbers = lines.map_while(Result::ok).filter_map(|line| {
                let (_, number) = line.split_once("acknowledged ")?;
                number.parse::<u32>().ok()
            });
            let mut last = None;
            for number in numbers {
                last = Some(number);
                if number == 50 * round {
                    // SIGKILL; what it says until it is gone is acknowledged as well.
                    child.kill().unwrap();
                }
            }
            child.wait().unwrap();
            acknowledged = acknowledged.max(last.unwrap());

            let ledger = place.open().await;
            for number in 0..=acknowledged {
                let network =
                    Network::host(std::net::Ipv4Addr::from_bits((10 << 24) | number).into());
                assert_eq!(ledger.book().at(network).count(), 1, "{network}");
                assert_eq!(ledger.book().allow_at(network).count(), 1, "{network}");
            }
            // A change is there in whole or not at all.
            let counts = ledger.book().counts();
            assert_eq!(counts.listings, counts.allow_entries);
        }
    }
}
