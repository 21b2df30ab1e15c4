//! Entries as rows of the store. What cannot be read is an error that names the row.

use std::{fmt::Display, path::Path, str::FromStr, sync::Arc};

use jiff::Timestamp;
use sqlx::{ColumnIndex, Decode, Row as _, Sqlite, Type, sqlite::SqliteRow};

use super::{
    draft::Origins,
    error::BookError,
    history::{End, HistoryEntry, Renewal},
    listing::{ListingId, Origin},
    record::{Expiry, Key, Record},
};
use crate::network::Network;

/// The columns that [`record`] reads.
pub(super) const RECORD: &str =
    "id, network, sort_key, standing, origin, comment, evidence, since, expires";

/// The columns that [`history_entry`] reads.
pub(super) const HISTORY: &str = "id, network, standing, origin, comment, evidence, since, \
     expires, added_by, renewed, renewed_by, ended, end_cause, ended_by";

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
    let row = Reader::new(row, path)?;
    let network = row.parse("network")?;
    if row.get::<&str>("sort_key")? != sort_key(network) {
        return Err(row.error(&format_args!("sort_key is not that of {network}")));
    }
    let key = Key {
        network,
        standing: row.parse("standing")?,
        origin: origins.share(row.parse("origin")?),
    };
    let mut record = Record::new(row.id, key, row.time("since")?);
    record.comment = row.get::<Option<&str>>("comment")?.map(Arc::from);
    record.evidence = row.get::<Option<&str>>("evidence")?.map(Arc::from);
    record.expires = Expiry::new(row.time_or_null("expires")?);
    Ok(record)
}

/// Reads an entry, in force or ended.
pub(super) fn history_entry(row: &SqliteRow, path: &Path) -> Result<HistoryEntry, BookError> {
    let row = Reader::new(row, path)?;
    Ok(HistoryEntry {
        id: ListingId(row.id),
        network: row.parse("network")?,
        standing: row.parse("standing")?,
        origin: row.parse::<Origin>("origin")?,
        comment: row.get("comment")?,
        evidence: row.get("evidence")?,
        since: row.time("since")?,
        added_by: row.get("added_by")?,
        expires: row.time_or_null("expires")?,
        renewed: match row.time_or_null("renewed")? {
            Some(at) => Some(Renewal {
                at,
                by: row.get("renewed_by")?,
            }),
            None => None,
        },
        end: match row.time_or_null("ended")? {
            Some(at) => Some(End {
                at,
                cause: row.parse("end_cause")?,
                by: row.get("ended_by")?,
            }),
            None => None,
        },
    })
}

/// A row of which errors tell the number.
struct Reader<'r> {
    row: &'r SqliteRow,
    path: &'r Path,
    id: i64,
}

impl<'r> Reader<'r> {
    fn new(row: &'r SqliteRow, path: &'r Path) -> Result<Self, BookError> {
        let id = row
            .try_get("id")
            .map_err(|source| BookError::database(path, "reading a row's number", source))?;
        Ok(Self { row, path, id })
    }

    fn get<T>(&self, column: &'static str) -> Result<T, BookError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
        &'static str: ColumnIndex<SqliteRow>,
    {
        self.row
            .try_get(column)
            .map_err(|source| self.error(&source))
    }

    fn parse<T>(&self, column: &'static str) -> Result<T, BookError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.get::<&str>(column)?
            .parse()
            .map_err(|error: T::Err| self.error(&format_args!("{column}: {error}")))
    }

    fn time(&self, column: &'static str) -> Result<Timestamp, BookError> {
        self.second(column, self.get(column)?)
    }

    fn time_or_null(&self, column: &'static str) -> Result<Option<Timestamp>, BookError> {
        self.get::<Option<i64>>(column)?
            .map(|second| self.second(column, second))
            .transpose()
    }

    fn second(&self, column: &'static str, second: i64) -> Result<Timestamp, BookError> {
        Timestamp::from_second(second)
            .map_err(|error| self.error(&format_args!("{column}: {error}")))
    }

    fn error(&self, detail: &dyn Display) -> BookError {
        BookError::Row {
            path: self.path.to_owned(),
            id: self.id,
            detail: detail.to_string(),
        }
    }
}
