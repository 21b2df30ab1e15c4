//! Entries as rows of the store. What cannot be read is an error that names the row.

use std::{fmt::Display, path::Path, str::FromStr, sync::Arc};

use jiff::Timestamp;
use sqlx::{Decode, Row as _, Sqlite, Type, sqlite::SqliteRow};

use super::{
    draft::Origins,
    error::BookError,
    history::{End, HistoryEntry, Renewal},
    listing::{ListingId, Origin},
    record::{Expiry, Key, Record},
};
use crate::network::Network;

/// The columns that [`record`] reads, in its order.
pub(super) const RECORD: &[&str] = &[
    "id", "network", "sort_key", "standing", "origin", "since", "comment", "evidence", "expires",
];

/// The columns that [`history_entry`] reads, in its order.
pub(super) const HISTORY: &[&str] = &[
    "id",
    "network",
    "standing",
    "origin",
    "comment",
    "evidence",
    "since",
    "added_by",
    "expires",
    "renewed",
    "renewed_by",
    "ended",
    "end_cause",
    "ended_by",
];

/// The network's place in the order of the book, as text: family, first address, length of
/// prefix, all in hexadecimal of fixed width.
pub(crate) fn sort_key(network: Network) -> String {
    let length = network.prefix_len();
    match network.address() {
        std::net::IpAddr::V4(v4) => format!("4{:08x}{length:02x}", v4.to_bits()),
        std::net::IpAddr::V6(v6) => format!("6{:032x}{length:02x}", v6.to_bits()),
    }
}

/// Reads an entry in force.
pub(super) fn record(
    row: &SqliteRow,
    origins: &mut Origins,
    path: &Path,
) -> Result<Record, BookError> {
    let mut row = Reader::new(row, RECORD, path)?;
    let network = row.parse()?;
    if row.get::<&str>()? != sort_key(network) {
        return Err(row.error(&format_args!("not that of {network}")));
    }
    let key = Key {
        network,
        standing: row.parse()?,
        origin: origins.share(row.parse()?),
    };
    let mut record = Record::new(row.id, key, row.time()?);
    record.comment = row.get::<Option<&str>>()?.map(Arc::from);
    record.evidence = row.get::<Option<&str>>()?.map(Arc::from);
    record.expires = Expiry::new(row.time_or_null()?);
    Ok(record)
}

/// Reads an entry, in force or ended.
pub(super) fn history_entry(row: &SqliteRow, path: &Path) -> Result<HistoryEntry, BookError> {
    let mut row = Reader::new(row, HISTORY, path)?;
    // In the order of the columns.
    Ok(HistoryEntry {
        id: ListingId(row.id),
        network: row.parse()?,
        standing: row.parse()?,
        origin: row.parse::<Origin>()?,
        comment: row.get()?,
        evidence: row.get()?,
        since: row.time()?,
        added_by: row.get()?,
        expires: row.time_or_null()?,
        renewed: match (row.time_or_null()?, row.get::<Option<String>>()?) {
            (Some(at), Some(by)) => Some(Renewal { at, by }),
            // The table has both or neither.
            _ => None,
        },
        end: match row.time_or_null()? {
            Some(at) => Some(End {
                at,
                cause: row.parse()?,
                by: row.get()?,
            }),
            None => None,
        },
    })
}

/// Reads the columns of a row one after the other. Errors tell the row and the column.
struct Reader<'r> {
    row: &'r SqliteRow,
    columns: &'static [&'static str],
    /// The column read last.
    column: usize,
    path: &'r Path,
    id: i64,
}

impl<'r> Reader<'r> {
    /// Reads the first column, the number of the entry.
    fn new(
        row: &'r SqliteRow,
        columns: &'static [&'static str],
        path: &'r Path,
    ) -> Result<Self, BookError> {
        let id = row
            .try_get(0)
            .map_err(|source| BookError::database(path, "reading a row's number", source))?;
        Ok(Self {
            row,
            columns,
            column: 0,
            path,
            id,
        })
    }

    fn get<T>(&mut self) -> Result<T, BookError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
    {
        self.column += 1;
        let got = self.row.try_get(self.column);
        got.map_err(|source| self.error(&source))
    }

    fn parse<T>(&mut self) -> Result<T, BookError>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.get::<&str>()?;
        text.parse().map_err(|error: T::Err| self.error(&error))
    }

    fn time(&mut self) -> Result<Timestamp, BookError> {
        let second = self.get()?;
        self.timestamp(second)
    }

    fn time_or_null(&mut self) -> Result<Option<Timestamp>, BookError> {
        let second = self.get::<Option<i64>>()?;
        second.map(|second| self.timestamp(second)).transpose()
    }

    fn timestamp(&self, second: i64) -> Result<Timestamp, BookError> {
        Timestamp::from_second(second).map_err(|error| self.error(&error))
    }

    fn error(&self, detail: &dyn Display) -> BookError {
        BookError::Row {
            path: self.path.to_owned(),
            id: self.id,
            detail: format!("{}: {detail}", self.columns[self.column]),
        }
    }
}
