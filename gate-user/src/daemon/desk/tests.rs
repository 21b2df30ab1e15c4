//! Removal requests, at a writer without a gate on the wire.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use arc_swap::ArcSwap;

use super::*;
use crate::{
    book::{
        Ledger, NewListing,
        testing::{Sandbox, listing, net},
    },
    config::Config,
    control::api::{Drift, TableSize},
    daemon::{
        classes::Known, flood::FloodWatch, logging::LogControl, lookup::Lookups, mode::KeptMode,
        view::View,
    },
    evidence::{Reverse, Standing, finding_of},
    kernel::Netlink,
    limits::Repeats,
    names::Names,
    overrides::Overrides,
    plan::Rules,
};

const ADDRESS: &str = "192.0.2.7";

/// A writer with a book in `place`.
async fn writer(place: &tempfile::TempDir, config: Config) -> Writer {
    let ledger = Ledger::open(&place.path().join("gate.db")).await.unwrap();
    let (lookups, _) = Lookups::open(&config).unwrap();
    let (config, rules) = (Arc::new(config), Arc::new(Rules::default()));
    let started = Timestamp::now();
    let drift = Drift {
        missing: 0,
        extra: 0,
        checked: None,
    };
    let flood = FloodWatch::start(&config, started).unwrap();
    let view = View {
        flood: flood.view(),
        book: ledger.book().clone(),
        names: Names::default(),
        overrides: Overrides::default(),
        rules: Arc::clone(&rules),
        history: ledger.history(),
        config: Arc::clone(&config),
        config_path: None,
        started,
        mode: config.gate.mode,
        interfaces: Vec::new(),
        planned: TableSize::default(),
        maps: None,
        index: None,
        counting: Ok(()),
        classes: Known::default(),
        held: TableSize::default(),
        drift,
        kernel_problem: None,
    };
    Writer {
        ledger,
        inquiry: lookups.inquiry,
        to_judge: VecDeque::new(),
        doubted: HashSet::new(),
        names: Names::default(),
        overrides: Overrides::default(),
        rules,
        gate: None,
        netlink: Netlink::open().unwrap(),
        mode: config.gate.mode,
        config,
        config_path: None,
        log: LogControl::of_nothing(),
        kept_mode: KeptMode::new(place.path(), "mode"),
        wanted: Vec::new(),
        interfaces: Vec::new(),
        started,
        planned: view.planned,
        held: view.held,
        drift: view.drift,
        kernel_problem: None,
        generation: 0,
        flood,
        repeats: Repeats::default(),
        view: Arc::new(ArcSwap::from_pointee(view)),
    }
}

fn request() -> RemovalRequest {
    RemovalRequest {
        address: ADDRESS.parse().unwrap(),
        contact: None,
        note: None,
    }
}

/// DNS says that there is no reverse name.
fn nameless() -> Finding {
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    Finding {
        address: ADDRESS.parse().unwrap(),
        at: now,
        seen: now,
        reverse: Some(Reverse {
            at: now,
            standing: Standing::Missing,
            allowed: false,
        }),
        answers: Vec::new(),
        pardoned: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_dns_says_at_a_request_counts_in_its_score() {
    let place = tempfile::tempdir().unwrap();
    let mut writer = writer(&place, Config::default()).await;
    let asked = writer.request_removal(request(), Some(nameless()), "test");
    let id = asked.await.unwrap();
    let history = writer.ledger.history();
    let filed = removal::find(&history, Some(id), None, 1).await.unwrap();
    let points = writer.config.score.ptr_points;
    assert!(points > 0);
    let filing = &filed[0].filing;
    assert_eq!(filing.score, 50 - points, "{}", filing.evidence);
    assert_eq!(filing.decision, Decision::Refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_dns_says_is_kept_although_the_request_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.removal.per_network = 1;
    let mut writer = writer(&place, config).await;
    let by_hand = vec![Change::List(listing(ADDRESS))];
    writer.change(by_hand, "test").await.unwrap();
    let first = writer.request_removal(request(), None, "test").await;
    first.unwrap();
    let said = nameless();
    let second = writer
        .request_removal(request(), Some(said.clone()), "test")
        .await;
    assert!(
        matches!(&second, Err(ServiceError::Conflict(why)) if why.contains("try again later")),
        "{second:?}"
    );
    let source = net(ADDRESS);
    let on_record = finding_of(&writer.ledger.history(), source).await.unwrap();
    assert_eq!(on_record.map(|is| is.reverse), Some(said.reverse));
    let book = writer.view.load().book.clone();
    let mut reasons = book.at(source).map(|is| is.reason);
    assert!(reasons.any(|reason| reason == Reason::NoRdns));
}

#[test]
fn a_bad_name_does_not_undo_what_the_postmaster_granted() {
    let mut sandbox = Sandbox::default();
    let rollup = NewListing {
        reason: Reason::Rollup,
        origin: Origin::Rollup,
        ..listing("192.0.2.0/24")
    };
    let nameless = || {
        Change::List(NewListing {
            reason: Reason::NoRdns,
            origin: Origin::Ptr,
            ..listing(ADDRESS)
        })
    };
    let changes = vec![Change::List(rollup), nameless()];
    sandbox.apply(changes, 1).unwrap();
    let granted = open(&sandbox.book, ADDRESS.parse().unwrap());
    sandbox.apply(granted, 2).unwrap();
    for renewed in 3..5 {
        sandbox.apply(vec![nameless()], renewed).unwrap();
        let undone = rollup::unshelter(&sandbox.book, net(ADDRESS));
        assert_eq!(undone, [], "at {renewed}");
    }
    assert!(sandbox.book.allows_all_of(net(ADDRESS)));
}
