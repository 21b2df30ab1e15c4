//! Evidence on disk, in the tables of migrations/0002_evidence.sql: rows in, [`SourceEvidence`]
//! out. All of it goes through the connection of the one writer's transaction, or of a reader.
//!
//! Complaints are kept one by one, mail in hourly sums. What is too old to be told apart is folded
//! into daily sums, and what is older than the memory is deleted. A record that would be folded at
//! once is refused before it comes here: so a repetition never outlives the digest that tells it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry},
    net::{IpAddr, Ipv6Addr},
    ops::RangeInclusive,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection, sqlite::SqliteRow};

use super::{
    model::{Evidence, Kind},
    score::{Complaint, SourceEvidence, Sum},
};
use crate::{config::ScoreConfig, network::Network};

/// Rows in one statement.
pub(super) const ROWS: usize = 500;
/// Seconds of a sum that is fresh, and of one that is folded.
pub(super) const HOUR: i64 = 3600;
pub(super) const DAY: i64 = 86_400;

/// For how many seconds mail is told apart by the hour, and a repetition of it is known. A day
/// more than any window: a daily sum never reaches into one.
pub(super) fn fresh_mail(config: &ScoreConfig) -> i64 {
    seconds(config.filter_window.max(config.bounce_window)) + DAY
}

pub(super) fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 4)
}

pub(super) type Result<T> = std::result::Result<T, sqlx::Error>;

/// A source as the store numbers it; `None` for what is none: the IPv6 networks that share the
/// numbers of IPv4 are reserved (RFC 4291 section 2.4: `::/96` and around it).
pub fn key(source: Network) -> Option<i64> {
    match source.address() {
        IpAddr::V4(v4) => Some(i64::from(v4.to_bits())),
        IpAddr::V6(v6) => {
            let (upper, _) = halves(v6);
            (!(0..=i64::from(u32::MAX)).contains(&upper)).then_some(upper)
        }
    }
}

/// The source of that number.
pub(super) fn source(key: i64) -> Network {
    Network::source(address(key, None))
}

fn address(key: i64, host: Option<i64>) -> IpAddr {
    if let Ok(v4) = u32::try_from(key) {
        return IpAddr::V4(v4.into());
    }
    let upper = u128::from(key.cast_unsigned()) << 64;
    let lower = u128::from(host.unwrap_or(0).cast_unsigned());
    IpAddr::V6(Ipv6Addr::from_bits(upper | lower))
}

/// The two halves of an IPv6 address, as the store keeps them.
fn halves(address: Ipv6Addr) -> (i64, i64) {
    let octets = address.octets();
    let half = |at| {
        let mut half = [0; 8];
        half.copy_from_slice(&octets[at..at + 8]);
        i64::from_be_bytes(half)
    };
    (half(0), half(8))
}

/// The numbers of all sources in `network`, a source at least.
pub(super) fn keys(network: Network) -> Option<RangeInclusive<i64>> {
    let last = Network::source(network.ipnet().broadcast());
    Some(key(Network::source(network.address()))?..=key(last)?)
}

/// Stores `records`, whose sources have numbers; tells for each whether it was new.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    records: &[(i64, &Evidence)],
) -> Result<Vec<bool>> {
    let mut new = vec![true; records.len()];
    let (complaints, mail): (Vec<_>, Vec<_>) =
        (0..records.len()).partition(|&at| matches!(records[at].1.kind(), Kind::Complaint { .. }));
    add_complaints(connection, records, &complaints, &mut new).await?;
    add_mail(connection, records, &mail, &mut new).await?;
    Ok(new)
}

async fn add_complaints(
    connection: &mut SqliteConnection,
    records: &[(i64, &Evidence)],
    complaints: &[usize],
    new: &mut [bool],
) -> Result<()> {
    if complaints.is_empty() {
        return Ok(());
    }
    repeated(connection, "complaints", records, complaints, new).await?;
    let added: Vec<usize> = complaints.iter().copied().filter(|&at| new[at]).collect();
    let names: BTreeSet<&str> = added.iter().map(|&at| &**records[at].1.from()).collect();
    let reporters = reporters(connection, &names).await?;
    let last: Option<i64> = sqlx::query_scalar("SELECT MAX(id) FROM complaints")
        .fetch_one(&mut *connection)
        .await?;
    let first = last.unwrap_or(0) + 1;
    let numbered: Vec<(i64, usize)> = (first..).zip(added).collect();
    for chunk in numbered.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO complaints (id, source, host, at, reporter, incidents, trap, digest) ",
        );
        query.push_values(chunk, |mut values, &(id, at)| {
            let (key, record) = records[at];
            let (incidents, trap) = match record.kind() {
                Kind::Complaint { incidents, trap } => (incidents, trap),
                other => (other.count(), false),
            };
            let host = match record.address() {
                IpAddr::V4(_) => None,
                IpAddr::V6(v6) => Some(halves(v6).1),
            };
            values
                .push_bind(id)
                .push_bind(key)
                .push_bind(host)
                .push_bind(record.at().as_second())
                .push_bind(reporters.get(&**record.from()).copied())
                .push_bind(i64::from(incidents))
                .push_bind(i64::from(trap))
                .push_bind(record.digest().map(super::model::Digest::to_i64));
        });
        insert(connection, &mut query, chunk.len()).await?;
    }
    Ok(())
}

/// Carries out an insertion of `rows` rows. Single rows and full chunks come again and again, so
/// their statements are kept.
async fn insert(
    connection: &mut SqliteConnection,
    query: &mut QueryBuilder<Sqlite>,
    rows: usize,
) -> Result<()> {
    let keep = rows == 1 || rows == ROWS;
    query.build().persistent(keep).execute(connection).await?;
    Ok(())
}

/// The numbers of those reporters, new ones among them.
async fn reporters<'n>(
    connection: &mut SqliteConnection,
    names: &BTreeSet<&'n str>,
) -> Result<HashMap<&'n str, i64>> {
    let mut numbers = HashMap::new();
    let names: Vec<_> = names.iter().copied().collect();
    for chunk in names.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO reporters (name) ");
        query.push_values(chunk, |mut values, name| {
            values.push_bind(*name);
        });
        query.push(" ON CONFLICT (name) DO NOTHING");
        query
            .build()
            .persistent(false)
            .execute(&mut *connection)
            .await?;
        let mut query =
            QueryBuilder::<Sqlite>::new("SELECT id, name FROM reporters WHERE name IN (");
        let mut list = query.separated(", ");
        for name in chunk {
            list.push_bind(*name);
        }
        query.push(")");
        let rows = query
            .build()
            .persistent(false)
            .fetch_all(&mut *connection)
            .await?;
        let found: HashMap<&str, i64> = rows
            .iter()
            .map(|row| Ok((row.try_get(1)?, row.try_get(0)?)))
            .collect::<Result<_>>()?;
        numbers.extend(
            chunk
                .iter()
                .filter_map(|&name| Some((name, *found.get(name)?))),
        );
    }
    Ok(numbers)
}

async fn add_mail(
    connection: &mut SqliteConnection,
    records: &[(i64, &Evidence)],
    mail: &[usize],
    new: &mut [bool],
) -> Result<()> {
    see(connection, records, mail, new).await?;
    let mut sums = BTreeMap::<(i64, i64), [i64; 3]>::new();
    for &at in mail.iter().filter(|&&at| new[at]) {
        let (key, record) = records[at];
        let second = record.at().as_second();
        let sum = sums
            .entry((key, second - second.rem_euclid(HOUR)))
            .or_default();
        let place = match record.kind() {
            Kind::Spam { .. } => &mut sum[0],
            Kind::Ham { .. } => &mut sum[1],
            Kind::Bounce { .. } | Kind::Complaint { .. } => &mut sum[2],
        };
        *place += i64::from(record.kind().count());
    }
    let sums: Vec<_> = sums.into_iter().collect();
    for chunk in sums.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO sums (source, start, length, spam, ham, bounced, complaints) ",
        );
        query.push_values(
            chunk,
            |mut values, &((key, start), [spam, ham, bounced])| {
                values
                    .push_bind(key)
                    .push_bind(start)
                    .push_bind(HOUR)
                    .push_bind(spam)
                    .push_bind(ham)
                    .push_bind(bounced)
                    .push_bind(0_i64);
            },
        );
        query.push(ADD_TO_SUM);
        insert(connection, &mut query, chunk.len()).await?;
    }
    Ok(())
}

/// What an insertion does where there is a sum already.
pub(super) const ADD_TO_SUM: &str = " ON CONFLICT (source, start, length) DO UPDATE SET \
    spam = sums.spam + excluded.spam, ham = sums.ham + excluded.ham, \
    bounced = sums.bounced + excluded.bounced, complaints = sums.complaints + excluded.complaints";

/// Notes the digests of mail, and which of it was seen before.
async fn see(
    connection: &mut SqliteConnection,
    records: &[(i64, &Evidence)],
    mail: &[usize],
    new: &mut [bool],
) -> Result<()> {
    let fresh = repeated(connection, "seen", records, mail, new).await?;
    let mut all: Vec<_> = fresh
        .into_iter()
        .map(|((key, digest), at)| (key, digest, records[at].1.at().as_second()))
        .collect();
    all.sort_unstable();
    for chunk in all.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO seen (source, digest, at) ");
        query.push_values(chunk, |mut values, &(key, digest, at)| {
            values.push_bind(key).push_bind(digest).push_bind(at);
        });
        insert(connection, &mut query, chunk.len()).await?;
    }
    Ok(())
}

/// A source, and what a record of it has in common with its repetition.
type Digested = (i64, i64);

/// Notes which of the records `at` are repetitions, of each other or of what `table` holds, and
/// returns the others that have a digest. To ask for those that are known is several times faster
/// than to have each insertion tell whether it was one: hardly any is known, and every row that
/// SQLite returns wakes two threads.
async fn repeated(
    connection: &mut SqliteConnection,
    table: &'static str,
    records: &[(i64, &Evidence)],
    at: &[usize],
    new: &mut [bool],
) -> Result<HashMap<Digested, usize>> {
    let mut first = HashMap::new();
    for &at in at {
        let (key, record) = records[at];
        if let Some(digest) = record.digest() {
            match first.entry((key, digest.to_i64())) {
                Entry::Vacant(place) => {
                    place.insert(at);
                }
                Entry::Occupied(_) => new[at] = false,
            }
        }
    }
    let mut all: Vec<Digested> = first.keys().copied().collect();
    all.sort_unstable();
    for chunk in all.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT known.source, known.digest FROM (");
        query.push_values(chunk, |mut values, &(key, digest)| {
            values.push_bind(key).push_bind(digest);
        });
        query.push(") AS asked CROSS JOIN ").push(table);
        query.push(" AS known WHERE known.source = asked.column1 AND known.digest = asked.column2");
        let keep = chunk.len() == 1 || chunk.len() == ROWS;
        let known = query
            .build()
            .persistent(keep)
            .fetch_all(&mut *connection)
            .await?;
        for row in known {
            if let Some(at) = first.remove(&(row.try_get(0)?, row.try_get(1)?)) {
                new[at] = false;
            }
        }
    }
    Ok(first)
}

/// What complaints are read by.
const COMPLAINTS: &str = "SELECT complaints.source, complaints.host, complaints.at, reporters.name, \
    complaints.incidents, complaints.trap FROM complaints \
    JOIN reporters ON reporters.id = complaints.reporter WHERE ";
const SUMS: &str = "SELECT source, start, length, spam, ham, bounced, complaints FROM sums WHERE ";

/// All that is on record of these sources.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    sources: &[i64],
) -> Result<HashMap<i64, SourceEvidence>> {
    let mut found = HashMap::new();
    for chunk in sources.chunks(ROWS) {
        let keep = chunk.len() == 1 || chunk.len() == ROWS;
        for (select, take) in [
            (
                COMPLAINTS,
                take_complaint as fn(&SqliteRow, &mut HashMap<_, _>) -> _,
            ),
            (SUMS, take_sum),
        ] {
            let mut query = QueryBuilder::<Sqlite>::new(select);
            query.push("source IN (");
            let mut list = query.separated(", ");
            for &key in chunk {
                list.push_bind(key);
            }
            query.push(")");
            for row in query
                .build()
                .persistent(keep)
                .fetch_all(&mut *connection)
                .await?
            {
                take(&row, &mut found)?;
            }
        }
    }
    Ok(found)
}

/// All that is on record of the sources in `network`.
pub(super) async fn load_within(
    connection: &mut SqliteConnection,
    network: Network,
) -> Result<HashMap<i64, SourceEvidence>> {
    let mut found = HashMap::new();
    let Some(keys) = keys(network) else {
        return Ok(found);
    };
    for (select, take) in [
        (
            COMPLAINTS,
            take_complaint as fn(&SqliteRow, &mut HashMap<_, _>) -> _,
        ),
        (SUMS, take_sum),
    ] {
        let mut query = QueryBuilder::<Sqlite>::new(select);
        query.push("source BETWEEN ").push_bind(*keys.start());
        query.push(" AND ").push_bind(*keys.end());
        for row in query.build().fetch_all(&mut *connection).await? {
            take(&row, &mut found)?;
        }
    }
    Ok(found)
}

fn take_complaint(row: &SqliteRow, found: &mut HashMap<i64, SourceEvidence>) -> Result<()> {
    let evidence: &mut SourceEvidence = found.entry(row.try_get(0)?).or_default();
    evidence.complaints.push(Complaint {
        at: time(row, 2)?,
        reporter: row.try_get::<&str, _>(3)?.into(),
        incidents: u32::try_from(row.try_get::<i64, _>(4)?).unwrap_or(u32::MAX),
        trap: row.try_get::<i64, _>(5)? != 0,
    });
    Ok(())
}

fn take_sum(row: &SqliteRow, found: &mut HashMap<i64, SourceEvidence>) -> Result<()> {
    let evidence: &mut SourceEvidence = found.entry(row.try_get(0)?).or_default();
    let count = |column: usize| {
        row.try_get::<i64, _>(column)
            .map(|n| n.max(0).unsigned_abs())
    };
    evidence.sums.push(Sum {
        start: time(row, 1)?,
        length: u32::try_from(row.try_get::<i64, _>(2)?).unwrap_or(u32::MAX),
        spam: count(3)?,
        ham: count(4)?,
        bounced: count(5)?,
        complaints: count(6)?,
    });
    Ok(())
}

fn time(row: &SqliteRow, column: usize) -> Result<Timestamp> {
    Timestamp::from_second(row.try_get(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A complaint on record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recorded {
    /// The address that connected.
    pub address: IpAddr,
    /// When.
    pub at: Timestamp,
    /// Who complained.
    pub reporter: Arc<str>,
    /// Of how many messages.
    pub incidents: u32,
    /// Whether a trap was hit.
    pub trap: bool,
}

/// The complaints on record, of `network` and since `since` where given, those that came last
/// first, at most `limit`.
pub(super) async fn complaints(
    connection: &mut SqliteConnection,
    network: Option<Network>,
    since: Option<Timestamp>,
    limit: u32,
) -> Result<Vec<Recorded>> {
    let mut query = QueryBuilder::<Sqlite>::new(COMPLAINTS);
    query.push("complaints.at >= ");
    query.push_bind(since.map_or(i64::MIN, Timestamp::as_second));
    if let Some(network) = network {
        let Some(keys) = keys(network) else {
            return Ok(Vec::new());
        };
        query.push(" AND source BETWEEN ").push_bind(*keys.start());
        query.push(" AND ").push_bind(*keys.end());
    }
    query
        .push(" ORDER BY complaints.id DESC LIMIT ")
        .push_bind(i64::from(limit));
    let rows = query.build().fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            Ok(Recorded {
                address: address(row.try_get(0)?, row.try_get(1)?),
                at: time(row, 2)?,
                reporter: row.try_get::<&str, _>(3)?.into(),
                incidents: u32::try_from(row.try_get::<i64, _>(4)?).unwrap_or(u32::MAX),
                trap: row.try_get::<i64, _>(5)? != 0,
            })
        })
        .collect()
}
