//! Folding: what is too old to be told apart goes into daily sums, and what is older than the
//! memory goes altogether, so that the store stays bounded by what comes in.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::store::{ADD_TO_SUM, DAY, HOUR, ROWS, Result, fresh_mail, seconds};
use crate::config::ScoreConfig;

/// Folds one hour's worth of what is too old to be told apart, and deletes what is forgotten.
/// Returns whether there may be more to fold. No score changes by it but for the end of a window.
pub(super) async fn fold(
    connection: &mut SqliteConnection,
    now: Timestamp,
    config: &ScoreConfig,
) -> Result<bool> {
    let now = now.as_second();
    let mail = now - fresh_mail(config) - HOUR;
    let oldest: Option<i64> = sqlx::query_scalar("SELECT MIN(start) FROM sums WHERE length = 3600")
        .fetch_one(&mut *connection)
        .await?;
    let hour = oldest.filter(|&oldest| oldest < mail);
    if let Some(hour) = hour {
        let fold = format!(
            "INSERT INTO sums (source, start, length, spam, ham, bounced, complaints) \
             SELECT source, $1, 86400, spam, ham, bounced, complaints FROM sums \
             WHERE length = 3600 AND start = $2{ADD_TO_SUM}"
        );
        sqlx::query(sqlx::AssertSqlSafe(fold))
            .bind(hour - hour.rem_euclid(DAY))
            .bind(hour)
            .execute(&mut *connection)
            .await?;
        sqlx::query("DELETE FROM sums WHERE length = 3600 AND start = $1")
            .bind(hour)
            .execute(&mut *connection)
            .await?;
    }
    let window = now - seconds(config.complaint_window) - HOUR;
    let oldest: Option<i64> = sqlx::query_scalar("SELECT MIN(at) FROM complaints")
        .fetch_one(&mut *connection)
        .await?;
    let oldest = oldest.filter(|&oldest| oldest < window);
    if let Some(oldest) = oldest {
        let end = (oldest + HOUR).min(window);
        let fold = format!(
            "INSERT INTO sums (source, start, length, spam, ham, bounced, complaints) \
             SELECT source, $1, 86400, 0, 0, 0, SUM(incidents) FROM complaints \
             WHERE at < $2 GROUP BY source{ADD_TO_SUM}"
        );
        sqlx::query(sqlx::AssertSqlSafe(fold))
            .bind(oldest - oldest.rem_euclid(DAY))
            .bind(end)
            .execute(&mut *connection)
            .await?;
        let folded = sqlx::query_scalar("DELETE FROM complaints WHERE at < $1 RETURNING reporter")
            .bind(end)
            .fetch_all(&mut *connection)
            .await?;
        forget(connection, folded.into_iter().collect()).await?;
    }
    sqlx::query("DELETE FROM sums WHERE length = 86400 AND start < $1")
        .bind(now - seconds(config.memory) - DAY)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM seen WHERE at < $1")
        .bind(now - fresh_mail(config) - HOUR)
        .execute(&mut *connection)
        .await?;
    Ok(hour.is_some() || oldest.is_some())
}

/// Deletes those of `reporters` of whom no complaint is left. Names are whatever somebody wrote
/// into a mail: there is no end of them.
async fn forget(connection: &mut SqliteConnection, reporters: BTreeSet<i64>) -> Result<()> {
    let reporters: Vec<_> = reporters.into_iter().collect();
    for chunk in reporters.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("DELETE FROM reporters WHERE id IN (");
        let mut list = query.separated(", ");
        for id in chunk {
            list.push_bind(*id);
        }
        query.push(
            ") AND NOT EXISTS (SELECT 1 FROM complaints WHERE complaints.reporter = reporters.id)",
        );
        query
            .build()
            .persistent(false)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
