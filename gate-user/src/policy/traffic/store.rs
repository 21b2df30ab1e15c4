//! The table `traffic` of migrations/0007_traffic.sql.

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::Traffic;
use crate::{evidence, network::Network};

/// Rows in one statement.
const ROWS: usize = 500;
/// Seconds of a sum.
const HOUR: i64 = 3600;
/// Sums are kept for so many seconds.
const KEEP: i64 = 7 * 24 * HOUR;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Adds to this hour's sums, and deletes those that are too old.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    came: &[(Network, Traffic)],
    now: Timestamp,
) -> Result<()> {
    let now = now.as_second();
    let start = now - now.rem_euclid(HOUR);
    let rows = came.iter().filter_map(|(source, came)| {
        let key = evidence::source_key(*source)?;
        Some((key, came))
    });
    let rows: Vec<_> = rows.collect();
    for chunk in rows.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO traffic (source, start, connections, messages, recipients, refused) ",
        );
        query.push_values(chunk, |mut row, (key, came)| {
            row.push_bind(key)
                .push_bind(start)
                .push_bind(number(came.connections))
                .push_bind(number(came.messages))
                .push_bind(came.recipients)
                .push_bind(number(came.refused));
        });
        query.push(
            " ON CONFLICT (source, start) DO UPDATE SET \
             connections = traffic.connections + excluded.connections, \
             messages = traffic.messages + excluded.messages, \
             recipients = traffic.recipients + excluded.recipients, \
             refused = traffic.refused + excluded.refused",
        );
        query
            .build()
            .persistent(chunk.len() == ROWS)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("DELETE FROM traffic WHERE start < $1")
        .bind(start - KEEP)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

/// The sum of all that is kept of `source`.
pub(super) async fn load(connection: &mut SqliteConnection, source: Network) -> Result<Traffic> {
    let Some(key) = evidence::source_key(source) else {
        return Ok(Traffic::default());
    };
    let (connections, messages, recipients, refused): (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT COALESCE(SUM(connections), 0), COALESCE(SUM(messages), 0), \
         COALESCE(SUM(recipients), 0), COALESCE(SUM(refused), 0) FROM traffic WHERE source = $1",
    )
    .bind(key)
    .fetch_one(connection)
    .await?;
    Ok(Traffic {
        connections: connections.unsigned_abs(),
        messages: messages.unsigned_abs(),
        recipients,
        refused: refused.unsigned_abs(),
    })
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
