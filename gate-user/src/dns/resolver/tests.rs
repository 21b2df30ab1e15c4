//! The resolver, with real servers on loopback.

use std::{collections::HashSet, time::Duration};

use hickory_server::proto::{
    op::ResponseCode,
    rr::{RData, rdata},
};
use tokio::{net::UdpSocket, time};

use super::*;
use crate::dns::testing::{Behaviour, TestDns, source, source_v6};

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
    config.cache.min_ttl = Duration::from_millis(500);
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
    time::sleep(Duration::from_millis(510)).await;
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

#[tokio::test]
async fn who_asks_the_same_at_once_shares_one_query() {
    let dns = TestDns::start().await;
    let (resolver, lane) = resolver(&dns);
    dns.address_of("a.example", &["192.0.2.1"]);
    dns.always("a.example", Behaviour::Late(Duration::from_millis(100)));
    let asking = (0..1000).map(|_| {
        let (resolver, lane) = (resolver.clone(), lane.clone());
        tokio::spawn(async move { told(&resolver.a(&name("a.example"), &lane).await) })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert_eq!(asked.await.unwrap(), "[192.0.2.1]");
    }
    assert_eq!(dns.count(), 1);
    let counts = resolver.stats().total;
    assert_eq!(
        (counts.questions, counts.joined, counts.found),
        (1000, 999, 1)
    );
}

#[tokio::test]
async fn who_leaves_takes_nobody_along() {
    let dns = TestDns::start().await;
    let (resolver, lane) = with(&DnsConfig {
        timeout: Duration::from_secs(5),
        ..dns.config()
    });
    dns.address_of("a.example", &["192.0.2.1"]);
    dns.always("a.example", Behaviour::Late(Duration::from_millis(500)));
    let patient = {
        let (resolver, lane) = (resolver.clone(), lane.clone());
        async move { told(&resolver.a(&name("a.example"), &lane).await) }
    };
    let of = name("a.example");
    let hurried = time::timeout(Duration::from_millis(50), resolver.a(&of, &lane));
    let (hurried, patient) = tokio::join!(hurried, patient);
    assert!(hurried.is_err());
    assert_eq!(patient, "[192.0.2.1]");
    assert_eq!(dns.count(), 1);

    // And if nobody stays, the answer to what was sent is kept.
    dns.address_of("b.example", &["192.0.2.2"]);
    dns.always("b.example", Behaviour::Late(Duration::from_millis(500)));
    let of = name("b.example");
    let hurried = time::timeout(Duration::from_millis(50), resolver.a(&of, &lane));
    assert!(hurried.await.is_err());
    time::sleep(Duration::from_millis(700)).await;
    assert_eq!(told(&resolver.a(&of, &lane).await), "[192.0.2.2]");
    assert_eq!(dns.count_of("b.example"), 1);
}

#[tokio::test]
async fn what_does_not_fit_is_asked_over_tcp() {
    let dns = TestDns::start().await;
    let (resolver, lane) = resolver(&dns);
    for last in 0..200 {
        dns.address_of("many.example", &[&format!("192.0.2.{last}")]);
    }
    let answer = resolver.a(&name("many.example"), &lane).await;
    let Answer::Found { records, .. } = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(records.len(), 200);
    let over_tcp: Vec<bool> = dns.asked().iter().map(|asked| asked.tcp).collect();
    assert_eq!(over_tcp, [false, true]);
    let counts = resolver.stats().total;
    assert_eq!((counts.queries, counts.tcp, counts.retries), (2, 1, 0));
}

#[tokio::test]
async fn huge_answers_come_out_small() {
    let dns = TestDns::start().await;
    let (resolver, lane) = with(&DnsConfig {
        timeout: Duration::from_secs(5),
        ..dns.config()
    });
    for n in 0..2000_u32 {
        let address = Ipv4Addr::from(0xc000_0200 + n);
        dns.record("many.example", 60, RData::A(rdata::A(address)));
    }
    let Answer::Found { records, .. } = resolver.a(&name("many.example"), &lane).await else {
        panic!("no addresses");
    };
    assert_eq!(records.len(), 256);
    assert_eq!(records[0].to_string(), "192.0.2.0", "the first when sorted");

    let strings = vec![[b'x'; 255].as_slice(); 240];
    dns.txt("long.example", &strings);
    for n in 0..50 {
        dns.txt("texts.example", &[format!("text {n:02}").as_bytes()]);
    }
    let Answer::Found { records, .. } = resolver.txt(&name("long.example"), &lane).await else {
        panic!("no text");
    };
    assert_eq!((records.len(), records[0].len()), (1, 1024));
    let Answer::Found { records, .. } = resolver.txt(&name("texts.example"), &lane).await else {
        panic!("no texts");
    };
    assert_eq!(records.len(), 32);
}

#[tokio::test]
async fn a_text_is_fit_to_be_shown() {
    let dns = TestDns::start().await;
    let (resolver, lane) = resolver(&dns);
    dns.txt(
        "a.example",
        &[
            "gr\u{fc}n \u{1b}[31m\r\n\0 \u{202e}x\u{85}".as_bytes(),
            b"\xff",
        ],
    );
    assert_eq!(
        told(&resolver.txt(&name("a.example"), &lane).await),
        "[\"gr\u{fc}n \u{fffd}[31m\u{fffd}\u{fffd}\u{fffd} \u{fffd}x\u{fffd}\u{fffd}\"]"
    );
}

#[tokio::test]
async fn chains_and_circles() {
    let dns = TestDns::start().await;
    let (resolver, lane) = resolver(&dns);
    dns.cname("a.circle.example", "b.circle.example");
    dns.cname("b.circle.example", "a.circle.example");
    dns.cname("self.example", "self.example");
    for n in 0..30 {
        dns.cname(&format!("c{n}.example"), &format!("c{}.example", n + 1));
        dns.cname(&format!("l{n}.example"), &format!("l{}.example", n + 1));
        dns.always(&format!("l{n}.example"), Behaviour::LeaveCname);
    }
    dns.address_of("c30.example", &["192.0.2.1"]);
    dns.address_of("l30.example", &["192.0.2.2"]);
    for (of, expected, queries) in [
        ("a.circle.example", "Chain", 1),
        ("self.example", "Chain", 1),
        ("c10.example", "Chain", 1),
        ("c20.example", "[192.0.2.1]", 1),
        // A server that leaves it to us to follow.
        ("l20.example", "Chain", 4),
        ("l27.example", "[192.0.2.2]", 4),
    ] {
        let before = dns.count();
        assert_eq!(told(&resolver.a(&name(of), &lane).await), expected, "{of}");
        assert_eq!(dns.count() - before, queries, "{of}");
    }
}

#[tokio::test]
async fn a_server_that_knows_no_edns() {
    let dns = TestDns::start().await;
    let (resolver, lane) = resolver(&dns);
    dns.address_of("a.example", &["192.0.2.1"]);
    dns.next("a.example", Behaviour::Code(ResponseCode::FormErr));
    assert_eq!(
        told(&resolver.a(&name("a.example"), &lane).await),
        "[192.0.2.1]"
    );
    let edns: Vec<bool> = dns.asked().iter().map(|asked| asked.edns).collect();
    assert_eq!(edns, [true, false]);
    dns.always("b.example", Behaviour::Code(ResponseCode::FormErr));
    assert_eq!(
        told(&resolver.a(&name("b.example"), &lane).await),
        "Code(1)"
    );
    assert_eq!(dns.count_of("b.example"), 2);
}

#[tokio::test]
async fn ids_ports_and_case_are_not_to_be_guessed() {
    let dns = TestDns::start().await;
    let (resolver, lane) = resolver(&dns);
    for n in 0..20 {
        let of = format!("a-name-of-some-length-{n}.example");
        resolver.a(&name(&of), &lane).await;
    }
    let asked = dns.asked();
    let ids: HashSet<u16> = asked.iter().map(|asked| asked.id).collect();
    let ports: HashSet<u16> = asked.iter().map(|asked| asked.from.port()).collect();
    assert!(ids.len() >= 18, "{ids:?}");
    assert!(ports.len() >= 18, "{ports:?}");
    let mixed = asked
        .iter()
        .filter(|asked| asked.name.to_ascii() != asked.name.to_lowercase().to_ascii())
        .count();
    assert!(mixed >= 18, "{mixed} of 20 in mixed case");
}

/// A server that answers each query with bytes that `answer` makes of it.
async fn raw(answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> DnsConfig {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query).await {
            for bytes in answer(&query[..length]) {
                socket.send_to(&bytes, from).await.unwrap();
            }
        }
    });
    DnsConfig {
        servers: vec![address.into()],
        timeout: Duration::from_millis(400),
        ..DnsConfig::default()
    }
}

/// The query as a reply, with an address for the name in it that begins at that offset.
fn with_address(query: &[u8], name: u16, last: u8) -> Vec<u8> {
    // Header and question; what follows is the OPT record.
    let mut end = 12;
    while query[end] != 0 {
        end += usize::from(query[end]) + 1;
    }
    let mut reply = query[..end + 5].to_vec();
    reply[2..4].copy_from_slice(&[0x85, 0x80]);
    reply[6..12].copy_from_slice(&[0, 1, 0, 0, 0, 0]);
    reply.extend((0xc000 | name).to_be_bytes());
    reply.extend([0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 192, 0, 2, last]);
    reply
}

#[tokio::test]
async fn what_answers_something_else_counts_for_nothing() {
    type Answers = fn(&[u8]) -> Vec<Vec<u8>>;
    let cases: [(&str, Answers, &str); 6] = [
        (
            "as it should be",
            |query| vec![with_address(query, 12, 1)],
            "[192.0.2.1]",
        ),
        (
            "another id",
            |query| {
                let mut forged = with_address(query, 12, 66);
                forged[0] ^= 1;
                vec![forged, with_address(query, 12, 1)]
            },
            "[192.0.2.1]",
        ),
        (
            "another question",
            |query| {
                let mut forged = with_address(query, 12, 66);
                forged[13] = b'x';
                vec![forged, with_address(query, 12, 1)]
            },
            "[192.0.2.1]",
        ),
        (
            "the address of another name",
            |query| vec![with_address(query, 18, 66)],
            "NoData",
        ),
        (
            "no message",
            |_| vec![b"hello".to_vec(), vec![0]],
            "Timeout",
        ),
        (
            "a message that is cut off",
            |query| {
                let whole = with_address(query, 12, 1);
                vec![whole[..whole.len() - 2].to_vec()]
            },
            "Malformed",
        ),
    ];
    for (what, answer, expected) in cases {
        let (resolver, lane) = with(&raw(answer).await);
        let answer = resolver.a(&name("hello.example"), &lane).await;
        assert_eq!(told(&answer), expected, "{what}");
    }
}

#[tokio::test]
async fn a_reply_in_another_case_is_asked_for_over_tcp() {
    // Nobody listens there over TCP: what came over UDP was not believed.
    let config = raw(|query| vec![with_address(&query.to_ascii_lowercase(), 12, 66)]).await;
    let (resolver, lane) = with(&config);
    let answer = resolver
        .a(&name("a-name-of-some-length.example"), &lane)
        .await;
    assert!(matches!(answer, Answer::Failed(_)), "{answer:?}");
    assert!(resolver.stats().total.tcp > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_budget_holds_under_ten_thousand_new_sources_a_second() {
    const SECONDS: u32 = 2;
    let dns = TestDns::start().await;
    let (resolver, _) = with(&DnsConfig {
        per_second: 200,
        per_zone: 150,
        wait: Duration::from_secs(1),
        timeout: Duration::from_secs(5),
        concurrency: 1000,
        ..dns.config()
    });
    let lane = resolver.lane("ptr", None);
    let begun = Instant::now();
    let mut most_waiting = 0;
    let mut asking = tokio::task::JoinSet::new();
    for round in 0..SECONDS * 100 {
        time::sleep_until(begun + Duration::from_millis(10) * round).await;
        for n in 0..100 {
            let (resolver, lane) = (resolver.clone(), lane.clone());
            let number = round * 100 + n;
            asking.spawn(async move { resolver.ptr(source(number), &lane).await });
        }
        let stats = resolver.stats();
        most_waiting = most_waiting.max(stats.waiting + stats.lanes[0].waiting);
    }
    let (mut answered, mut skipped) = (0, 0);
    for answer in asking.join_all().await {
        match answer {
            Answer::Nothing { .. } => answered += 1,
            Answer::NotAsked(Shed::PerZone) => skipped += 1,
            other => panic!("{other:?}"),
        }
    }
    let counts = resolver.stats().total;
    assert_eq!(counts.questions, u64::from(SECONDS) * 10_000);
    assert_eq!((counts.nothing, counts.shed_per_zone), (answered, skipped));
    assert!(most_waiting <= 150 + 200, "{most_waiting}");
    // Over any second it is told more sharply where the budget is; what was sent evenly may come
    // in bunched.
    let sent = dns.count() as u64;
    let elapsed = dns.asked().last().unwrap().at - begun;
    let most = 150 * (elapsed.as_secs() + 2);
    assert!(sent <= most, "{sent} queries in {elapsed:?}");
    assert_eq!(sent, counts.queries);
    assert!(answered >= 150, "{answered} answered");
}

#[tokio::test]
async fn dead_servers_hold_up_no_more_than_the_budget() {
    let dns = TestDns::start().await;
    dns.otherwise(Behaviour::Silent);
    let (resolver, lane) = with(&DnsConfig {
        per_second: 1000,
        concurrency: 10,
        wait: Duration::from_secs(1),
        timeout: Duration::from_millis(200),
        ..dns.config()
    });
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..5000 {
        let (resolver, lane) = (resolver.clone(), lane.clone());
        asking.spawn(async move { resolver.ptr(source_v6(number), &lane).await });
    }
    let mut most = (0, 0);
    while resolver.stats().total.questions < 5000 || most.0 == 0 {
        time::sleep(Duration::from_millis(1)).await;
        let stats = resolver.stats();
        most = (most.0.max(stats.under_way), most.1.max(stats.waiting));
    }
    assert_eq!(most.0, 10);
    assert!(most.1 <= 1000, "{} waiting", most.1);
    let mut shed = 0;
    for answer in asking.join_all().await {
        match answer {
            Answer::NotAsked(Shed::Concurrency | Shed::PerSecond) => shed += 1,
            Answer::Failed(Failure::Timeout) => {}
            other => panic!("{other:?}"),
        }
    }
    // Ten at once, each 200 ms: at most 60 in the first second, and what is under way then.
    assert!((4900..5000).contains(&shed), "{shed}");
    assert_eq!(resolver.stats().under_way, 0);
}

#[tokio::test]
async fn each_lane_has_a_share_of_its_own() {
    let dns = TestDns::start().await;
    let (resolver, _) = resolver(&dns);
    let (small, other) = (
        resolver.lane("small", Some(1)),
        resolver.lane("other", None),
    );
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (resolver, small) = (resolver.clone(), small.clone());
        asking.spawn(async move { resolver.ptr(source(number), &small).await });
    }
    time::sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    for number in 100..104 {
        resolver.ptr(source(number), &other).await;
    }
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(other.stats().counts.nothing, 4);
    assert_eq!(small.stats().counts.queries, 1);
    assert_eq!(small.stats().waiting, 5, "five seconds of one a second");
    assert_eq!(small.stats().counts.shed_per_zone, 14);
    let same = resolver.lane("small", Some(7));
    assert_eq!(same.stats().per_second, 7);
    assert_eq!(same.stats().counts.questions, 20);
}

#[tokio::test]
async fn the_door_goes_first_and_takes_what_it_asks_for_along() {
    let dns = TestDns::start().await;
    let (resolver, _) = with(&DnsConfig {
        per_second: 10,
        ..dns.config()
    });
    let lane = resolver.lane("ptr", Some(10_000));
    let mut background = tokio::task::JoinSet::new();
    for number in 0..40 {
        let (resolver, lane) = (resolver.clone(), lane.clone());
        background.spawn(async move { resolver.ptr(source(number), &lane).await });
    }
    time::sleep(Duration::from_millis(50)).await;
    let door = lane.at(Urgency::Door);
    let begun = Instant::now();
    let new = resolver.ptr(source(1000), &door).await;
    assert_eq!(told(&new), "NxDomain");
    // This one is the last of those in the background, four seconds away.
    let joined = resolver.ptr(source(39), &door).await;
    assert_eq!(told(&joined), "NxDomain");
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(dns.count_of("39.0.18.198.in-addr.arpa"), 1);
}

#[tokio::test]
async fn during_a_flood_nothing_is_asked_in_the_background() {
    let dns = TestDns::start().await;
    let (resolver, lane) = with(&DnsConfig {
        per_second: 1,
        ..dns.config()
    });
    resolver.ptr(source(0), &lane).await;
    let waiting = {
        let (resolver, lane) = (resolver.clone(), lane.clone());
        tokio::spawn(async move { resolver.ptr(source(1), &lane).await })
    };
    time::sleep(Duration::from_millis(20)).await;
    resolver.set_shedding(true);
    assert_eq!(told(&waiting.await.unwrap()), "not asked: Flood");
    assert_eq!(
        told(&resolver.ptr(source(2), &lane).await),
        "not asked: Flood"
    );
    let new = resolver.lane("new", None);
    assert_eq!(
        told(&resolver.ptr(source(2), &new).await),
        "not asked: Flood"
    );
    assert_eq!(
        told(&resolver.ptr(source(0), &lane).await),
        "NxDomain",
        "it is kept"
    );
    let door = lane.at(Urgency::Door);
    assert_eq!(told(&resolver.ptr(source(3), &door).await), "NxDomain");
    assert_eq!(resolver.stats().total.shed_flood, 3);
    assert!(resolver.stats().shedding);
    resolver.set_shedding(false);
    assert_eq!(told(&resolver.ptr(source(2), &lane).await), "NxDomain");
}

#[tokio::test]
async fn a_reload_keeps_what_is_kept() {
    let (old, new) = (TestDns::start().await, TestDns::start().await);
    let (resolver, _) = resolver(&old);
    let lane = resolver.lane("zone", None);
    let fixed = resolver.lane("fixed", Some(3));
    resolver.ptr(source(0), &lane).await;
    resolver
        .reload(&DnsConfig {
            per_zone: 20,
            ..new.config()
        })
        .unwrap();
    resolver.ptr(source(0), &lane).await;
    resolver.ptr(source(1), &lane).await;
    assert_eq!((old.count(), new.count()), (1, 1));
    assert_eq!(lane.stats().per_second, 20);
    assert_eq!(fixed.stats().per_second, 3);
}
