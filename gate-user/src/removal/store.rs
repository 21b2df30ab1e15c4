//! Requests on disk: the table removal_requests of migrations/0002_evidence.sql.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use jiff::Timestamp;
use sqlx::{QueryBuilder, Row as _, Sqlite, sqlite::SqliteRow};

use super::rule::Decision;
use crate::{
    book::{BookError, History, Work, sort_key},
    config::RemovalConfig,
    network::Network,
};

/// Sources in one statement.
const ROWS: usize = 500;

/// A request to be filed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Filing {
    /// The address that is to be no longer listed.
    pub address: IpAddr,
    /// How whoever asks is reached.
    pub contact: Option<String>,
    /// What they say.
    pub note: Option<String>,
    /// What was decided.
    pub decision: Decision,
    /// For each listing what was decided and why, one a line.
    pub explanation: String,
    /// The score that decided.
    pub score: u8,
    /// What it was made of, in one line.
    pub evidence: String,
}

/// A request on record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Filed {
    /// Its number.
    pub id: i64,
    /// When it was made.
    pub at: Timestamp,
    /// Who gave it to the daemon.
    pub asked_by: String,
    /// The request, with the decision in force.
    pub filing: Filing,
    /// When the decision was made; `None` while the postmaster is to decide.
    pub decided: Option<Timestamp>,
    /// By whom.
    pub decided_by: Option<String>,
}

/// A limit that a request exceeds.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{count} requests for {what} within {}: try again later", humantime::format_duration(*window))]
pub struct Limit {
    what: String,
    count: i64,
    window: std::time::Duration,
}

const COLUMNS: &str = "id, at, address, contact, note, asked_by, decision, explanation, score, \
    evidence, decided, decided_by";

/// Files a request, unless there were too many.
///
/// # Errors
/// The outer one if the database fails.
pub async fn file(
    work: &mut Work<'_>,
    filing: &Filing,
    by: &str,
    config: &RemovalConfig,
) -> Result<Result<i64, Limit>, BookError> {
    let now = work.now().as_second();
    let doing = "filing a removal request";
    if let Some(limit) = exceeded(work, filing, now, config).await? {
        return Ok(Err(limit));
    }
    let last: Result<Option<i64>, _> = sqlx::query_scalar("SELECT MAX(id) FROM removal_requests")
        .fetch_one(&mut *work.connection())
        .await;
    let id = last
        .map_err(|source| work.failed(doing, source))?
        .unwrap_or(0)
        + 1;
    let queued = filing.decision == Decision::Queued;
    let stored = sqlx::query(
        "INSERT INTO removal_requests (id, at, address, sort_key, contact, note, asked_by, \
         decision, explanation, score, evidence, decided, decided_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(id)
    .bind(now)
    .bind(filing.address.to_string())
    .bind(sort_key(Network::source(filing.address)))
    .bind(filing.contact.as_deref())
    .bind(filing.note.as_deref())
    .bind(by)
    .bind(filing.decision.as_str())
    .bind(&filing.explanation)
    .bind(i64::from(filing.score))
    .bind(&filing.evidence)
    .bind((!queued).then_some(now))
    .bind((!queued).then_some("gated"))
    .execute(&mut *work.connection())
    .await;
    stored.map_err(|source| work.failed(doing, source))?;
    Ok(Ok(id))
}

async fn exceeded(
    work: &mut Work<'_>,
    filing: &Filing,
    now: i64,
    config: &RemovalConfig,
) -> Result<Option<Limit>, BookError> {
    let window = i64::try_from(config.window.as_secs()).unwrap_or(i64::MAX / 4);
    let doing = "counting removal requests";
    let network = Network::around(filing.address);
    let last = Network::host(network.ipnet().broadcast());
    let count: Result<i64, _> = sqlx::query_scalar(
        "SELECT COUNT(*) FROM removal_requests WHERE sort_key >= $1 AND sort_key <= $2 AND at > $3",
    )
    .bind(sort_key(network))
    .bind(sort_key(last))
    .bind(now - window)
    .fetch_one(&mut *work.connection())
    .await;
    let count = count.map_err(|source| work.failed(doing, source))?;
    if count >= i64::from(config.per_network) {
        let what = network.to_string();
        let window = config.window;
        return Ok(Some(Limit {
            what,
            count,
            window,
        }));
    }
    let Some(contact) = &filing.contact else {
        return Ok(None);
    };
    let count: Result<i64, _> =
        sqlx::query_scalar("SELECT COUNT(*) FROM removal_requests WHERE contact = $1 AND at > $2")
            .bind(contact)
            .bind(now - window)
            .fetch_one(&mut *work.connection())
            .await;
    let count = count.map_err(|source| work.failed(doing, source))?;
    Ok((count >= i64::from(config.per_contact)).then(|| Limit {
        what: contact.clone(),
        count,
        window: config.window,
    }))
}

/// Decides a queued request, granted or refused.
///
/// # Errors
/// If the database fails.
pub async fn resolve(
    work: &mut Work<'_>,
    id: i64,
    decision: Decision,
    by: &str,
) -> Result<(), BookError> {
    let now = work.now().as_second();
    let stored = sqlx::query(
        "UPDATE removal_requests SET decision = $1, decided = $2, decided_by = $3 WHERE id = $4",
    )
    .bind(decision.as_str())
    .bind(now)
    .bind(by)
    .bind(id)
    .execute(&mut *work.connection())
    .await;
    stored.map_err(|source| work.failed("deciding a removal request", source))?;
    Ok(())
}

/// Those of `sources` for which a request was granted since `since`.
///
/// # Errors
/// If the database fails.
pub async fn granted_since(
    work: &mut Work<'_>,
    sources: &[Network],
    since: Timestamp,
) -> Result<HashSet<Network>, BookError> {
    let mut granted = HashSet::new();
    for chunk in sources.chunks(ROWS) {
        let by_key: HashMap<_, _> = chunk.iter().map(|&is| (sort_key(is), is)).collect();
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT DISTINCT sort_key FROM removal_requests WHERE decision = 'granted' \
             AND decided >= ",
        );
        query.push_bind(since.as_second());
        query.push(" AND sort_key IN (");
        let mut list = query.separated(", ");
        for key in by_key.keys() {
            list.push_bind(key);
        }
        query.push(")");
        let keys: Result<Vec<String>, _> = query
            .build_query_scalar()
            .persistent(chunk.len() == 1)
            .fetch_all(&mut *work.connection())
            .await;
        let keys = keys.map_err(|source| work.failed("reading removal requests", source))?;
        granted.extend(keys.iter().filter_map(|key| by_key.get(key)));
    }
    Ok(granted)
}

/// The request of that number, or the latest `limit` of those with `decision`, if given.
///
/// # Errors
/// If the database cannot be read.
pub async fn find(
    history: &History,
    id: Option<i64>,
    decision: Option<Decision>,
    limit: u32,
) -> Result<Vec<Filed>, BookError> {
    let mut connection = history.connection().await?;
    let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
    query
        .push(COLUMNS)
        .push(" FROM removal_requests WHERE 1 = 1");
    if let Some(id) = id {
        query.push(" AND id = ").push_bind(id);
    }
    if let Some(decision) = decision {
        query.push(" AND decision = ").push_bind(decision.as_str());
    }
    query
        .push(" ORDER BY id DESC LIMIT ")
        .push_bind(i64::from(limit));
    let rows = query.build().fetch_all(&mut *connection).await;
    rows.and_then(|rows| rows.iter().map(filed).collect())
        .map_err(|source| history.failed("reading removal requests", source))
}

fn filed(row: &SqliteRow) -> Result<Filed, sqlx::Error> {
    fn bad(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
        sqlx::Error::Decode(error.into())
    }
    let time = |second| Timestamp::from_second(second).map_err(bad);
    let decision: &str = row.try_get("decision")?;
    let decision = Decision::ALL.into_iter().find(|is| is.as_str() == decision);
    Ok(Filed {
        id: row.try_get("id")?,
        at: time(row.try_get("at")?)?,
        asked_by: row.try_get("asked_by")?,
        filing: Filing {
            address: row.try_get::<&str, _>("address")?.parse().map_err(bad)?,
            contact: row.try_get("contact")?,
            note: row.try_get("note")?,
            decision: decision.ok_or_else(|| bad("no decision"))?,
            explanation: row.try_get("explanation")?,
            score: u8::try_from(row.try_get::<i64, _>("score")?).map_err(bad)?,
            evidence: row.try_get("evidence")?,
        },
        decided: row
            .try_get::<Option<i64>, _>("decided")?
            .map(time)
            .transpose()?,
        decided_by: row.try_get("decided_by")?,
    })
}
