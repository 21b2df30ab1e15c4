//! What is and was in the book: entries with who made them and how they ended, from the store.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use sqlx::{
    QueryBuilder, Sqlite, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{
    change::EndCause,
    error::BookError,
    listing::{ListingId, Origin},
    record::Standing,
    row::{self, sort_key},
};
use crate::network::Network;

/// An entry of the book, in force or ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HistoryEntry {
    /// Its number.
    pub id: ListingId,
    /// The network.
    pub network: Network,
    /// Listed, and why, or allowed.
    pub standing: Standing,
    /// By whom.
    pub origin: Origin,
    /// The operator's words.
    pub comment: Option<String>,
    /// What it rested on.
    pub evidence: Option<String>,
    /// When it began.
    pub since: Timestamp,
    /// Who asked for it.
    pub added_by: String,
    /// When it was to end by itself, `None` for never.
    pub expires: Option<Timestamp>,
    /// The last renewal, if there was one.
    pub renewed: Option<Renewal>,
    /// How it ended; `None` while it is in force.
    pub end: Option<End>,
}

/// A renewal of an entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Renewal {
    /// When.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: String,
}

/// The end of an entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// What ended it.
    pub cause: EndCause,
    /// Who asked for it.
    pub by: String,
}

/// Which networks a question is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// The network given.
    Exact,
    /// The network given, and all that cover it.
    Covering,
    /// The network given, and all within it.
    Within,
}

/// How many questions are answered at once; the others wait for their turn.
const READERS: u32 = 4;

/// The history of the book. A clone is cheap.
#[derive(Clone, Debug)]
pub struct History {
    pool: SqlitePool,
    path: Arc<Path>,
}

impl History {
    pub(super) fn new(options: SqliteConnectOptions, path: &Path) -> Self {
        let pool = SqlitePoolOptions::new().max_connections(READERS);
        Self {
            pool: pool.connect_lazy_with(options.read_only(true)),
            path: path.into(),
        }
    }

    /// A connection that reads what is stored beside the book.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) async fn connection(&self) -> Result<PoolConnection<Sqlite>, BookError> {
        let connection = self.pool.acquire().await;
        connection.map_err(|source| self.failed("opening it to read", source))
    }

    /// What the database said while `doing` something through [`History::connection`].
    pub(crate) fn failed(&self, doing: &'static str, source: sqlx::Error) -> BookError {
        BookError::database(&self.path, doing, source)
    }

    /// The entries of the networks in `scope`, in force and ended, the youngest first, at most
    /// `limit`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn find(
        &self,
        network: Network,
        scope: Scope,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, BookError> {
        let mut query = QueryBuilder::<Sqlite>::new("");
        question(&mut query, network, scope, limit);
        let rows = query.build().fetch_all(&self.pool).await;
        rows.map_err(|source| BookError::database(&self.path, "reading the history", source))?
            .iter()
            .map(|row| row::history_entry(row, &self.path))
            .collect()
    }

    /// The entries that began last, in force and ended, the youngest first, at most `limit`. An
    /// entry has a higher number than those that were there before it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn latest(&self, limit: u32) -> Result<Vec<HistoryEntry>, BookError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query
            .push(row::HISTORY.join(", "))
            .push(" FROM entries ORDER BY id DESC LIMIT ")
            .push_bind(i64::from(limit));
        let rows = query.build().fetch_all(&self.pool).await;
        rows.map_err(|source| self.failed("reading the latest entries", source))?
            .iter()
            .map(|row| row::history_entry(row, &self.path))
            .collect()
    }
}

/// Adds the question of [`History::find`].
fn question(query: &mut QueryBuilder<Sqlite>, network: Network, scope: Scope, limit: u32) {
    // Each half has an index of its own.
    for (between, half) in [("", "ended IS NULL"), (" UNION ALL ", "ended IS NOT NULL")] {
        query
            .push(between)
            .push("SELECT ")
            .push(row::HISTORY.join(", "));
        query.push(" FROM entries WHERE ").push(half).push(" AND ");
        select(query, network, scope);
    }
    query.push(" ORDER BY since DESC, id DESC LIMIT ");
    query.push_bind(i64::from(limit));
}

/// Adds the condition that a row is of a network in `scope`.
fn select(query: &mut QueryBuilder<Sqlite>, network: Network, scope: Scope) {
    match scope {
        Scope::Exact => {
            query.push("sort_key = ").push_bind(sort_key(network));
        }
        Scope::Covering => {
            query.push("sort_key IN (");
            let mut keys = query.separated(", ");
            for length in 0..=network.prefix_len() {
                let wider = Network::containing(network.address(), length);
                keys.push_bind(sort_key(wider));
            }
            query.push(")");
        }
        Scope::Within => {
            let last = Network::host(network.ipnet().broadcast());
            query.push("sort_key >= ").push_bind(sort_key(network));
            query.push(" AND sort_key <= ").push_bind(sort_key(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

    use super::*;
    use crate::book::{
        Change, Ledger,
        testing::{allowance, at, feed, listing, net},
    };

    /// A ledger in which things have happened; its directory is to be kept.
    async fn eventful() -> (tempfile::TempDir, Ledger) {
        let place = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(&place.path().join("gate.db")).await.unwrap();
        let ends_soon = super::super::NewListing {
            expires: Some(at(15)),
            comment: Some("why".into()),
            ..listing("192.0.2.7")
        };
        let unlist = Change::Unlist {
            network: net("192.0.2.0/24"),
            origin: None,
            reason: None,
        };
        let disallow = Change::Disallow {
            network: net("192.0.2.8"),
            origin: None,
        };
        for (now, by, change) in [
            (10, "ann", Change::List(ends_soon)),
            (11, "ben", Change::List(listing("192.0.2.0/24"))),
            (12, "cid", Change::Allow(allowance("192.0.2.8"))),
            (13, "dora", Change::List(listing("192.0.2.0/24"))),
            (15, "gated", Change::Expire),
            (16, "eve", unlist),
            (
                17,
                "feed",
                feed(
                    "drop",
                    &[("192.0.0.0/16", "SBL1"), ("2001:db8::/32", "SBL2")],
                ),
            ),
            (18, "feed", feed("drop", &[("192.0.0.0/16", "SBL1")])),
            (19, "fay", disallow),
            (20, "gil", Change::List(listing("192.0.2.0/24"))),
        ] {
            ledger.apply(vec![change], at(now), by).await.unwrap();
        }
        (place, ledger)
    }

    /// An entry in one line.
    fn line(entry: &HistoryEntry) -> String {
        let HistoryEntry {
            network,
            standing,
            since,
            added_by,
            ..
        } = entry;
        let renewed = entry.renewed.as_ref().map_or_else(String::new, |renewal| {
            format!(", renewed {} {}", renewal.at.as_second(), renewal.by)
        });
        let end = entry.end.as_ref().map_or_else(String::new, |end| {
            format!(", {} {} {}", end.cause, end.at.as_second(), end.by)
        });
        let since = since.as_second();
        format!("{network} {standing} {since} {added_by}{renewed}{end}")
    }

    #[tokio::test]
    async fn it_tells_who_and_when_and_how_it_ended() {
        let (_place, ledger) = eventful().await;
        let now = "192.0.2.0/24 manual 20 gil";
        let before = "192.0.2.0/24 manual 11 ben, renewed 13 dora, removed 16 eve";
        let host = "192.0.2.7/32 manual 10 ann, expired 15 gated";
        let allowed = "192.0.2.8/32 allow 12 cid, removed 19 fay";
        let wide = "192.0.0.0/16 feed 17 feed";
        let v6 = "2001:db8::/32 feed 17 feed, feed 18 feed";
        for (network, scope, limit, expected) in [
            ("192.0.2.0/24", Scope::Exact, 99, &[now, before][..]),
            ("192.0.2.0/24", Scope::Exact, 1, &[now]),
            ("192.0.2.0/25", Scope::Exact, 99, &[]),
            ("192.0.2.7", Scope::Covering, 99, &[now, wide, before, host]),
            (
                "192.0.2.0/24",
                Scope::Within,
                99,
                &[now, allowed, before, host],
            ),
            ("192.0.2.7", Scope::Within, 99, &[host]),
            (
                "0.0.0.0/0",
                Scope::Within,
                99,
                &[now, wide, allowed, before, host],
            ),
            ("::/0", Scope::Within, 99, &[v6]),
            ("2001:db8::1", Scope::Covering, 99, &[v6]),
        ] {
            let found = ledger
                .history()
                .find(net(network), scope, limit)
                .await
                .unwrap();
            let found: Vec<_> = found.iter().map(line).collect();
            assert_eq!(found, expected, "{network} {scope:?}");
        }
    }

    #[tokio::test]
    async fn it_keeps_what_was_said() {
        let (_place, ledger) = eventful().await;
        let found = ledger
            .history()
            .find(net("192.0.2.7"), Scope::Exact, 9)
            .await
            .unwrap();
        assert_eq!(found[0].comment.as_deref(), Some("why"));
        assert_eq!(found[0].origin, Origin::Operator);
        assert_eq!(found[0].expires, Some(at(15)));
        let found = ledger
            .history()
            .find(net("2001:db8::/32"), Scope::Exact, 9)
            .await
            .unwrap();
        assert_eq!(found[0].evidence.as_deref(), Some("SBL2"));
        assert_eq!(found[0].origin, Origin::Feed("drop".into()));
    }

    /// However long the history is, a question does not read all of it.
    #[tokio::test]
    async fn questions_go_by_the_indexes() {
        let (_place, ledger) = eventful().await;
        let history = ledger.history();
        for scope in [Scope::Exact, Scope::Covering, Scope::Within] {
            let mut query = QueryBuilder::<Sqlite>::new("EXPLAIN QUERY PLAN ");
            question(&mut query, net("192.0.2.0/24"), scope, 9);
            let rows = query.build().fetch_all(&history.pool).await.unwrap();
            let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
            let plan = plan.join("\n");
            for index in ["entries_in_force", "entries_ended"] {
                let search = format!("SEARCH entries USING INDEX {index} (sort_key");
                assert!(plan.contains(&search), "{scope:?}:\n{plan}");
            }
        }
    }
}
