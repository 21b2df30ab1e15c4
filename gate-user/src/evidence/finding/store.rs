//! Findings on disk, in the tables of migrations/0005_findings.sql.

use std::collections::{HashMap, HashSet};

use gate_common::Reason;
use jiff::Timestamp;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::model::{Finding, Reverse, Sample};
use crate::{
    book::sort_key,
    config::DnsblList,
    evidence::{
        score::{DnsblAnswer, PtrClass, SourceEvidence},
        store::{ROWS, Result, key, keys},
    },
    names::Pattern,
    network::Network,
};

/// A finding as it is stored: with its source's number, and when DNS is to be asked again.
pub(super) struct Row {
    pub(super) key: i64,
    pub(super) again: Option<Timestamp>,
    pub(super) finding: Finding,
}

/// Stores findings, each in the place of the former one of its source. One that was only judged again,
/// and tells nothing newer, does not put off when DNS is asked.
pub(super) async fn put(connection: &mut SqliteConnection, rows: &[Row]) -> Result<()> {
    let said: Vec<String> = rows
        .iter()
        .map(|row| serde_json::to_string(&row.finding).map_err(encode))
        .collect::<Result<_>>()?;
    let all: Vec<_> = rows.iter().zip(&said).collect();
    for chunk in all.chunks(ROWS) {
        let mut query =
            QueryBuilder::<Sqlite>::new("INSERT INTO findings (source, at, again, name, said) ");
        query.push_values(chunk, |mut values, (row, said)| {
            values
                .push_bind(row.key)
                .push_bind(row.finding.at.as_second())
                .push_bind(row.again.map(Timestamp::as_second))
                .push_bind(row.finding.name().map(ToString::to_string))
                .push_bind(said.as_str());
        });
        query.push(
            " ON CONFLICT (source) DO UPDATE SET at = excluded.at, name = excluded.name, \
             said = excluded.said, \
             again = CASE WHEN excluded.again IS NULL OR excluded.at > findings.at \
             OR findings.again IS NULL OR findings.again > excluded.again \
             THEN excluded.again ELSE findings.again END",
        );
        query
            .build()
            .persistent(chunk.len() == 1)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// What is on record of these sources.
pub(in crate::evidence) async fn load(
    connection: &mut SqliteConnection,
    sources: &[i64],
) -> Result<HashMap<i64, Finding>> {
    let mut found = HashMap::new();
    for chunk in sources.chunks(ROWS) {
        let mut query =
            QueryBuilder::<Sqlite>::new("SELECT source, said FROM findings WHERE source IN (");
        let mut list = query.separated(", ");
        for &key in chunk {
            list.push_bind(key);
        }
        query.push(")");
        let keep = chunk.len() == 1 || chunk.len() == ROWS;
        let rows = query.build().persistent(keep).fetch_all(&mut *connection);
        for row in rows.await? {
            if let Some(finding) = read(row.try_get(1)?) {
                found.insert(row.try_get(0)?, finding);
            }
        }
    }
    Ok(found)
}

/// What is on record of the sources in `network`.
pub(in crate::evidence) async fn load_within(
    connection: &mut SqliteConnection,
    network: Network,
) -> Result<HashMap<i64, Finding>> {
    let Some(keys) = keys(network) else {
        return Ok(HashMap::new());
    };
    let rows = sqlx::query("SELECT source, said FROM findings WHERE source BETWEEN $1 AND $2")
        .bind(*keys.start())
        .bind(*keys.end())
        .fetch_all(connection)
        .await?;
    let mut found = HashMap::new();
    for row in rows {
        if let Some(finding) = read(row.try_get(1)?) {
            found.insert(row.try_get(0)?, finding);
        }
    }
    Ok(found)
}

/// The numbers of the sources in `networks`, and of those whose name meets one of `patterns`.
pub(super) async fn keys_of(
    connection: &mut SqliteConnection,
    networks: &[Network],
    patterns: &[Pattern],
) -> Result<Vec<i64>> {
    let mut found = Vec::<i64>::new();
    for keys in networks.iter().filter_map(|&network| keys(network)) {
        let within: Vec<i64> =
            sqlx::query_scalar("SELECT source FROM findings WHERE source BETWEEN $1 AND $2")
                .bind(*keys.start())
                .bind(*keys.end())
                .fetch_all(&mut *connection)
                .await?;
        found.extend(within);
    }
    for pattern in patterns {
        let named: Vec<i64> =
            sqlx::query_scalar(r"SELECT source FROM findings WHERE name LIKE $1 ESCAPE '\'")
                .bind(like(pattern.as_str()))
                .fetch_all(&mut *connection)
                .await?;
        found.extend(named);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Lets all that is ever to be asked again be asked again by `now`, and tells whom.
pub(super) async fn ask_all_again(
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<Vec<i64>> {
    sqlx::query("UPDATE findings SET again = $1 WHERE again > $1")
        .bind(now.as_second())
        .execute(&mut *connection)
        .await?;
    sqlx::query_scalar("SELECT source FROM findings WHERE again IS NOT NULL")
        .fetch_all(connection)
        .await
}

/// Notes that `source` is not to be listed for `reason`, if anything is on record of it.
pub(super) async fn pardon(
    connection: &mut SqliteConnection,
    source: Network,
    reason: Reason,
) -> Result<()> {
    let Some(key) = key(source) else {
        return Ok(());
    };
    let Some(mut finding) = load(connection, &[key]).await?.remove(&key) else {
        return Ok(());
    };
    if !finding.pardoned.contains(&reason) {
        finding.pardoned.push(reason);
    }
    let said = serde_json::to_string(&finding).map_err(encode)?;
    sqlx::query("UPDATE findings SET said = $1 WHERE source = $2")
        .bind(said)
        .bind(key)
        .execute(connection)
        .await?;
    Ok(())
}

/// What is on record of the sources about which `list` may have been heard since `since`.
pub(super) async fn heard_of(
    connection: &mut SqliteConnection,
    list: &str,
    since: Timestamp,
) -> Result<Vec<Finding>> {
    let rows: Vec<String> =
        sqlx::query_scalar(r"SELECT said FROM findings WHERE at >= $1 AND said LIKE $2 ESCAPE '\'")
            .bind(since.as_second())
            .bind(like(&format!("*\"{list}\"*")))
            .fetch_all(connection)
            .await?;
    Ok(rows.iter().filter_map(|said| read(said)).collect())
}

/// A glob in SQL's words: `%` for any text, `_` for any character, `\` before one that stands for
/// itself.
fn like(glob: &str) -> String {
    glob.chars().fold(String::new(), |mut like, c| {
        match c {
            '*' => like.push('%'),
            '?' => like.push('_'),
            '%' | '_' | '\\' => like.extend(['\\', c]),
            other => like.push(other),
        }
        like
    })
}

/// The sources that are to be asked about again by `now`, those first that waited longest.
pub(super) async fn due(
    connection: &mut SqliteConnection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Finding>> {
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT said FROM findings WHERE again <= $1 ORDER BY again LIMIT $2")
            .bind(now.as_second())
            .bind(i64::from(limit))
            .fetch_all(connection)
            .await?;
    Ok(rows.iter().filter_map(|said| read(said)).collect())
}

/// Forgets what was told before `before`, and of the rest all but the newest `keep` that nobody is
/// listed for; and of the listings for names those that have ended before `past`: an attacker can make
/// as many of them as he has addresses.
pub(in crate::evidence) async fn forget(
    connection: &mut SqliteConnection,
    before: Timestamp,
    keep: u32,
    past: Timestamp,
) -> Result<()> {
    sqlx::query("DELETE FROM findings WHERE at < $1")
        .bind(before.as_second())
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "DELETE FROM findings WHERE again IS NULL AND at <= \
         (SELECT at FROM findings ORDER BY at DESC LIMIT 1 OFFSET $1)",
    )
    .bind(i64::from(keep))
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM entries WHERE origin = 'ptr' AND ended < $1")
        .bind(past.as_second())
        .execute(&mut *connection)
        .await?;
    forget_samples(connection, before).await
}

/// Forgets the samples that were taken before `before`, but not those of networks that are rolled
/// up: by them a network is left as it was entered.
async fn forget_samples(connection: &mut SqliteConnection, before: Timestamp) -> Result<()> {
    let old: Vec<String> = sqlx::query_scalar("SELECT network FROM samples WHERE at < $1")
        .bind(before.as_second())
        .fetch_all(&mut *connection)
        .await?;
    for network in old {
        // By the key of the book's index: the book may be large.
        let key = network.parse().map(sort_key).unwrap_or_default();
        sqlx::query(
            "DELETE FROM samples WHERE network = $1 AND NOT EXISTS (SELECT 1 FROM entries \
             WHERE sort_key = $2 AND standing = $3 AND ended IS NULL)",
        )
        .bind(network)
        .bind(key)
        .bind(Reason::Rollup.code())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Stores a sample in the place of the former one of its network.
pub(super) async fn put_sample(connection: &mut SqliteConnection, sample: &Sample) -> Result<()> {
    let classes = serde_json::to_string(&sample.classes).map_err(encode)?;
    sqlx::query(
        "INSERT INTO samples (network, at, classes) VALUES ($1, $2, $3) \
         ON CONFLICT (network) DO UPDATE SET at = excluded.at, classes = excluded.classes",
    )
    .bind(sample.network.to_string())
    .bind(sample.at.as_second())
    .bind(classes)
    .execute(connection)
    .await?;
    Ok(())
}

/// The PTR names of the sample of `network`, if one is on record.
pub(in crate::evidence) async fn sample(
    connection: &mut SqliteConnection,
    network: Network,
) -> Result<Option<Vec<PtrClass>>> {
    let classes: Option<String> =
        sqlx::query_scalar("SELECT classes FROM samples WHERE network = $1")
            .bind(network.to_string())
            .fetch_optional(connection)
            .await?;
    let read = |text: String| serde_json::from_str(&text).map_err(decode);
    classes.map(read).transpose()
}

/// Adds what DNS said to the evidence of each source, as far as it was told since `since` and its list
/// is configured still.
pub(in crate::evidence) fn add_to(
    evidence: &mut HashMap<i64, SourceEvidence>,
    findings: HashMap<i64, Finding>,
    since: Timestamp,
    lists: &[DnsblList],
) {
    if findings.is_empty() {
        return;
    }
    let lists: HashSet<_> = lists
        .iter()
        .map(|list| list.public_name().to_shared())
        .collect();
    for (key, finding) in findings {
        let ptr = finding.reverse.as_ref().filter(|is| is.at >= since);
        let ptr = ptr.map(Reverse::class);
        let dnsbl: Vec<_> = finding
            .listing()
            .filter(|one| one.at >= since && one.points > 0 && lists.contains(&one.list))
            .map(|one| DnsblAnswer {
                zone: one.list.clone(),
                points: one.points,
            })
            .collect();
        if ptr.is_some() || !dnsbl.is_empty() {
            let evidence = evidence.entry(key).or_default();
            evidence.ptr = ptr;
            evidence.dnsbl = dnsbl;
        }
    }
}

/// The number of a finding's source, if it has one.
pub(super) fn key_of(finding: &Finding) -> Option<i64> {
    key(finding.source())
}

/// A row's finding. One that cannot be read is as if it were not there: its source is asked about
/// when it comes again.
fn read(said: &str) -> Option<Finding> {
    let finding = serde_json::from_str(said);
    finding
        .inspect_err(|error| tracing::error!(%error, said, "cannot read a finding on record"))
        .ok()
}

fn decode(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

fn encode(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Encode(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_in_the_words_of_sql() {
        for (glob, expected) in [
            ("*.dyn.example.net", "%.dyn.example.net"),
            ("host-?.a_b.example", r"host-_.a\_b.example"),
            (r"50%.\*.example", r"50\%.\\%.example"),
        ] {
            assert_eq!(like(glob), expected);
        }
    }
}
