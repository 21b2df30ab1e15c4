use std::path::PathBuf;

use gate_common::Reason;
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::{
    book::{Ledger, Origin, Standing},
    names::NameRule,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn rule(pattern: &str, reason: Option<Reason>) -> NameRule {
    NameRule {
        pattern: pattern.parse().unwrap(),
        standing: reason.map_or(Standing::Allowed, Standing::Listed),
    }
}

fn new(pattern: &str, comment: &str, expires: Option<i64>) -> Change<NameRule> {
    Change::Put(NewEntry {
        rule: rule(pattern, Some(Reason::Dynamic)),
        origin: Origin::Operator,
        comment: (!comment.is_empty()).then(|| comment.into()),
        expires: expires.map(at),
    })
}

/// A ledger, the roster beside it, and the directory of both.
struct Place {
    directory: tempfile::TempDir,
    ledger: Ledger,
    roster: Roster<NameRule>,
}

impl Place {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gate.db");
        Self {
            ledger: Ledger::open(&path).await.unwrap(),
            directory,
            roster: Roster::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("gate.db")
    }

    async fn apply(
        &mut self,
        now: i64,
        change: Change<NameRule>,
        by: &str,
    ) -> Result<Outcome<NameRule>, RosterError> {
        let mut work = self.ledger.begin(at(now)).await?;
        let (roster, outcome) = apply(&mut work, &self.roster, change, by).await?;
        work.commit(by).await?;
        self.roster = roster;
        Ok(outcome)
    }

    async fn loaded(&self) -> Result<Roster<NameRule>, crate::book::BookError> {
        load(&self.ledger.history()).await
    }

    async fn history(&self, pattern: Option<&str>, limit: u32) -> Vec<String> {
        let found = history::<NameRule>(&self.ledger.history(), pattern, limit).await;
        found.unwrap().iter().map(line).collect()
    }
}

/// A past entry in one line.
fn line(past: &Past<NameRule>) -> String {
    let Entry {
        rule,
        since,
        comment,
        ..
    } = &past.entry;
    let renewed = past.renewed.as_ref().map_or_else(String::new, |renewal| {
        format!(", renewed {} {}", renewal.at.as_second(), renewal.by)
    });
    let end = past.end.as_ref().map_or_else(String::new, |end| {
        format!(", {} {} {}", end.cause, end.at.as_second(), end.by)
    });
    let (by, since) = (&past.added_by, since.as_second());
    let comment = comment.as_deref().unwrap_or("-");
    format!(
        "{rule} {} {comment} {since} {by}{renewed}{end}",
        rule.standing
    )
}

#[tokio::test]
async fn nothing_that_was_said_is_lost() {
    let mut place = Place::new().await;
    for (now, by, change) in [
        (10, "ann", new("*.a.example.net", "why", None)),
        (11, "ben", new("*.b.example.net", "", Some(15))),
        (12, "cid", new("*.a.example.net", "", Some(99))),
        (15, "gated", Change::Expire),
        (16, "dora", new("*.b.example.net", "again", None)),
        (17, "eve", Change::End(vec![1, 77])),
        (18, "fay", new("*.a.example.net", "", None)),
    ] {
        place.apply(now, change, by).await.unwrap();
    }
    let again = "*.a.example.net dynamic - 18 fay";
    let first = "*.a.example.net dynamic why 10 ann, renewed 12 cid, removed 17 eve";
    let second = "*.b.example.net dynamic again 16 dora";
    let due = "*.b.example.net dynamic - 11 ben, expired 15 gated";
    for (pattern, limit, expected) in [
        (None, 99, &[again, second, due, first][..]),
        (None, 2, &[again, second]),
        (Some("*.a.example.net"), 99, &[again, first]),
        (Some("*.c.example.net"), 99, &[]),
    ] {
        assert_eq!(place.history(pattern, limit).await, expected);
    }
    let found: Vec<_> = place.loaded().await.unwrap().iter().cloned().collect();
    let held: Vec<_> = place.roster.iter().cloned().collect();
    assert_eq!(found, held, "what is stored is what is shown");
}

#[tokio::test]
async fn a_renewal_keeps_its_beginning_and_the_words_that_are_not_replaced() {
    let mut place = Place::new().await;
    let put = |outcome| match outcome {
        Outcome::Added(entry) => (entry, false),
        Outcome::Renewed(entry) => (entry, true),
        Outcome::Ended(..) => panic!("it was to be put in force"),
    };
    let first = place
        .apply(10, new("a.example.net", "why", None), "ann")
        .await;
    let (first, renewed) = put(first.unwrap());
    assert!(!renewed);
    let next = place
        .apply(20, new("a.example.net", "", Some(30)), "ben")
        .await;
    let (next, renewed) = put(next.unwrap());
    assert!(renewed);
    assert_eq!((next.id, next.since), (first.id, at(10)));
    assert_eq!(
        (next.comment.as_deref(), next.expires),
        (Some("why"), Some(at(30)))
    );
    assert_eq!(place.roster.next_expiry(), Some(at(30)));
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let mut place = Place::new().await;
    place
        .apply(10, new("a.example.net", "", None), "ann")
        .await
        .unwrap();
    let generation = place.roster.generation();
    for (change, why) in [
        (
            new("b.example.net", &"x".repeat(1001), None),
            "1001 bytes long: 1000",
        ),
        (new("b.example.net", "", Some(10)), "which is past"),
    ] {
        let error = place.apply(10, change, "ann").await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    place.apply(11, Change::Expire, "gated").await.unwrap();
    assert_eq!(place.roster.len(), 1);
    assert_eq!(place.roster.generation(), generation, "nothing changed");
    place.apply(12, Change::End(vec![1]), "ann").await.unwrap();
    assert_ne!(place.roster.generation(), generation);
}

/// Invariant 10, seen from the other side: nothing is kept of what is not committed.
#[tokio::test]
async fn what_is_not_committed_never_was() {
    let mut place = Place::new().await;
    let mut work = place.ledger.begin(at(10)).await.unwrap();
    let change = new("a.example.net", "", None);
    apply(&mut work, &place.roster, change, "ann")
        .await
        .unwrap();
    drop(work);
    assert!(place.loaded().await.unwrap().is_empty());
    // The same number is free.
    let change = new("a.example.net", "", None);
    place.apply(10, change, "ann").await.unwrap();
    assert_eq!(place.loaded().await.unwrap().iter().next().unwrap().id, 1);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_told_and_not_passed_over() {
    use sqlx::{ConnectOptions as _, Connection as _};
    for (sql, words) in [
        (
            "UPDATE name_entries SET standing = 'bad'",
            "neither `allow` nor",
        ),
        ("UPDATE name_entries SET pattern = 'a..b'", "between dots"),
        ("UPDATE name_entries SET origin = 'me'", "is not an origin"),
    ] {
        let mut place = Place::new().await;
        place
            .apply(10, new("a.example.net", "", None), "ann")
            .await
            .unwrap();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path());
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let error = place.loaded().await.unwrap_err().to_string();
        assert!(error.contains("name_entries, row 1"), "{error}");
        assert!(error.contains(words), "{error}");
    }
}

fn change() -> impl Strategy<Value = Change<NameRule>> {
    let pattern = prop::sample::select(vec!["a.example", "b.example", "*.c.example"]);
    let reason = prop::sample::select(vec![None, Some(Reason::Dynamic), Some(Reason::Manual)]);
    let comment = prop::option::of(Just("other 'words'".into()));
    let expires = prop::option::of((1000..1010_i64).prop_map(at));
    let put =
        (pattern, reason, comment, expires).prop_map(|(pattern, reason, comment, expires)| {
            Change::Put(NewEntry {
                rule: rule(pattern, reason),
                origin: Origin::Operator,
                comment,
                expires,
            })
        });
    prop_oneof![
        4 => put,
        2 => prop::collection::vec(1..8_i64, 0..3).prop_map(Change::End),
        1 => Just(Change::Expire),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever happens, a start finds what was in force, and of a rule at most one is.
    #[test]
    fn a_start_finds_what_was_in_force(changes in prop::collection::vec(change(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut place = Place::new().await;
            for (now, change) in (990..).zip(changes) {
                // An expiry that is past by now is refused.
                let _ = place.apply(now, change, "ann").await;
                let found: Vec<_> = place.loaded().await.unwrap().iter().cloned().collect();
                let held: Vec<_> = place.roster.iter().cloned().collect();
                assert_eq!(found, held);
                let next = held.iter().filter_map(|entry| entry.expires).min();
                assert_eq!(place.roster.next_expiry(), next);
            }
        });
    }
}
