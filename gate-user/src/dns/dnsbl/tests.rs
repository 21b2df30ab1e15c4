//! DNS block lists against a real server on loopback.

use std::{fmt::Write as _, net::Ipv4Addr, time::Duration};

use hickory_server::proto::{
    op::ResponseCode,
    rr::{RData, rdata::A},
};

use super::*;
use crate::{
    config::{DnsCacheConfig, DnsConfig, DnsblList},
    dns::testing::{Behaviour, TestDns, source},
};

/// No customer's, but as long as theirs.
const KEY: &str = "k3yexample0private0key0abc";

/// A server whose answers are good for a second.
async fn server() -> TestDns {
    let dns = TestDns::start().await;
    dns.soa(Some((1, 1)));
    dns
}

fn resolver(dns: &TestDns) -> Resolver {
    let config = DnsConfig {
        per_second: 100_000,
        per_zone: 100_000,
        concurrency: 1000,
        cache: DnsCacheConfig {
            min_ttl: Duration::from_secs(1),
            max_ttl: Duration::from_secs(1),
            max_negative_ttl: Duration::from_secs(1),
            ..DnsCacheConfig::default()
        },
        ..dns.config()
    };
    Resolver::new(&config).unwrap()
}

/// One that is healthy, in that zone, of both families.
fn zone(dns: &TestDns, zone: &str) {
    for family in [Family::Ipv4, Family::Ipv6] {
        list(
            dns,
            zone,
            &question::listed_point(family).to_string(),
            &["127.0.0.2"],
        );
    }
}

/// The name of an address in a zone.
fn name(zone: &str, address: &str) -> String {
    let zone = zone.parse::<crate::config::Site>().unwrap().zone;
    question::name(address.parse().unwrap(), &zone)
}

fn list(dns: &TestDns, zone: &str, address: &str, codes: &[&str]) {
    dns.address_of(&name(zone, address), codes);
}

/// From now on the zone lists whatever it is asked for.
fn list_the_world(dns: &TestDns, zone: &str, code: [u8; 4]) {
    let data = RData::A(A(Ipv4Addr::from(code)));
    dns.record(&format!("*.{zone}"), 1, data);
}

/// Lists: `site`, `site trusted`.
fn config(lists: &[&str]) -> DnsblConfig {
    let list = |text: &&str| {
        let (site, trusted) = match text.strip_suffix(" trusted") {
            Some(site) => (site, true),
            None => (*text, false),
        };
        DnsblList {
            trusted,
            ..DnsblList::new(site.parse().unwrap())
        }
    };
    DnsblConfig {
        lists: lists.iter().map(list).collect(),
        ..DnsblConfig::default()
    }
}

/// The lists, once each has been tested.
async fn start(dns: &TestDns, config: DnsblConfig) -> Dnsbl {
    let dnsbl = Dnsbl::start(config, resolver(dns));
    until(&dnsbl, |lists| {
        lists.iter().all(|list| list.tested.is_some())
    })
    .await;
    dnsbl
}

/// Waits until the lists stand so.
async fn until(dnsbl: &Dnsbl, stand: impl Fn(&[ListStatus]) -> bool) {
    for _ in 0..1000 {
        if stand(&dnsbl.status()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("they do not: {dnsbl:?}");
}

fn held(list: &ListStatus) -> Option<&str> {
    match &list.health {
        ListHealth::Held { why, .. } => Some(why),
        ListHealth::Untested | ListHealth::InService(_) => None,
    }
}

/// In the time of a look-up.
async fn ask_of(dnsbl: &Dnsbl, address: IpAddr, weigh: Weigh) -> Verdict {
    let until = Instant::now() + Duration::from_secs(20);
    dnsbl.ask(address, Urgency::Background, weigh, until).await
}

async fn ask(dnsbl: &Dnsbl, address: &str) -> Verdict {
    ask_of(dnsbl, address.parse().unwrap(), Weigh::Counted).await
}

/// The verdict in a line, with what is missing.
async fn told(dnsbl: &Dnsbl, address: &str) -> String {
    let verdict = ask(dnsbl, address).await;
    let listed = if verdict.listed {
        "listed"
    } else {
        "not listed"
    };
    let mut told = format!("{listed}: {verdict}");
    for Missing { name, why } in &verdict.missing {
        let _ = write!(told, "; {name}: {why}");
    }
    told
}

#[tokio::test]
async fn filters_weights_and_one_question_a_zone() {
    let dns = server().await;
    for name in ["a.example", "b.example", "good.example"] {
        zone(&dns, name);
    }
    list(&dns, "a.example", "192.0.2.1", &["127.0.0.2"]);
    list(&dns, "a.example", "192.0.2.2", &["127.0.0.10", "127.0.0.4"]);
    list(&dns, "a.example", "192.0.2.3", &["127.0.1.4"]);
    list(&dns, "a.example", "192.0.2.4", &["127.0.0.2"]);
    list(&dns, "a.example", "192.0.2.5", &["127.0.0.2"]);
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"] {
        list(&dns, "b.example", address, &["127.0.0.2"]);
    }
    list(&dns, "good.example", "192.0.2.4", &["127.0.5.1"]);
    let mut config = config(&[
        "a.example=127.0.0.[2..3]*2",
        "a.example=127.0.0.[4;10..11]*3",
        "b.example",
        "good.example=127.0.[0..9].[1..3]*-4",
    ]);
    config.lists[1].name = Some("a-policy".parse().unwrap());
    let dnsbl = start(&dns, config).await;
    for (address, expected) in [
        (
            "192.0.2.1",
            "listed: on a.example (127.0.0.2), b.example (127.0.0.2): weight 3",
        ),
        (
            "192.0.2.2",
            "listed: on a-policy (127.0.0.10 127.0.0.4), b.example (127.0.0.2): weight 4",
        ),
        // In the zone, but with a code that no filter takes.
        (
            "192.0.2.3",
            "not listed: on b.example (127.0.0.2): weight 1",
        ),
        (
            "192.0.2.4",
            "not listed: on a.example (127.0.0.2), b.example (127.0.0.2), good.example (127.0.5.1): weight -1",
        ),
        // Enough, but by one voice alone.
        (
            "192.0.2.5",
            "not listed: on a.example (127.0.0.2): weight 2",
        ),
        ("192.0.2.6", "not listed: on no list"),
        (
            "::ffff:192.0.2.1",
            "listed: on a.example (127.0.0.2), b.example (127.0.0.2): weight 3",
        ),
    ] {
        let told = told(&dnsbl, address).await;
        // Records come sorted.
        assert_eq!(
            told.replace("127.0.0.4 127.0.0.10", "127.0.0.10 127.0.0.4"),
            expected,
            "{address}"
        );
    }
    assert_eq!(dns.count_of("6.2.0.192.a.example"), 1);
    let status = dnsbl.status();
    let counted: Vec<_> = status
        .iter()
        .map(|list| {
            (
                list.name.as_str(),
                list.answered,
                list.listed,
                list.per_minute,
            )
        })
        .collect();
    assert_eq!(
        counted,
        [
            ("a.example", 7, 4, 7),
            ("a-policy", 7, 1, 7),
            ("b.example", 7, 5, 7),
            ("good.example", 7, 1, 7)
        ]
    );
    assert!(
        status[0].latency.is_some() && status[0].cached > 0,
        "{status:?}"
    );
    assert_eq!(status[0].latest, (4, 6));
}

#[tokio::test]
async fn one_that_is_trusted_needs_no_second() {
    let dns = server().await;
    for name in ["a.example", "b.example"] {
        zone(&dns, name);
        list(&dns, name, "192.0.2.1", &["127.0.0.2"]);
    }
    list(&dns, "a.example", "192.0.2.2", &["127.0.0.2"]);
    for (lists, both, one) in [
        (&["a.example*2", "b.example"][..], true, false),
        (&["a.example*2 trusted", "b.example"], true, true),
        (&["a.example*2"], false, false),
        (&["a.example*2 trusted"], true, true),
        (&["a.example trusted"], false, false),
    ] {
        let dnsbl = start(&dns, config(lists)).await;
        assert_eq!(ask(&dnsbl, "192.0.2.1").await.listed, both, "{lists:?}");
        assert_eq!(ask(&dnsbl, "192.0.2.2").await.listed, one, "{lists:?}");
    }
}

#[tokio::test]
async fn ipv6_is_asked_in_nibbles_where_a_list_has_it() {
    let dns = server().await;
    zone(&dns, "a.example");
    zone(&dns, "b.example");
    let nibbles = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
    dns.address_of(&format!("{nibbles}.a.example"), &["127.0.0.3"]);
    let mut config = config(&["a.example*2 trusted", "b.example"]);
    config.lists[0].families = vec![Family::Ipv6, Family::Ipv4];
    let dnsbl = start(&dns, config).await;
    let expected = "listed: on a.example (127.0.0.3): weight 2";
    assert_eq!(told(&dnsbl, "2001:db8::7").await, expected);
    assert_eq!(dns.count_of(&format!("{nibbles}.b.example")), 0);
    for point in ["2.0.0.127", "1.0.0.127"] {
        assert_eq!(dns.count_of(&format!("{point}.b.example")), 1, "{point}");
    }
    let unlisted = name("a.example", "::ffff:127.0.0.1");
    assert!(dns.count_of(&unlisted) > 0);
}

#[tokio::test]
async fn nobody_is_asked_about_before_the_first_test() {
    let dns = server().await;
    zone(&dns, "a.example");
    list(&dns, "a.example", "192.0.2.1", &["127.0.0.2"]);
    dns.always(
        "2.0.0.127.a.example",
        Behaviour::Late(Duration::from_millis(150)),
    );
    let dnsbl = Dnsbl::start(config(&["a.example*2 trusted"]), resolver(&dns));
    let expected = "not listed: on no list; a.example: not tested yet";
    assert_eq!(told(&dnsbl, "192.0.2.1").await, expected);
    assert_eq!(dns.count_of("1.2.0.192.a.example"), 0);
    until(&dnsbl, |lists| lists[0].tested.is_some()).await;
    assert!(ask(&dnsbl, "192.0.2.1").await.listed);
}

#[tokio::test]
async fn invariant_7_answers_that_are_no_listings_hold_the_zone() {
    for (code, why) in [
        (
            "127.255.255.252",
            "does not answer us (127.255.255.252: a typing error in the zone)",
        ),
        (
            "127.255.255.254",
            "does not answer us (127.255.255.254: asked through an open resolver)",
        ),
        (
            "127.255.255.255",
            "does not answer us (127.255.255.255: too many questions)",
        ),
        (
            "192.0.2.80",
            "answers 192.0.2.80, outside of 127.0.0.0/8: the domain may have been sold",
        ),
    ] {
        let dns = server().await;
        zone(&dns, "a.example");
        zone(&dns, "b.example");
        list(&dns, "a.example", "192.0.2.1", &[code]);
        list(&dns, "a.example", "192.0.2.2", &["127.0.0.2"]);
        let dnsbl = start(&dns, config(&["a.example*9 trusted", "b.example"])).await;
        assert!(ask(&dnsbl, "192.0.2.2").await.listed);
        // Never a listing, and nobody is asked about any more; also not from the cache.
        let expected = format!("not listed: on no list; a.example: on hold: {why}");
        assert_eq!(told(&dnsbl, "192.0.2.1").await, expected);
        assert_eq!(told(&dnsbl, "192.0.2.2").await, expected);
        assert_eq!(told(&dnsbl, "192.0.2.3").await, expected);
        assert_eq!(dns.count_of("3.2.0.192.a.example"), 0);
        assert_eq!(dns.count_of("3.2.0.192.b.example"), 1);
        let status = dnsbl.status();
        assert_eq!((held(&status[0]), held(&status[1])), (Some(why), None));
    }
}

/// What a server has to be.
type SetUp<'a> = &'a dyn Fn(&TestDns);

#[tokio::test]
async fn invariant_7_a_zone_that_fails_its_test_is_never_asked() {
    let point = name("a.example", "127.0.0.2");
    let unlisted = name("a.example", "127.0.0.1");
    let world = |code: [u8; 4]| move |dns: &TestDns| list_the_world(dns, "a.example", code);
    let lists_127_0_0_1 = |dns: &TestDns| {
        dns.address_of(&point, &["127.0.0.2"]);
        dns.address_of(&unlisted, &["127.0.0.2"]);
    };
    let cases: [(SetUp<'_>, &str); 4] = [
        (
            &world([127, 0, 0, 2]),
            "lists 127.0.0.1, which no list lists: it may list everybody",
        ),
        (
            &world([192, 0, 2, 80]),
            "answers 192.0.2.80, outside of 127.0.0.0/8: the domain may have been sold",
        ),
        (
            &world([127, 255, 255, 254]),
            "does not answer us (127.255.255.254: asked through an open resolver)",
        ),
        (
            &lists_127_0_0_1,
            "lists 127.0.0.1, which no list lists: it may list everybody",
        ),
    ];
    for (set_up, why) in cases {
        let dns = server().await;
        set_up(&dns);
        list(&dns, "a.example", "192.0.2.1", &["127.0.0.2"]);
        let dnsbl = start(&dns, config(&["a.example*9 trusted"])).await;
        assert_eq!(held(&dnsbl.status()[0]), Some(why));
        assert!(!ask(&dnsbl, "192.0.2.1").await.listed);
        assert_eq!(dns.count_of("1.2.0.192.a.example"), 0);
    }
}

/// Tested every second, and again after a twelfth of it.
fn impatient(lists: &[&str]) -> DnsblConfig {
    DnsblConfig {
        health_interval: Duration::from_secs(1),
        ..config(lists)
    }
}

#[tokio::test]
async fn a_zone_that_is_emptied_is_held_and_returns() {
    let dns = server().await;
    zone(&dns, "a.example");
    list(&dns, "a.example", "192.0.2.1", &["127.0.0.2"]);
    let dnsbl = start(&dns, impatient(&["a.example*2 trusted"])).await;
    assert!(ask(&dnsbl, "192.0.2.1").await.listed);
    dns.remove("2.0.0.127.a.example");
    until(&dnsbl, |lists| held(&lists[0]).is_some()).await;
    let why = "does not list 127.0.0.2, which every list lists: it may be empty";
    let status = dnsbl.status();
    assert_eq!(held(&status[0]), Some(why));
    assert_eq!(status[0].failed_test.as_deref(), Some(why));
    assert!(!ask(&dnsbl, "192.0.2.1").await.listed);
    zone(&dns, "a.example");
    until(&dnsbl, |lists| held(&lists[0]).is_none()).await;
    assert!(ask(&dnsbl, "192.0.2.1").await.listed);
}

#[tokio::test]
async fn a_list_without_test_points_can_be_used_when_said() {
    let dns = server().await;
    list(&dns, "a.example", "192.0.2.1", &["127.0.0.2"]);
    let mut config = impatient(&["a.example*2 trusted"]);
    let dnsbl = start(&dns, config.clone()).await;
    until(&dnsbl, |lists| held(&lists[0]).is_some()).await;
    config.lists[0].test_points = false;
    dnsbl.configure(config);
    until(&dnsbl, |lists| {
        matches!(lists[0].health, ListHealth::InService(_))
    })
    .await;
    assert!(ask(&dnsbl, "192.0.2.1").await.listed);
}

#[tokio::test]
async fn a_zone_that_does_not_answer_is_tested_and_held() {
    let dns = server().await;
    zone(&dns, "a.example");
    let dnsbl = start(&dns, config(&["a.example*2 trusted"])).await;
    dns.otherwise(Behaviour::Code(ResponseCode::ServFail));
    let silent = "not listed: on no list; a.example: the server failed (SERVFAIL)";
    for number in 0..10 {
        assert_eq!(told(&dnsbl, &source(number).to_string()).await, silent);
    }
    // The next test is an hour away, but such silence brings it forward. It fails once.
    until(&dnsbl, |lists| lists[0].failed_test.is_some()).await;
    let status = dnsbl.status();
    assert_eq!((held(&status[0]), status[0].failed), (None, 10));
    let failed = status[0].failed_test.as_deref();
    assert_eq!(
        failed,
        Some("does not answer: the server failed (SERVFAIL)")
    );
}

#[tokio::test]
async fn invariant_7_a_list_that_begins_to_list_the_world_lists_nobody() {
    let dns = server().await;
    zone(&dns, "a.example");
    list(&dns, "a.example", "192.0.2.1", &["127.0.0.2"]);
    let config = DnsblConfig {
        control_interval: Duration::from_millis(1),
        ..config(&["a.example*9 trusted"])
    };
    let dnsbl = start(&dns, config).await;
    assert!(ask(&dnsbl, "192.0.2.1").await.listed);
    list_the_world(&dns, "a.example", [127, 0, 0, 2]);
    let asked = (0..50).map(|number| ask_of(&dnsbl, source(number), Weigh::Counted));
    for verdict in join_all(asked).await {
        assert!(!verdict.listed && verdict.answers.is_empty(), "{verdict:?}");
    }
    let status = dnsbl.status();
    let why = held(&status[0]).unwrap();
    assert!(
        why.starts_with("lists ") && why.ends_with("it may list everybody"),
        "{why}"
    );
}

#[tokio::test]
async fn invariant_7_what_cannot_be_controlled_lists_nobody() {
    let dns = server().await;
    zone(&dns, "a.example");
    list(&dns, "a.example", "192.0.2.1", &["127.0.0.2"]);
    let config = DnsblConfig {
        control_interval: Duration::from_millis(1),
        ..config(&["a.example*9 trusted"])
    };
    let dnsbl = start(&dns, config).await;
    // Whatever is not known to be listed has no answer from now on: the made-up name neither.
    dns.always("1.2.0.192.a.example", Behaviour::Answer);
    dns.otherwise(Behaviour::Code(ResponseCode::ServFail));
    tokio::time::sleep(Duration::from_millis(5)).await;
    let expected = "not listed: on no list; a.example: its test points could not be asked";
    assert_eq!(told(&dnsbl, "192.0.2.1").await, expected);
}

#[tokio::test]
async fn those_who_wait_for_a_control_wait_once() {
    let dns = server().await;
    zone(&dns, "a.example");
    for number in 0..20 {
        let address = source(number).to_string();
        list(&dns, "a.example", &address, &["127.0.0.2"]);
        dns.always(&name("a.example", &address), Behaviour::Answer);
    }
    let config = DnsblConfig {
        control_interval: Duration::from_secs(1),
        ..config(&["a.example*9 trusted"])
    };
    let dnsbl = start(&dns, config).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    dns.otherwise(Behaviour::Silent);
    let probes = || {
        let asked = dns.asked().into_iter();
        asked
            .filter(|asked| asked.name.to_ascii().starts_with("gate-probe-"))
            .count()
    };
    let before = probes();
    let asked = (0..20).map(|number| ask_of(&dnsbl, source(number), Weigh::Counted));
    for verdict in join_all(asked).await {
        assert!(!verdict.listed, "{verdict:?}");
    }
    // One question, sent twice because it has no answer; and perhaps those of the test that follows.
    assert!(probes() - before <= 4, "{}", probes() - before);
}

#[tokio::test]
async fn a_zone_that_has_names_for_everything_is_held() {
    let dns = server().await;
    zone(&dns, "a.example");
    dns.txt("*.a.example", &[b"for sale"]);
    let dnsbl = start(&dns, impatient(&["a.example*9 trusted"])).await;
    until(&dnsbl, |lists| held(&lists[0]).is_some()).await;
    let why = "has a name that was made up: it is no list, or broken";
    assert_eq!(held(&dnsbl.status()[0]), Some(why));
}

#[tokio::test]
async fn invariant_7_a_list_that_lists_every_source_trips() {
    let dns = server().await;
    zone(&dns, "a.example");
    zone(&dns, "b.example");
    // Its test points stay what they are: only the breaker can tell.
    for number in 0..200 {
        list(
            &dns,
            "a.example",
            &source(number).to_string(),
            &["127.0.0.2"],
        );
    }
    let config = DnsblConfig {
        breaker_sources: 20,
        ..config(&["a.example", "b.example"])
    };
    let dnsbl = start(&dns, config.clone()).await;
    let begun = jiff::Timestamp::now();
    for number in 0..19 {
        assert_eq!(
            ask_of(&dnsbl, source(number), Weigh::Counted)
                .await
                .answers
                .len(),
            1
        );
    }
    // The twentieth is one too many; all that are asked about at the same time share its fate.
    let asked = (19..120).map(|number| ask_of(&dnsbl, source(number), Weigh::Counted));
    for verdict in join_all(asked).await {
        assert!(!verdict.listed && verdict.answers.is_empty(), "{verdict:?}");
    }
    let status = dnsbl.status();
    let why = "lists 20 of the latest 20 sources, of which other zones list 0";
    assert_eq!((held(&status[0]), held(&status[1])), (Some(why), None));
    // What it said of all these sources is doubted, though the breaker begins anew.
    assert_eq!(status[0].latest, (0, 0));
    let ListHealth::Held { doubted, .. } = status[0].health else {
        panic!("it is on hold");
    };
    let before = begun.duration_since(doubted.unwrap()).as_secs();
    assert!((50..=61).contains(&before), "{before} s before the first");
    // It is on hold for its pause, and only then tested.
    let pause = status[0].next_test.duration_since(jiff::Timestamp::now());
    assert!(pause.as_secs() > 3590, "{pause}");

    // In a flood the other one lists them too.
    for number in 0..200 {
        list(
            &dns,
            "b.example",
            &source(number).to_string(),
            &["127.0.0.3"],
        );
    }
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let dnsbl = start(&dns, config).await;
    for number in 0..100 {
        assert!(
            ask_of(&dnsbl, source(number), Weigh::Counted).await.listed,
            "{number}"
        );
    }
    assert!(dnsbl.status().iter().all(|list| held(list).is_none()));
}

#[tokio::test]
async fn sources_that_did_not_come_by_themselves_do_not_trip() {
    let dns = server().await;
    zone(&dns, "a.example");
    for number in 0..60 {
        let address = source(number).to_string();
        list(&dns, "a.example", &address, &["127.0.0.2"]);
    }
    let config = DnsblConfig {
        breaker_sources: 20,
        ..config(&["a.example*2 trusted"])
    };
    let dnsbl = start(&dns, config).await;
    for number in 0..30 {
        let address = source(number);
        let verdict = ask_of(&dnsbl, address, Weigh::Aside).await;
        assert!(verdict.listed, "{number}: {verdict:?}");
    }
    let status = dnsbl.status();
    assert_eq!((held(&status[0]), status[0].latest), (None, (0, 0)));
    assert_eq!(status[0].answered, 30, "a look-up like others for the rest");
    for number in 30..50 {
        let address = source(number);
        ask_of(&dnsbl, address, Weigh::Counted).await;
    }
    assert!(held(&dnsbl.status()[0]).is_some());
    // On hold, it says nothing of them either.
    let verdict = ask_of(&dnsbl, source(0), Weigh::Aside).await;
    assert!(!verdict.listed, "{verdict:?}");
}

#[tokio::test]
async fn a_reload_keeps_what_is_known_of_a_zone() {
    let dns = server().await;
    zone(&dns, "a.example");
    zone(&dns, "b.example");
    list(&dns, "a.example", "192.0.2.1", &["127.255.255.254"]);
    list(&dns, "b.example", "192.0.2.2", &["127.0.0.2"]);
    let dnsbl = start(&dns, config(&["a.example*2"])).await;
    assert!(!ask(&dnsbl, "192.0.2.1").await.listed);
    let tested = dns.count_of("2.0.0.127.a.example");
    // Longer than the test point is kept.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    dnsbl.configure(config(&["b.example*2 trusted", "a.example*3"]));
    until(&dnsbl, |lists| {
        matches!(lists[0].health, ListHealth::InService(_))
    })
    .await;
    // On hold still: it has passed once, at once.
    assert!(held(&dnsbl.status()[1]).is_some());
    assert!(dns.count_of("2.0.0.127.a.example") > tested);
    assert!(ask(&dnsbl, "192.0.2.2").await.listed);
    assert!(dnsbl.is_configured());
    dnsbl.configure(config(&[]));
    assert_eq!(told(&dnsbl, "192.0.2.2").await, "not listed: on no list");
    assert!(!dnsbl.is_configured() && dnsbl.status().is_empty());
}

#[tokio::test]
async fn an_operator_sees_what_each_list_says() {
    let dns = server().await;
    for name in ["a.example", "b.example", "c.example"] {
        zone(&dns, name);
    }
    list(&dns, "a.example", "192.0.2.1", &["127.0.0.2"]);
    dns.txt(
        "1.2.0.192.a.example",
        &[b"sent spam, see\n", b"https://a.example/"],
    );
    list(&dns, "b.example", "192.0.2.1", &["127.0.9.9"]);
    list(&dns, "c.example", "192.0.2.1", &["127.255.255.254"]);
    let lists = ["a.example*2 trusted", "b.example=127.0.0.2", "c.example"];
    let dnsbl = start(&dns, config(&lists)).await;
    let address = "192.0.2.1".parse().unwrap();
    let tested = dnsbl.test(address).await;
    let lists: Vec<_> = tested
        .lists
        .iter()
        .map(|list| {
            let name = list.name.as_str();
            let (problem, text) = (list.problem.as_deref(), list.text.as_deref());
            (name, list.counts, list.codes.len(), problem, text)
        })
        .collect();
    let held = "on hold: does not answer us (127.255.255.254: asked through an open resolver)";
    assert_eq!(
        lists,
        [
            (
                "a.example",
                true,
                1,
                None,
                Some("sent spam, see https://a.example/")
            ),
            ("b.example", false, 1, None, None),
            ("c.example", false, 0, Some(held), None),
        ]
    );
    assert!(tested.listed && tested.sum == 2 && tested.threshold == 2);
    // It counts nowhere, and holds nothing.
    assert!(dnsbl.status().iter().all(|list| list.answered == 0));
    let text = dnsbl.text(&"a.example".parse().unwrap(), address).await;
    assert_eq!(text.as_deref(), Some("sent spam, see https://a.example/"));
    assert_eq!(
        dnsbl.text(&"b.example".parse().unwrap(), address).await,
        None
    );
    assert_eq!(
        dnsbl.text(&"d.example".parse().unwrap(), address).await,
        None
    );
}

#[tokio::test]
async fn a_private_key_shows_nowhere() {
    let dns = server().await;
    let zone_name = format!("{KEY}.zen.example");
    zone(&dns, &zone_name);
    list(&dns, &zone_name, "192.0.2.1", &["127.0.0.2"]);
    let text = format!("1.2.0.192.{zone_name} is listed; your key is {KEY}");
    dns.txt(&name(&zone_name, "192.0.2.1"), &[text.as_bytes()]);
    list(&dns, &zone_name, "192.0.2.2", &["127.255.255.255"]);
    let mut config = config(&[&format!("{zone_name}*2 trusted")]);
    config.lists[0].name = Some("zen".parse().unwrap());
    config.lists[0].url = "https://zen.example/{ip}".to_owned().try_into().unwrap();
    let dnsbl = start(&dns, config).await;
    let verdict = ask(&dnsbl, "192.0.2.1").await;
    assert!(verdict.listed);
    let address = "192.0.2.1".parse().unwrap();
    let text = dnsbl.text(&"zen".parse().unwrap(), address).await;
    assert_eq!(
        text.as_deref(),
        Some("1.2.0.192.zen is listed; your key is (key)")
    );
    let held = ask(&dnsbl, "192.0.2.2").await;
    assert_eq!(held.missing.len(), 1);
    let in_force = dnsbl.0.in_force.load();
    let shown = [
        format!("{verdict} {verdict:?} {held:?}"),
        format!("{:?}", dnsbl.test(address).await),
        format!("{:?} {dnsbl:?}", dnsbl.status()),
        format!("{:?} {:?}", in_force.config, in_force.zones),
        format!("{:?}", dnsbl.0.resolver),
    ]
    .join("\n");
    assert!(!shown.contains(KEY), "{shown}");
}

#[tokio::test]
async fn the_task_ends_with_its_handle() {
    let dns = server().await;
    zone(&dns, "a.example");
    let dnsbl = start(&dns, config(&["a.example"])).await;
    let wake = Arc::downgrade(&dnsbl.0.wake);
    drop(dnsbl);
    for _ in 0..100 {
        if wake.strong_count() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the task lives on");
}
