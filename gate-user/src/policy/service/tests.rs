use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use gate_common::Mode;
use tokio::time::Instant;

use super::*;
use crate::{
    book::{
        Change,
        testing::{allowance, listing},
    },
    policy::{
        facts::{Connections, Reverse, SenderDomain},
        request::Attributes,
        testing::{Saying, policy, scene},
    },
};

fn asked(pairs: &str) -> Subject {
    let mut attributes = Attributes::default();
    for pair in pairs.split(' ') {
        let (name, value) = pair.split_once('=').unwrap();
        attributes.take(name.as_bytes(), value.as_bytes()).unwrap();
    }
    attributes.finish().unwrap()
}

async fn told(policy: &Policy<Saying>, pairs: &str) -> String {
    match policy.answer(&asked(pairs), Peer(1)).await.action {
        Action::Dunno => "dunno".to_owned(),
        Action::Reply(reply) => reply.to_string(),
    }
}

fn shared(config: &str, changes: Vec<Change>) -> Arc<Mutex<Scene>> {
    Arc::new(Mutex::new(scene(config, changes)))
}

fn two_networks() -> Vec<Change> {
    vec![
        Change::List(listing("192.0.2.0/24")),
        Change::Allow(allowance("192.0.2.8")),
    ]
}

/// Without DNS at hand the book's word is known all the same.
#[tokio::test]
async fn the_book_is_asked_at_once() {
    let scene = shared("[policy]\nurl = 'https://www.example.org'", two_networks());
    let lookups = Saying {
        after: Duration::from_hours(1),
        ..Saying::default()
    };
    let (policy, asks) = (policy(&scene, lookups), |p: &Policy<Saying>| {
        p.lookups.asked.load(Relaxed)
    });
    assert_eq!(
        told(&policy, "client_address=192.0.2.7").await,
        "554 5.7.1 - ERROR: Mail Refused - <192.0.2.7> - See https://www.example.org#manual - 20231114"
    );
    assert_eq!(told(&policy, "client_address=192.0.2.8").await, "dunno");
    assert_eq!(told(&policy, "client_address=unknown").await, "dunno");
    assert_eq!(asks(&policy), 0);
    let counted = policy.counters().counted();
    assert_eq!(counted.requests, 3);
    assert_eq!(counted.refused_by(Check::Listed), 1);
    let code = "554".parse().unwrap();
    assert_eq!(counted.refused, [((Check::Listed, code), 1)].into());
    assert_eq!(
        counted.latency.count(),
        2,
        "an unknown client needs no look"
    );

    // What changes is seen by the next request.
    let nobody = super::super::testing::scene("", Vec::new());
    *scene.lock().unwrap() = Scene {
        mode: Mode::Off,
        ..nobody
    };
    assert_eq!(told(&policy, "client_address=192.0.2.7").await, "dunno");
}

#[tokio::test]
async fn dns_is_waited_for_as_long_as_the_budget_allows() {
    for (after, under_way, expected) in [
        (100, "dunno", "554 5.1.8"),
        (60_000, "dunno", "dunno"),
        (60_000, "defer", "450 4.7.1"),
    ] {
        let config = format!("[policy]\nbudget = '1s'\nunder_way = '{under_way}'");
        let scene = shared(&config, Vec::new());
        let lookups = Saying {
            sender: Lookup::Known(SenderDomain::Nxdomain),
            after: Duration::from_millis(after),
            ..Saying::default()
        };
        let policy = policy(&scene, lookups);
        let start = Instant::now();
        let told = told(&policy, "client_address=192.0.2.7 sender=a@bad.example").await;
        assert!(told.starts_with(expected), "{told}");
        // All are asked at the same time.
        let took = start.elapsed().as_millis();
        assert!((100..2000).contains(&took), "{took} ms");
        assert_eq!(policy.lookups.asked.load(Relaxed), 3);
    }
}

#[tokio::test]
async fn only_what_is_checked_is_asked_for() {
    let all_off = "[policy.checks]\nreverse_dns = 'off'\nptr_class = 'off'\ndnsbl = 'off'\nsender_domain = 'off'\nconnections = 'off'";
    let bad = || Saying {
        reverse: Lookup::Known(Reverse::None),
        sender: Lookup::Known(SenderDomain::Nxdomain),
        connections: Some(Connections { open: 9, limit: 1 }),
        ..Saying::default()
    };
    let request = "client_address=192.0.2.7 sender=a@bad.example";
    for (config, asks, expected) in [
        (all_off, 0, "dunno"),
        (
            "",
            3,
            "554 5.7.1 - ERROR: Connection refused. IP name lookup failed for <192.0.2.7>",
        ),
        ("[policy.checks]\nreverse_dns = 'off'", 3, "554 5.1.8"),
        (
            "[policy.checks]\nreverse_dns = 'observe'\nsender_domain = 'off'\ndnsbl = 'off'",
            1,
            "421 4.7.1 - ERROR: Connection refused - <192.0.2.7> - Too many",
        ),
    ] {
        let policy = policy(&shared(config, Vec::new()), bad());
        let told = told(&policy, request).await;
        assert!(told.starts_with(expected), "{config}: {told}");
        assert_eq!(policy.lookups.asked.load(Relaxed), asks, "{config}");
    }
}

#[tokio::test]
async fn recipients_are_counted_by_what_was_taken() {
    let config = "[policy.checks]\nmessage_rate = 'on'\n[policy.limits]\nmessage_rate = '2/1h'";
    let policy = policy(&shared(config, Vec::new()), Saying::default());
    let bounce = |to: &str| {
        format!("client_address=192.0.2.7 client_port=9 instance=1 sender= recipient={to}")
    };
    assert_eq!(told(&policy, &bounce("a")).await, "dunno");
    for _ in 0..3 {
        assert!(
            told(&policy, &bounce("b"))
                .await
                .starts_with("554 5.7.1 - ERROR: Null sender")
        );
    }
    let data = "client_address=192.0.2.7 client_port=9 instance=1 sender= protocol_state=DATA recipient_count=1";
    assert_eq!(told(&policy, data).await, "dunno");
    // A test of the policy counts nothing.
    let next = "client_address=192.0.2.7 client_port=9 instance=2 sender=a@good.example";
    for _ in 0..5 {
        assert_eq!(policy.test(&asked(next)).await.action, Action::Dunno);
    }
    assert_eq!(told(&policy, next).await, "dunno");
    let third = "client_address=192.0.2.7 client_port=10 instance=3 sender=a@good.example";
    assert!(told(&policy, third).await.starts_with("452 4.7.1"));
    // What came is told once: three refused bounces, and the third message.
    let expected = Traffic {
        connections: 1,
        messages: 2,
        recipients: 2,
        refused: 4,
    };
    let source = "192.0.2.7".parse().unwrap();
    assert_eq!(policy.take_traffic(), [(source, expected)]);
    assert_eq!(policy.take_traffic(), []);
}

#[test]
fn what_is_a_domain() {
    for (sender, expected) in [
        ("joe@Example.ORG", Some("example.org")),
        ("joe@example.org.", Some("example.org")),
        ("\"a@b\"@example.org", Some("example.org")),
        ("joe@Bücher.example", Some("bücher.example")),
        ("", None),
        ("joe", None),
        ("joe@", None),
        ("joe@.", None),
        ("joe@[192.0.2.7]", None),
    ] {
        assert_eq!(domain(sender).as_deref(), expected, "{sender}");
    }
}
