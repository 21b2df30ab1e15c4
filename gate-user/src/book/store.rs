//! The book on disk: an SQLite database, and the lock that makes this process its only writer.
//!
//! In: a path, and [`Edits`]. Out: the entries in force.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::TryStreamExt as _;
use sqlx::{
    ConnectOptions as _, Connection as _, QueryBuilder, Sqlite, SqliteConnection, Transaction,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    change::EndCause,
    draft::{Edits, Origins},
    error::BookError,
    history::History,
    record::Record,
    row::{self, sort_key},
    state::Book,
};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Rows in one statement. Fifteen values each stay far below what SQLite binds (32,766) and
/// PostgreSQL (65,535); more rows at once were no faster.
const ROWS: usize = 500;

/// How long a statement waits while somebody else, an operator with `sqlite3`, holds a lock.
const BUSY: Duration = Duration::from_secs(10);

/// Size in bytes to which the write-ahead log is cut back after a large change.
const WAL_LIMIT: &str = "16777216";

/// Size of SQLite's page cache, in KiB as its `cache_size` pragma takes them with a minus sign.
/// A small book never fills it. With a large one, the default of 2 MiB makes each change of an
/// index read and write pages again.
const CACHE: &str = "-16384";

/// An open database.
#[derive(Debug)]
pub(super) struct Store {
    connection: SqliteConnection,
    path: PathBuf,
    options: SqliteConnectOptions,
    /// Held as long as the store is.
    _lock: File,
}

impl Store {
    /// Locks the database, opens it, and brings its schema up to date.
    pub(super) async fn open(path: &Path) -> Result<Self, BookError> {
        let lock = lock(path).await?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // In WAL mode NORMAL syncs at checkpoints only, and a loss of power takes the last
            // transactions with it. FULL syncs the log at each commit: what was acknowledged
            // stays (https://sqlite.org/pragma.html#pragma_synchronous).
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .foreign_keys(true)
            .row_buffer_size(ROWS)
            .pragma("journal_size_limit", WAL_LIMIT)
            .disable_statement_logging();
        let connection = options
            .clone()
            .pragma("cache_size", CACHE)
            .connect()
            .await
            .map_err(|source| BookError::database(path, "opening it", source))?;
        let mut store = Self {
            connection,
            path: path.to_owned(),
            options,
            _lock: lock,
        };
        store.check().await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Looks at every page: a damaged one would come to light only when it is needed, as any error
    /// whatever, or not at all.
    async fn check(&mut self) -> Result<(), BookError> {
        let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&mut self.connection)
            .await
            .map_err(|source| BookError::database(&self.path, "checking it", source))?;
        if found == "ok" {
            return Ok(());
        }
        Err(BookError::Corrupt {
            path: self.path.clone(),
            detail: found.replace('\n', " "),
        })
    }

    async fn migrate(&mut self) -> Result<(), BookError> {
        let path = &self.path;
        MIGRATIONS
            .run(&mut self.connection)
            .await
            .map_err(|source| match source {
                MigrateError::VersionMissing(found) => BookError::Newer {
                    path: path.clone(),
                    found,
                    known: MIGRATIONS
                        .iter()
                        .map(|each| each.version)
                        .max()
                        .unwrap_or(0),
                },
                MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
                    BookError::database(path, "bringing the schema up to date", source)
                }
                source => BookError::Migrate {
                    path: path.clone(),
                    source: source.into(),
                },
            })
    }

    /// All entries in force, and the number for the next.
    pub(super) async fn load(&mut self, origins: &mut Origins) -> Result<(Book, i64), BookError> {
        let path = &self.path;
        let failed = |source| BookError::database(path, "loading the book", source);
        let last: Option<i64> = sqlx::query_scalar("SELECT MAX(id) FROM entries")
            .fetch_one(&mut self.connection)
            .await
            .map_err(failed)?;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query
            .push(row::RECORD.join(", "))
            .push(" FROM entries WHERE ended IS NULL ORDER BY sort_key");
        let mut book = Book::default();
        let mut rows = query.build().fetch(&mut self.connection);
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            let record = row::record(&row, origins, path)?;
            let id = record.id;
            if let Some(same) = book.put(record) {
                return Err(BookError::Row {
                    path: path.clone(),
                    id,
                    detail: format!("row {} has the same network, standing and origin", same.id),
                });
            }
        }
        Ok((book, last.unwrap_or(0) + 1))
    }

    /// Begins a transaction.
    pub(super) async fn begin(&mut self) -> Result<(Transaction<'_, Sqlite>, &Path), BookError> {
        let path = &self.path;
        let begun = self.connection.begin().await;
        let begun = begun.map_err(|source| BookError::database(path, "storing changes", source))?;
        Ok((begun, path))
    }

    /// A reader of the history, with connections of its own.
    pub(super) fn history(&self) -> History {
        History::new(self.options.clone(), &self.path)
    }
}

/// How often a lock that is held is tried once more, and how long after.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Takes the lock of the database at `path`, which ends with the file handle, and so with the
/// process.
///
/// A process that has just ended, or closed the book, may have forked a child that holds its
/// descriptors until it runs another program (flock(2)): so a lock is held only when it stays so.
async fn lock(path: &Path) -> Result<File, BookError> {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let lock = PathBuf::from(lock);
    let failed = |source| BookError::Lock {
        lock: lock.clone(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock)
        .map_err(failed)?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
    Err(BookError::Locked {
        path: path.to_owned(),
        lock,
    })
}

/// Writes all edits.
pub(super) async fn write(
    transaction: &mut SqliteConnection,
    edits: &Edits,
    now: i64,
    by: &str,
) -> Result<(), sqlx::Error> {
    // Ends come first: what takes the place of an ended entry would collide with it.
    for cause in EndCause::ALL {
        let first_added = edits.added.first().map_or(i64::MAX, |record| record.id);
        let ids: Vec<_> = edits
            .ended
            .range(..first_added)
            .filter_map(|(&id, &ended)| (ended == cause).then_some(id))
            .collect();
        for ids in ids.chunks(ROWS) {
            end(&mut *transaction, ids, now, cause, by).await?;
        }
    }
    let renewed: Vec<_> = edits.renewed.values().collect();
    for records in renewed.chunks(ROWS) {
        renew(&mut *transaction, records, now, by).await?;
    }
    // In the order of the index, which then is walked through once.
    let mut added: Vec<_> = edits.added.iter().collect();
    added.sort_by_key(|record| record.network);
    for records in added.chunks(ROWS) {
        add(&mut *transaction, records, edits, now, by).await?;
    }
    Ok(())
}

async fn end(
    connection: &mut SqliteConnection,
    ids: &[i64],
    now: i64,
    cause: EndCause,
    by: &str,
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new("UPDATE entries SET ended = ");
    query.push_bind(now).push(", end_cause = ");
    query.push_bind(cause.as_str()).push(", ended_by = ");
    query.push_bind(by).push(" WHERE id IN (");
    let mut list = query.separated(", ");
    for &id in ids {
        list.push_bind(id);
    }
    query.push(")");
    run(connection, query, ids.len()).await
}

async fn renew(
    connection: &mut SqliteConnection,
    records: &[&Record],
    now: i64,
    by: &str,
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new("UPDATE entries SET renewed = ");
    query.push_bind(now).push(", renewed_by = ").push_bind(by);
    // Both databases name the columns of VALUES so; PostgreSQL wants the types told.
    query.push(
        ", comment = CAST(new.column2 AS TEXT), evidence = CAST(new.column3 AS TEXT), \
         expires = CAST(new.column4 AS BIGINT) FROM (",
    );
    query.push_values(records, |mut values, record| {
        values
            .push_bind(record.id)
            .push_bind(record.comment.clone())
            .push_bind(record.evidence.clone())
            .push_bind(record.expires.seconds());
    });
    query.push(") AS new WHERE entries.id = CAST(new.column1 AS BIGINT)");
    run(connection, query, records.len()).await
}

async fn add(
    connection: &mut SqliteConnection,
    records: &[&Record],
    edits: &Edits,
    now: i64,
    by: &str,
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "INSERT INTO entries (id, network, sort_key, standing, origin, comment, evidence, since, \
         added_by, expires, ended, end_cause, ended_by) ",
    );
    query.push_values(records, |mut values, record| {
        let cause = edits.ended.get(&record.id);
        values
            .push_bind(record.id)
            .push_bind(record.network.to_string())
            .push_bind(sort_key(record.network))
            .push_bind(record.standing.to_string())
            .push_bind(record.origin.to_string())
            .push_bind(record.comment.clone())
            .push_bind(record.evidence.clone())
            .push_bind(record.since().as_second())
            .push_bind(by)
            .push_bind(record.expires.seconds())
            .push_bind(cause.map(|_| now))
            .push_bind(cause.map(|cause| cause.as_str()))
            .push_bind(cause.map(|_| by));
    });
    run(connection, query, records.len()).await
}

/// Runs a statement over `rows` rows. It is kept prepared only if its like will come again.
async fn run(
    connection: &mut SqliteConnection,
    mut query: QueryBuilder<Sqlite>,
    rows: usize,
) -> Result<(), sqlx::Error> {
    let keep = rows == 1 || rows == ROWS;
    query.build().persistent(keep).execute(connection).await?;
    Ok(())
}
