use gate_common::Reason;
use proptest::prelude::*;

use super::*;
use crate::{
    book::{
        Change, Ledger, NewListing, Origin,
        testing::{listing, net},
    },
    dns::class::{Confidence, NameClass},
    evidence::{
        Digest, Finding, Ground, Reverse, Standing, fold, mail_of, of_source, take_findings,
    },
    names::Names,
    overrides::Overrides,
    plan,
    removal::{self, Decision, Filing},
};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const NOW: i64 = 20_000 * DAY;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A daemon's book and nothing else of it.
struct Desk {
    ledger: Ledger,
    config: Config,
    place: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        Self {
            ledger: Ledger::open(&place.path().join("gate.db")).await.unwrap(),
            config: Config::default(),
            place,
        }
    }

    async fn take(&mut self, records: &[Evidence], now: i64) -> Taken {
        let mut work = self.ledger.begin(at(now)).await.unwrap();
        let taken = take(&mut work, records, &self.config, &Rules::default())
            .await
            .unwrap();
        roll_up(&mut work, &self.config).await.unwrap();
        work.commit("test").await.unwrap();
        taken
    }

    /// Ends what is due, as the daemon does.
    async fn expire(&mut self, now: i64) {
        let mut work = self.ledger.begin(at(now)).await.unwrap();
        work.apply(vec![Change::Expire]).unwrap();
        roll_up(&mut work, &self.config).await.unwrap();
        work.commit("test").await.unwrap();
    }

    async fn score(&self, source: &str, now: i64) -> u8 {
        let history = self.ledger.history();
        let found = of_source(&history, net(source), at(now), &self.config).await;
        found.unwrap().1.value
    }

    /// Reason and end of what lists the network.
    fn listings(&self, network: &str) -> Vec<(Reason, Option<i64>)> {
        let listings = self.ledger.book().at(net(network));
        listings
            .map(|listing| (listing.reason, listing.expires.map(Timestamp::as_second)))
            .collect()
    }
}

fn complaint(address: &str, second: i64, reporter: &str) -> Evidence {
    let kind = Kind::Complaint {
        incidents: 1,
        trap: false,
    };
    let digest = Digest::of([
        address.as_bytes(),
        reporter.as_bytes(),
        &second.to_be_bytes(),
    ]);
    Evidence::new(
        address.parse().unwrap(),
        at(second),
        reporter,
        kind,
        Some(digest),
    )
}

fn mail(address: &str, second: i64, kind: Kind) -> Evidence {
    Evidence::new(address.parse().unwrap(), at(second), "rspamd", kind, None)
}

/// Two fresh reports: enough to list.
fn two(address: &str, second: i64) -> [Evidence; 2] {
    ["one", "two"].map(|reporter| complaint(address, second, reporter))
}

#[tokio::test]
async fn two_complaints_list_a_source_with_its_evidence() {
    let mut desk = Desk::new().await;
    let taken = desk.take(&two("192.0.2.1", NOW), NOW).await;
    assert_eq!(taken.fates, [Fate::Taken, Fate::Taken]);
    assert_eq!(taken.listed[0].origin, Origin::Complaints);
    assert_eq!(
        taken.listed[0].evidence.as_deref(),
        Some("score 18: complaints -32 (2 reports by 2 reporters)")
    );
    assert_eq!(
        desk.listings("192.0.2.1"),
        [(Reason::DirectSpam, Some(NOW + 72 * HOUR))]
    );
    desk.take(&two("2001:db8:1:2::7", NOW), NOW).await;
    assert_eq!(desk.listings("2001:db8:1:2::/64").len(), 1);
}

#[tokio::test]
async fn the_same_report_counts_once() {
    let mut desk = Desk::new().await;
    let first = complaint("192.0.2.1", NOW, "one");
    let records = [first.clone(), first.clone()];
    assert_eq!(
        desk.take(&records, NOW).await.fates,
        [Fate::Taken, Fate::Repeated]
    );
    assert_eq!(desk.take(&records, NOW).await.fates, [Fate::Repeated; 2]);
    let spam = Evidence::new(
        first.address(),
        at(NOW),
        "rspamd",
        Kind::Spam { count: 25 },
        Some(Digest::of([&b"4711"[..]])),
    );
    let records = [spam.clone(), spam.clone(), spam];
    let fates = desk.take(&records, NOW).await.fates;
    assert_eq!(fates, [Fate::Taken, Fate::Repeated, Fate::Repeated]);
    assert!(desk.listings("192.0.2.1").is_empty());
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_the_rest_is_taken() {
    let mut desk = Desk::new().await;
    let spam = Kind::Spam { count: 1 };
    let records = [
        complaint("192.0.2.1", NOW + HOUR, "one"),
        complaint("192.0.2.1", NOW - 7 * DAY - 1, "one"),
        mail("192.0.2.1", NOW - 2 * DAY - 1, spam),
        complaint("127.0.0.1", NOW, "one"),
        complaint("fe80::1", NOW, "one"),
        complaint("192.0.2.1", NOW - 7 * DAY, "one"),
        mail("192.0.2.1", NOW - 2 * DAY, spam),
    ];
    let refused = |why| Fate::Refused(why);
    assert_eq!(
        desk.take(&records, NOW).await.fates,
        [
            refused(Unfit::Future),
            refused(Unfit::Old),
            refused(Unfit::Old),
            refused(Unfit::Protected),
            refused(Unfit::Protected),
            Fate::Taken,
            Fate::Taken,
        ]
    );
}

#[tokio::test]
async fn each_incident_extends_and_each_repeat_doubles() {
    let mut desk = Desk::new().await;
    desk.take(&two("192.0.2.1", NOW), NOW).await;
    // One reporter more, on its own day.
    let later = NOW + 2 * DAY;
    desk.take(&[complaint("192.0.2.1", later, "three")], later)
        .await;
    assert_eq!(
        desk.listings("192.0.2.1"),
        [(Reason::DirectSpam, Some(later + 72 * HOUR))]
    );
    // What happened before does not shorten it.
    desk.take(&[complaint("192.0.2.1", NOW, "four")], later)
        .await;
    assert_eq!(
        desk.listings("192.0.2.1"),
        [(Reason::DirectSpam, Some(later + 72 * HOUR))]
    );
    let mut now = later + 72 * HOUR;
    for quiet in [144, 288, 576, 720, 720] {
        desk.expire(now).await;
        assert!(desk.listings("192.0.2.1").is_empty());
        desk.take(&two("192.0.2.1", now), now).await;
        let end = now + quiet * HOUR;
        assert_eq!(
            desk.listings("192.0.2.1"),
            [(Reason::DirectSpam, Some(end))],
            "{quiet}"
        );
        now = end;
    }
}

#[tokio::test]
async fn good_mail_lists_nobody_again() {
    let mut desk = Desk::new().await;
    let reporters = [
        "one", "two", "three", "four", "five", "six", "seven", "eight",
    ];
    let many = reporters.map(|reporter| complaint("192.0.2.1", NOW, reporter));
    desk.take(&many, NOW).await;
    let bounces = |second| mail("192.0.2.2", second, Kind::Bounce { count: 60 });
    desk.take(&[bounces(NOW)], NOW).await;
    let end = NOW + HOUR;
    let mut work = desk.ledger.begin(at(end)).await.unwrap();
    let unlist = |network: &str| Change::Unlist {
        network: net(network),
        origin: None,
        reason: None,
    };
    let granted = ["192.0.2.1", "192.0.2.2"].map(unlist);
    work.apply(granted.into()).unwrap();
    work.commit("postmaster").await.unwrap();
    for source in ["192.0.2.1", "192.0.2.2"] {
        assert!(desk.score(source, end).await < 25, "{source}");
        let ham = mail(source, end, Kind::Ham { count: 1 });
        let taken = desk.take(&[ham], end).await;
        assert_eq!(taken.fates, [Fate::Taken]);
        assert!(desk.listings(source).is_empty(), "{source}");
    }
    let more = [complaint("192.0.2.1", end, "nine"), bounces(end)];
    desk.take(&more, end).await;
    assert_eq!(
        desk.listings("192.0.2.1"),
        [(Reason::DirectSpam, Some(end + 144 * HOUR))]
    );
    assert_eq!(desk.listings("192.0.2.2"), [(Reason::NoBounce, None)]);
}

#[tokio::test]
async fn a_probation_doubles() {
    let mut desk = Desk::new().await;
    let filing = Filing {
        address: "192.0.2.1".parse().unwrap(),
        contact: None,
        note: None,
        decision: Decision::Granted,
        explanation: String::new(),
        score: 50,
        evidence: String::new(),
    };
    let mut work = desk.ledger.begin(at(NOW)).await.unwrap();
    let filed = removal::file(&mut work, &filing, None, "test", &desk.config.removal).await;
    filed.unwrap().unwrap();
    work.commit("test").await.unwrap();
    desk.take(&two("192.0.2.1", NOW), NOW).await;
    assert_eq!(
        desk.listings("192.0.2.1"),
        [(Reason::DirectSpam, Some(NOW + 144 * HOUR))]
    );
}

#[tokio::test]
async fn the_filter_lists_for_a_fixed_time_and_bounces_for_good() {
    let mut desk = Desk::new().await;
    let spam = Kind::Spam { count: 60 };
    desk.take(&[mail("192.0.2.1", NOW, spam)], NOW).await;
    let later = NOW + HOUR;
    desk.take(&[mail("192.0.2.1", later, spam)], later).await;
    assert_eq!(
        desk.listings("192.0.2.1"),
        [(Reason::HighSpam, Some(NOW + 48 * HOUR))]
    );
    desk.take(&[mail("192.0.2.2", NOW, Kind::Bounce { count: 60 })], NOW)
        .await;
    assert_eq!(desk.listings("192.0.2.2"), [(Reason::NoBounce, None)]);
}

#[tokio::test]
async fn four_sources_list_the_24_and_a_good_one_passes() {
    let mut desk = Desk::new().await;
    let ham = |day| mail("192.0.2.99", day, Kind::Ham { count: 90 });
    for day in (1..=40).rev().map(|day| NOW - day * DAY) {
        desk.take(&[ham(day)], day).await;
    }
    for host in 1..=4 {
        assert!(desk.listings("192.0.2.0/24").is_empty());
        desk.take(&two(&format!("192.0.2.{host}"), NOW), NOW).await;
    }
    // Its good mail is enough for itself, and here, the only mail that is known, for the /24.
    assert!(desk.listings("192.0.2.0/24").is_empty());
    let spam = Kind::Spam { count: 1000 };
    desk.take(&[mail("192.0.2.5", NOW, spam)], NOW).await;
    assert_eq!(desk.listings("192.0.2.0/24"), [(Reason::Rollup, None)]);
    let verdict = |desk: &Desk, address: &str| {
        plan::answer(
            desk.ledger.book(),
            &Rules::default(),
            address.parse().unwrap(),
        )
        .verdict
    };
    assert_eq!(verdict(&desk, "192.0.2.77"), plan::Verdict::Drop);
    assert_eq!(verdict(&desk, "192.0.2.99"), plan::Verdict::Pass);
    assert_eq!(verdict(&desk, "192.0.2.4"), plan::Verdict::Drop);
    desk.expire(NOW + 72 * HOUR).await;
    assert!(desk.listings("192.0.2.0/24").is_empty());
    assert_eq!(desk.ledger.book().allow_entries().count(), 0);
}

/// The mail of 192.0.2.0/24 as it is on record.
async fn mail_of_the_24(desk: &Desk) -> rollup::Mail {
    let (history, book) = (desk.ledger.history(), desk.ledger.book());
    let found = mail_of(&history, book, net("192.0.2.0/24"), at(NOW), &desk.config);
    found.await.unwrap()
}

#[tokio::test]
async fn good_mail_of_a_badly_named_source_is_good_mail() {
    let mut desk = Desk::new().await;
    for day in (1..=40).rev().map(|day| NOW - day * DAY) {
        let ham = mail("192.0.2.99", day, Kind::Ham { count: 90 });
        desk.take(&[ham], day).await;
    }
    let list = |reason, origin| {
        vec![Change::List(NewListing {
            reason,
            origin,
            ..listing("192.0.2.99")
        })]
    };
    let before = mail_of_the_24(&desk).await;
    assert!(before.good >= 100, "{before:?}");
    assert_eq!(before.clean, [net("192.0.2.99")]);
    let badly_named = list(Reason::Generic, Origin::Ptr);
    let applied = desk.ledger.apply(badly_named, at(NOW), "test").await;
    applied.unwrap();
    assert_eq!(mail_of_the_24(&desk).await, before);
    let blocked = list(Reason::Manual, Origin::Operator);
    desk.ledger.apply(blocked, at(NOW), "test").await.unwrap();
    let after = mail_of_the_24(&desk).await;
    assert_eq!((after.good, after.clean), (0, Vec::new()));
}

#[tokio::test]
async fn who_sent_no_good_mail_is_in_no_good_standing() {
    let mut desk = Desk::new().await;
    desk.config.rollup.good_score = 50;
    desk.config.score.registered = vec![net("192.0.2.64/28")];
    let one_report = complaint("192.0.2.1", NOW, "one");
    let ham = |host| mail(&format!("192.0.2.{host}"), NOW, Kind::Ham { count: 20 });
    desk.take(&[one_report, ham(2)], NOW).await;
    // A name that costs nothing is all that is known of the third.
    let finding = Finding {
        address: [192, 0, 2, 3].into(),
        at: at(NOW),
        seen: at(NOW),
        reverse: Some(Reverse {
            at: at(NOW),
            standing: Standing::Confirmed {
                also: Vec::new(),
                name: "mail.example.net".into(),
                class: NameClass::Mail,
                confidence: Confidence::High,
                evidence: "why".into(),
            },
            allowed: false,
        }),
        answers: Vec::new(),
        pardoned: Vec::new(),
    };
    let ground = Ground {
        config: &desk.config,
        rules: &Rules::default(),
        names: &Names::default(),
        overrides: &Overrides::default(),
    };
    let mut work = desk.ledger.begin(at(NOW)).await.unwrap();
    let taken = take_findings(&mut work, vec![finding], ground).await;
    taken.unwrap();
    work.commit("test").await.unwrap();
    assert_eq!(desk.score("192.0.2.3", NOW).await, 50);
    let clean = mail_of_the_24(&desk).await.clean;
    assert_eq!(clean, [net("192.0.2.2"), net("192.0.2.64/28")]);
}

#[tokio::test]
async fn only_an_ipv4_24_is_asked_for_a_sample() {
    let mut desk = Desk::new().await;
    desk.config.rollup.wider = vec!["/23 6".parse().unwrap()];
    desk.take(&two("192.0.2.1", NOW), NOW).await;
    desk.take(&two("2001:db8:1:2::7", NOW), NOW).await;
    let all = rollup::all_candidates(desk.ledger.book(), &desk.config.rollup);
    let networks: Vec<_> = all.iter().map(|one| one.network).collect();
    let expected = ["192.0.2.0/23", "192.0.2.0/24", "2001:db8:1::/48"].map(net);
    assert_eq!(networks, expected);
    for candidate in all {
        let mut work = desk.ledger.begin(at(NOW)).await.unwrap();
        // Who asks for a sample now fails.
        sqlx::query("DROP TABLE samples")
            .execute(work.connection())
            .await
            .unwrap();
        let looked = roll_up_all(&mut work, vec![candidate], &desk.config).await;
        let asked = looked.is_err();
        assert_eq!(
            asked,
            candidate.network == net("192.0.2.0/24"),
            "{candidate:?}"
        );
    }
}

#[tokio::test]
async fn folding_changes_no_score_within_the_windows() {
    let mut desk = Desk::new().await;
    for hour in 0..24 * 9 {
        let now = NOW + hour * HOUR;
        let one = complaint("192.0.2.1", now, "one");
        desk.take(&[one, mail("192.0.2.1", now, Kind::Ham { count: 10 })], now)
            .await;
    }
    let end = NOW + 9 * DAY;
    let before = desk.score("192.0.2.1", end).await;
    let count = |desk: &Desk| {
        let history = desk.ledger.history();
        async move {
            let found = of_source(&history, net("192.0.2.1"), at(end), &Config::default()).await;
            let evidence = found.unwrap().0;
            let ham: u64 = evidence.sums.iter().map(|sum| sum.ham).sum();
            let old: u64 = evidence.sums.iter().map(|sum| sum.complaints).sum();
            (
                ham,
                old + evidence.complaints.len() as u64,
                evidence.sums.len(),
            )
        }
    };
    let (ham, complaints, rows) = count(&desk).await;
    loop {
        let mut work = desk.ledger.begin(at(end)).await.unwrap();
        let more = fold(&mut work, &desk.config).await.unwrap();
        work.commit("test").await.unwrap();
        if !more {
            break;
        }
    }
    assert_eq!(desk.score("192.0.2.1", end).await, before);
    let (after_ham, after_complaints, after_rows) = count(&desk).await;
    assert_eq!((after_ham, after_complaints), (ham, complaints));
    assert!(after_rows < rows / 3, "{after_rows} of {rows}");
}

/// Scores of two sources after these records came in, some together and some apart, and after the
/// book was opened anew.
fn scores(records: &[Evidence], together: usize) -> [u8; 2] {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut desk = Desk::new().await;
        for some in records.chunks(together) {
            desk.take(some, NOW).await;
        }
        let path = desk.place.path().join("gate.db");
        drop(desk.ledger);
        desk.ledger = Ledger::open(&path).await.unwrap();
        [
            desk.score("192.0.2.1", NOW).await,
            desk.score("192.0.2.2", NOW).await,
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn neither_order_of_arrival_nor_repetition_nor_a_restart_moves_a_score(
        shuffled in Just(records_of_two_sources()).prop_shuffle(),
        together in 1..8_usize,
    ) {
        let records = records_of_two_sources();
        let expected = scores(&records, records.len());
        prop_assert!(expected[0] < 25 && expected[1] > 25, "{expected:?}");
        prop_assert_eq!(scores(&shuffled, together), expected);
        let twice = [&shuffled[..], &records[..]].concat();
        prop_assert_eq!(scores(&twice, together), expected);
    }
}

/// One of two sources is complained of, the other has more good mail than bad.
fn records_of_two_sources() -> Vec<Evidence> {
    let verdict = |address: &str, hour: i64, kind: Kind| {
        let digest = Digest::of([address.as_bytes(), &hour.to_be_bytes()]);
        let source = address.parse().unwrap();
        Evidence::new(source, at(NOW - hour * HOUR), "rspamd", kind, Some(digest))
    };
    let mut records = vec![
        complaint("192.0.2.1", NOW - HOUR, "one"),
        complaint("192.0.2.1", NOW - 2 * HOUR, "two"),
        complaint("192.0.2.1", NOW - 50 * HOUR, "three"),
        complaint("192.0.2.2", NOW - HOUR, "one"),
    ];
    for hour in 1..6 {
        records.push(verdict("192.0.2.1", hour, Kind::Spam { count: 20 }));
        records.push(verdict("192.0.2.2", hour, Kind::Ham { count: 40 }));
        records.push(verdict("192.0.2.2", hour + 10, Kind::Bounce { count: 3 }));
    }
    records
}

#[tokio::test]
async fn a_reporter_is_forgotten_with_the_last_complaint() {
    let mut desk = Desk::new().await;
    for (second, reporter) in [(NOW, "gone"), (NOW, "here"), (NOW + 9 * DAY, "here")] {
        let one = complaint("192.0.2.1", second, reporter);
        desk.take(&[one], second).await;
    }
    let mut work = desk.ledger.begin(at(NOW + 9 * DAY)).await.unwrap();
    assert!(fold(&mut work, &desk.config).await.unwrap());
    let names: Vec<String> = sqlx::query_scalar("SELECT name FROM reporters")
        .fetch_all(work.connection())
        .await
        .unwrap();
    assert_eq!(names, ["here"]);
}

#[tokio::test]
async fn what_is_not_committed_never_was() {
    let mut desk = Desk::new().await;
    let mut work = desk.ledger.begin(at(NOW)).await.unwrap();
    let records = two("192.0.2.1", NOW);
    take(&mut work, &records, &desk.config, &Rules::default())
        .await
        .unwrap();
    drop(work);
    assert!(desk.listings("192.0.2.1").is_empty());
    assert_eq!(desk.score("192.0.2.1", NOW).await, 50);
    assert_eq!(desk.take(&records, NOW).await.fates, [Fate::Taken; 2]);
}

#[tokio::test]
async fn a_million_sources_take_no_more_than_300_mib() {
    const SOURCES: u32 = 10_000;
    let mut desk = Desk::new().await;
    let mut records = Vec::new();
    for number in 0..SOURCES {
        // Spread over the address space, as sources are.
        let address = std::net::Ipv4Addr::from(0x0100_0000 + number * 300_007).to_string();
        records.push(complaint(&address, NOW - DAY, "one"));
        records.push(complaint(&address, NOW, "one"));
        records.push(mail(&address, NOW, Kind::Ham { count: 3 }));
    }
    desk.config.score.complaint_points = 1;
    desk.take(&records, NOW).await;
    let mut work = desk.ledger.begin(at(NOW)).await.unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
        .fetch_one(work.connection())
        .await
        .unwrap();
    let bytes = pages * 4096 / i64::from(SOURCES);
    // MiB a million sources are bytes a source, or a little less.
    assert!(bytes <= 300, "{bytes} bytes a source");
}
