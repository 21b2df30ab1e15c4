//! The resolver, with real servers on loopback.
//!
//! Here: answers, failures and how long they are kept; what servers may send in `wire`; who asks how
//! much in `load`.

use std::{collections::HashSet, time::Duration};

use hickory_server::proto::{
    op::ResponseCode,
    rr::{RData, rdata},
};
use tokio::{
    net::UdpSocket,
    time::{self, Instant},
};

use super::*;
use crate::dns::testing::{Behaviour, TestDns, source, source_v6};

mod load;
mod wire;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn resolver(dns: &TestDns) -> (Resolver, Lane) {
    with(&dns.config())
}

fn with(config: &DnsConfig) -> (Resolver, Lane) {
    let resolver = Resolver::new(config).unwrap();
    let lane = resolver.lane("test", Some(10_000));
    (resolver, lane)
}

/// An answer in one line, without its TTL.
fn told<T: fmt::Debug>(answer: &Answer<T>) -> String {
    match answer {
        Answer::Found { records, .. } => format!("{records:?}"),
        Answer::Nothing { what, .. } => format!("{what:?}"),
        Answer::Failed(failure) => format!("{failure:?}"),
        Answer::NotAsked(shed) => format!("not asked: {shed:?}"),
    }
}

fn ttl<T>(answer: &Answer<T>) -> u64 {
    match answer {
        // It has been kept for some milliseconds.
        Answer::Found { ttl, .. } | Answer::Nothing { ttl, .. } => {
            (*ttl + Duration::from_millis(999)).as_secs()
        }
        Answer::Failed(_) | Answer::NotAsked(_) => 0,
    }
}

#[tokio::test]
async fn each_type_of_records() {
    let dns = TestDns::start().await;
    let (resolver, lane) = resolver(&dns);
    dns.address_of(
        "a.example",
        &["192.0.2.2", "192.0.2.1", "192.0.2.2", "2001:db8::1"],
    );
    dns.txt("a.example", &[b"two ", b"strings"]);
    dns.mx("a.example", 20, "a.example");
    dns.mx("a.example", 10, "b.example");
    dns.ptr("2001:db8::1", &["A.example"]);
    let of = name("A.Example.");
    assert_eq!(
        told(&resolver.a(&of, &lane).await),
        "[192.0.2.1, 192.0.2.2]"
    );
    assert_eq!(told(&resolver.aaaa(&of, &lane).await), "[2001:db8::1]");
    assert_eq!(told(&resolver.txt(&of, &lane).await), "[\"two strings\"]");
    let Answer::Found { records, .. } = resolver.mx(&of, &lane).await else {
        panic!("no MX");
    };
    let first = (records[0].preference, records[0].exchange.to_string());
    assert_eq!(first, (10, "b.example".to_owned()));
    let address = "2001:db8::1".parse().unwrap();
    let Answer::Found { records, .. } = resolver.ptr(address, &lane).await else {
        panic!("no PTR");
    };
    assert_eq!(records[0].to_string(), "a.example");
    let kinds: Vec<String> = dns
        .asked()
        .iter()
        .map(|asked| asked.kind.to_string())
        .collect();
    assert_eq!(kinds, ["A", "AAAA", "TXT", "MX", "PTR"]);
    let counts = resolver.stats().total;
    assert_eq!((counts.questions, counts.queries, counts.found), (5, 5, 5));
    assert_eq!(counts.latency.count(), 5);
}

#[tokio::test]
async fn a_server_on_ipv6() {
    let dns = TestDns::start_at("[::1]:0".parse().unwrap()).await;
    let (resolver, lane) = resolver(&dns);
    dns.address_of("a.example", &["192.0.2.1"]);
    assert_eq!(
        told(&resolver.a(&name("a.example"), &lane).await),
        "[192.0.2.1]"
    );
}

#[tokio::test]
async fn nothing_told_apart() {
    let dns = TestDns::start().await;
    let (resolver, lane) = resolver(&dns);
    dns.txt("there.example", &[b"text"]);
    dns.txt("below.tree.example", &[b"text"]);
    dns.cname("leads.example", "nowhere.example");
    dns.cname("stays.example", "there.example");
    for (of, expected) in [
        ("none.example", Nothing::NxDomain),
        ("there.example", Nothing::NoData),
        ("tree.example", Nothing::NoData),
        ("leads.example", Nothing::NxDomain),
        ("stays.example", Nothing::NoData),
    ] {
        let answer = resolver.a(&name(of), &lane).await;
        assert_eq!(told(&answer), format!("{expected:?}"), "{of}");
    }
    assert_eq!(resolver.stats().total.nothing, 5);
}

#[tokio::test]
async fn what_says_it_cannot_tell_is_not_asked_again() {
    let dns = TestDns::start().await;
    let (resolver, lane) = resolver(&dns);
    for (of, behaviour, expected) in [
        (
            "a.example",
            Behaviour::Code(ResponseCode::ServFail),
            "ServFail",
        ),
        (
            "b.example",
            Behaviour::Code(ResponseCode::Refused),
            "Refused",
        ),
        (
            "c.example",
            Behaviour::Code(ResponseCode::NotAuth),
            "Code(9)",
        ),
        ("d.example", Behaviour::Refer, "Referral"),
    ] {
        dns.always(of, behaviour);
        assert_eq!(told(&resolver.a(&name(of), &lane).await), expected);
        assert_eq!(dns.count_of(of), 1, "{of}");
    }
}

#[tokio::test]
async fn another_server_is_asked_when_one_fails() {
    let (broken, good) = (TestDns::start().await, TestDns::start().await);
    for (behaviour, asked) in [
        (Behaviour::Code(ResponseCode::ServFail), 1),
        (Behaviour::Code(ResponseCode::Refused), 1),
        (Behaviour::Silent, 1),
    ] {
        let before = broken.count();
        broken.otherwise(behaviour);
        good.address_of("a.example", &["192.0.2.1"]);
        good.address_of("b.example", &["192.0.2.2"]);
        let (resolver, lane) = with(&DnsConfig {
            servers: vec![broken.address().into(), good.address().into()],
            ..broken.config()
        });
        let answer = resolver.a(&name("a.example"), &lane).await;
        assert_eq!(told(&answer), "[192.0.2.1]", "{behaviour:?}");
        resolver.a(&name("b.example"), &lane).await;
        assert_eq!(
            broken.count() - before,
            asked,
            "the one that answered is preferred"
        );
    }
}

#[tokio::test]
async fn silence_is_asked_again_once() {
    let dns = TestDns::start().await;
    let (resolver, lane) = resolver(&dns);
    dns.address_of("a.example", &["192.0.2.1"]);
    dns.next("a.example", Behaviour::Silent);
    let begun = Instant::now();
    assert_eq!(
        told(&resolver.a(&name("a.example"), &lane).await),
        "[192.0.2.1]"
    );
    assert!(begun.elapsed() >= Duration::from_millis(400));
    assert_eq!(dns.count_of("a.example"), 2);
    let counts = resolver.stats().total;
    assert_eq!((counts.queries, counts.retries, counts.timeouts), (2, 1, 1));

    dns.always("b.example", Behaviour::Silent);
    assert_eq!(
        told(&resolver.a(&name("b.example"), &lane).await),
        "Timeout"
    );
    // Longer than hickory would take to repeat it by itself.
    time::sleep(Duration::from_millis(500)).await;
    assert_eq!(dns.count_of("b.example"), 2);
    let counts = resolver.stats().total;
    assert_eq!((counts.queries, counts.retries, counts.timeouts), (4, 2, 3));
}

#[tokio::test]
async fn a_query_is_sent_once_however_long_its_answer_takes() {
    let dns = TestDns::start().await;
    let (resolver, lane) = with(&DnsConfig {
        timeout: Duration::from_secs(2),
        ..dns.config()
    });
    dns.address_of("a.example", &["192.0.2.1"]);
    dns.always("a.example", Behaviour::Late(Duration::from_millis(1200)));
    assert_eq!(
        told(&resolver.a(&name("a.example"), &lane).await),
        "[192.0.2.1]"
    );
    assert_eq!(dns.count(), 1);
}

#[tokio::test]
async fn nobody_listens() {
    let gone = UdpSocket::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let (resolver, lane) = with(&DnsConfig {
        servers: vec![gone.into()],
        timeout: Duration::from_millis(400),
        ..DnsConfig::default()
    });
    let answer = resolver.a(&name("a.example"), &lane).await;
    assert!(
        matches!(
            answer,
            Answer::Failed(Failure::Timeout | Failure::Unreachable)
        ),
        "{answer:?}"
    );
    assert_eq!(resolver.stats().total.queries, 2);
}

#[tokio::test]
async fn an_answer_is_kept_for_its_ttl_within_bounds() {
    let dns = TestDns::start().await;
    let (resolver, lane) = resolver(&dns);
    let address = |last: u8| RData::A(rdata::A::new(192, 0, 2, last));
    for (of, sent, kept) in [
        ("short.example", 0, 60),
        ("good.example", 600, 600),
        ("long.example", 1_000_000, 86_400),
        // RFC 2181 section 8.
        ("negative.example", u32::MAX, 60),
    ] {
        dns.record(of, sent, address(1));
        for _ in 0..2 {
            assert_eq!(ttl(&resolver.a(&name(of), &lane).await), kept, "{of}");
        }
        assert_eq!(dns.count_of(of), 1, "{of}");
    }
    dns.record("several.example", 900, address(1));
    dns.record("several.example", 700, address(2));
    assert_eq!(ttl(&resolver.a(&name("several.example"), &lane).await), 700);
    dns.record(
        "alias.example",
        300,
        RData::CNAME(rdata::CNAME("several.example.".parse().unwrap())),
    );
    assert_eq!(
        ttl(&resolver.a(&name("alias.example"), &lane).await),
        300,
        "the chain's shortest"
    );
    assert_eq!(resolver.stats().total.cached, 4);
}

#[tokio::test]
async fn that_there_is_nothing_is_kept_as_its_soa_says() {
    // RFC 2308 section 5: the least of the SOA's TTL and its minimum.
    for (soa, kept) in [
        (Some((900, 300)), 300),
        (Some((300, 900)), 300),
        (Some((100_000, 100_000)), 3600),
        (Some((5, 5)), 60),
        (None, 60),
    ] {
        let dns = TestDns::start().await;
        let (resolver, lane) = resolver(&dns);
        dns.soa(soa);
        dns.txt("there.example", &[b"text"]);
        for of in ["none.example", "there.example"] {
            for _ in 0..2 {
                assert_eq!(
                    ttl(&resolver.a(&name(of), &lane).await),
                    kept,
                    "{soa:?}, {of}"
                );
            }
            assert_eq!(dns.count_of(of), 1, "{of}");
        }
    }
}

#[tokio::test]
async fn what_is_kept_lapses() {
    let dns = TestDns::start().await;
    let mut config = dns.config();
    config.cache.min_ttl = Duration::from_secs(2);
    let (resolver, lane) = with(&config);
    dns.soa(Some((0, 0)));
    assert_eq!(
        told(&resolver.a(&name("a.example"), &lane).await),
        "NxDomain"
    );
    dns.record("a.example", 0, RData::A(rdata::A::new(192, 0, 2, 1)));
    assert_eq!(
        told(&resolver.a(&name("a.example"), &lane).await),
        "NxDomain"
    );
    time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(
        told(&resolver.a(&name("a.example"), &lane).await),
        "[192.0.2.1]"
    );
}

#[test]
fn a_failure_is_kept_less_than_a_minute() {
    assert!(FAILURE_TTL <= Duration::from_mins(1));
}

#[tokio::test]
async fn a_failure_is_kept() {
    let dns = TestDns::start().await;
    let (resolver, lane) = resolver(&dns);
    dns.next("a.example", Behaviour::Code(ResponseCode::ServFail));
    dns.address_of("a.example", &["192.0.2.1"]);
    for _ in 0..3 {
        assert_eq!(
            told(&resolver.a(&name("a.example"), &lane).await),
            "ServFail"
        );
    }
    assert_eq!(dns.count(), 1);
    let key = Key {
        name: name("a.example"),
        kind: Kind::A,
    };
    let in_half_a_minute = Instant::now() + FAILURE_TTL;
    assert!(resolver.0.cache.get(&key, in_half_a_minute).is_none());
}

#[tokio::test]
async fn no_more_is_kept_than_the_cache_holds() {
    let dns = TestDns::start().await;
    let mut config = dns.config();
    config.cache.entries = 100;
    config.per_second = 100_000;
    let (resolver, lane) = with(&config);
    for number in 0..250 {
        resolver.ptr(source(number), &lane).await;
    }
    let kept = resolver.stats().kept;
    assert!((50..=100).contains(&kept), "{kept}");
}
