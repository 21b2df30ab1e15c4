//! Rules on disk: a table for each kind, as migrations/0004_names.sql has them.

use jiff::Timestamp;
use sqlx::{QueryBuilder, Row as _, Sqlite, sqlite::SqliteRow};

use super::{
    draft::{Change, Outcome, Refusal, draft},
    entry::{Entry, Roster, Rule},
};
use crate::book::{BookError, End, History, Origin, Renewal, Work};

/// Numbers in one statement.
const ROWS: usize = 500;

/// A rule, in force or ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Past<R> {
    /// What it was, with its number, origin and comment, and when it was to end by itself.
    pub entry: Entry<R>,
    /// Who asked for it.
    pub added_by: String,
    /// The last renewal, if there was one.
    pub renewed: Option<Renewal>,
    /// How it ended; `None` while it is in force.
    pub end: Option<End>,
}

/// What can go wrong with a roster.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// A change that it does not take.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store.
    #[error(transparent)]
    Store(#[from] BookError),
}

/// The rules in force.
///
/// # Errors
/// If the table cannot be read in full: nothing of it is ever passed over.
pub async fn load<R: Rule>(history: &History) -> Result<Roster<R>, BookError> {
    let mut connection = history.connection().await?;
    let mut query = select::<R>();
    query.push(" WHERE ended IS NULL");
    let rows = query.build().fetch_all(&mut *connection).await;
    let entries: Result<Vec<_>, _> =
        rows.and_then(|rows| rows.iter().map(|row| Ok(past(row)?.entry)).collect());
    let entries = entries.map_err(|source| history.failed("loading operators' rules", source))?;
    Ok(Roster::of(entries))
}

/// Carries a change of `roster` out in the book's transaction; the roster that is in force once
/// that is committed. `by` is who asked.
///
/// # Errors
/// [`RosterError::Refused`] if the change is not taken, [`RosterError::Store`] if it cannot be
/// stored.
pub async fn apply<R: Rule>(
    work: &mut Work<'_>,
    roster: &Roster<R>,
    change: Change<R>,
    by: &str,
) -> Result<(Roster<R>, Outcome<R>), RosterError> {
    let doing = "storing operators' rules";
    let mut query = QueryBuilder::<Sqlite>::new("SELECT MAX(id) FROM ");
    query.push(R::TABLE);
    let last = query.build_query_scalar::<Option<i64>>();
    let last = last.fetch_one(&mut *work.connection()).await;
    let last = last.map_err(|source| work.failed(doing, source))?;
    let now = work.now();
    let (next, outcome) = draft(roster, last.unwrap_or(0) + 1, change, now)?;
    let queries = match &outcome {
        Outcome::Added(entry) => vec![insert(entry, by)],
        Outcome::Renewed(entry) => vec![renew(entry, now, by)],
        Outcome::Ended(ended, cause) => ended
            .chunks(ROWS)
            .map(|ended| end(ended, cause.as_str(), now, by))
            .collect(),
    };
    for mut query in queries {
        let query = query.build().persistent(false);
        let done = query.execute(&mut *work.connection()).await;
        done.map_err(|source| work.failed(doing, source))?;
    }
    Ok((next, outcome))
}

fn insert<R: Rule>(entry: &Entry<R>, by: &str) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("INSERT INTO ");
    query
        .push(R::TABLE)
        .push(" (id, ")
        .push(R::COLUMNS.join(", "));
    query.push(", origin, comment, since, added_by, expires) VALUES (");
    let mut values = query.separated(", ");
    values.push_bind(entry.id);
    for column in entry.rule.columns() {
        values.push_bind(column);
    }
    values
        .push_bind(entry.origin.to_string())
        .push_bind(entry.comment.as_deref().map(str::to_owned))
        .push_bind(entry.since.as_second())
        .push_bind(by.to_owned())
        .push_bind(entry.expires.map(Timestamp::as_second));
    query.push(")");
    query
}

fn renew<R: Rule>(entry: &Entry<R>, now: Timestamp, by: &str) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("UPDATE ");
    query.push(R::TABLE).push(" SET renewed = ");
    query.push_bind(now.as_second()).push(", renewed_by = ");
    query.push_bind(by.to_owned()).push(", comment = ");
    query.push_bind(entry.comment.as_deref().map(str::to_owned));
    query.push(", expires = ");
    query.push_bind(entry.expires.map(Timestamp::as_second));
    query.push(" WHERE id = ").push_bind(entry.id);
    query
}

fn end<R: Rule>(
    ended: &[Entry<R>],
    cause: &'static str,
    now: Timestamp,
    by: &str,
) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("UPDATE ");
    query.push(R::TABLE).push(" SET ended = ");
    query.push_bind(now.as_second()).push(", end_cause = ");
    query.push_bind(cause).push(", ended_by = ");
    query.push_bind(by.to_owned()).push(" WHERE id IN (");
    let mut list = query.separated(", ");
    for entry in ended {
        list.push_bind(entry.id);
    }
    query.push(")");
    query
}

/// The rules whose first column is `first` (of all if not given), in force and ended, the youngest
/// first, at most `limit`.
///
/// # Errors
/// If the store cannot be read.
pub async fn history<R: Rule>(
    history: &History,
    first: Option<&str>,
    limit: u32,
) -> Result<Vec<Past<R>>, BookError> {
    let mut connection = history.connection().await?;
    let mut query = select::<R>();
    if let Some(first) = first {
        query.push(" WHERE ").push(R::COLUMNS[0]).push(" = ");
        query.push_bind(first.to_owned());
    }
    query.push(" ORDER BY since DESC, id DESC LIMIT ");
    query.push_bind(i64::from(limit));
    let rows = query.build().fetch_all(&mut *connection).await;
    rows.and_then(|rows| rows.iter().map(past).collect())
        .map_err(|source| history.failed("reading the history of operators' rules", source))
}

fn select<R: Rule>() -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(R::COLUMNS.join(", "));
    query.push(
        ", id, origin, comment, since, added_by, expires, renewed, renewed_by, ended, end_cause, \
         ended_by FROM ",
    );
    query.push(R::TABLE);
    query
}

fn past<R: Rule>(row: &SqliteRow) -> Result<Past<R>, sqlx::Error> {
    let id: i64 = row.try_get("id")?;
    let bad = |what: &str, why: &dyn std::fmt::Display| {
        sqlx::Error::Decode(format!("{}, row {id}, {what}: {why}", R::TABLE).into())
    };
    let time = |column: &str| -> Result<Option<Timestamp>, sqlx::Error> {
        let second = row.try_get::<Option<i64>, _>(column)?;
        let time = second.map(Timestamp::from_second).transpose();
        time.map_err(|error| bad(column, &error))
    };
    let [first, second] = R::COLUMNS;
    let columns = [row.try_get(first)?, row.try_get(second)?];
    let origin: Result<Origin, _> = row.try_get::<&str, _>("origin")?.parse();
    let by = |column: &str| row.try_get::<Option<String>, _>(column);
    Ok(Past {
        entry: Entry {
            id,
            rule: R::from_columns(columns).map_err(|error| bad(first, &error))?,
            origin: origin.map_err(|error| bad("origin", &error))?,
            comment: row.try_get::<Option<&str>, _>("comment")?.map(Into::into),
            since: time("since")?.ok_or_else(|| bad("since", &"there is none"))?,
            expires: time("expires")?,
        },
        added_by: row.try_get("added_by")?,
        // The table has both or neither.
        renewed: match (time("renewed")?, by("renewed_by")?) {
            (Some(at), Some(by)) => Some(Renewal { at, by }),
            _ => None,
        },
        end: match (time("ended")?, by("ended_by")?) {
            (Some(at), Some(by)) => Some(End {
                at,
                cause: row
                    .try_get::<&str, _>("end_cause")?
                    .parse()
                    .map_err(|error| bad("end_cause", &error))?,
                by,
            }),
            _ => None,
        },
    })
}
