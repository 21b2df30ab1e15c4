//! The inquiry before a DNS server on loopback.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use hickory_server::proto::op::ResponseCode;
use tokio::time::timeout;

use super::*;
use crate::{
    config::{DnsConfig, DnsblList, LookupConfig},
    dns::testing::{Behaviour, TestDns, source},
    evidence::Standing,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// An inquiry before `dns`, and what it finds out.
fn start(dns: &TestDns, config: Config) -> (Inquiry, mpsc::Receiver<Found>) {
    let (sink, found) = mpsc::channel(10_000);
    let config = Config {
        dns: DnsConfig {
            servers: dns.config().servers,
            ..config.dns.clone()
        },
        ..config
    };
    let resolver = Resolver::new(&config.dns).unwrap();
    let dnsbl = Dnsbl::start(config.dnsbl.clone(), resolver.clone());
    let inquiry = Inquiry::start(&config, resolver, dnsbl, sink).unwrap();
    (inquiry, found)
}

async fn next(found: &mut mpsc::Receiver<Found>) -> Found {
    timeout(PATIENCE, found.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_source_is_asked_about_once_in_a_while() {
    let dns = TestDns::start().await;
    dns.ptr("192.0.2.7", &["dsl-192-0-2-7.example.net"]);
    dns.address_of("dsl-192-0-2-7.example.net", &["192.0.2.7"]);
    let (inquiry, mut found) = start(&dns, Config::default());
    let address = IpAddr::from([192, 0, 2, 7]);
    for _ in 0..10 {
        inquiry.seen(address);
    }
    let Found::Finding(finding) = next(&mut found).await else {
        panic!("no finding");
    };
    assert_eq!(finding.address, address);
    assert_eq!(finding.seen, finding.at);
    let Some(Standing::Confirmed { name, class, .. }) = finding.reverse.map(|is| is.standing)
    else {
        panic!("no name");
    };
    assert_eq!(
        (&*name, class.as_str()),
        ("dsl-192-0-2-7.example.net", "dynamic")
    );
    assert_eq!(inquiry.counts().asked, 1);

    // The schedule asks again, but that is not the source's coming.
    let mut before = finding_of(address);
    before.seen = Timestamp::UNIX_EPOCH;
    inquiry.again(&[before]);
    let Found::Finding(again) = next(&mut found).await else {
        panic!("no finding");
    };
    assert_eq!(again.seen, Timestamp::UNIX_EPOCH);
}

fn finding_of(address: IpAddr) -> Finding {
    Finding {
        address,
        at: Timestamp::UNIX_EPOCH,
        seen: Timestamp::UNIX_EPOCH,
        reverse: None,
        answers: Vec::new(),
        pardoned: Vec::new(),
    }
}

#[tokio::test]
async fn what_cannot_be_told_is_asked_again_when_the_source_comes_again() {
    let dns = TestDns::start().await;
    dns.otherwise(Behaviour::Code(ResponseCode::Refused));
    let (inquiry, mut found) = start(&dns, Config::default());
    let address = IpAddr::from([192, 0, 2, 7]);
    for round in 1..=2_u64 {
        let deadline = Instant::now() + PATIENCE;
        inquiry.seen(address);
        while inquiry.counts().unanswered < round {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    assert!(found.try_recv().is_err());

    // When it was time again the writer is told, so that others have their turn; and nobody is asked
    // about twice at the same time.
    let due = finding_of(address);
    inquiry.again(&[due.clone(), due.clone()]);
    inquiry.again(&[due]);
    let Found::Finding(silent) = next(&mut found).await else {
        panic!("no finding");
    };
    assert!(!silent.tells_something());
    assert_eq!(inquiry.counts().asked, 3);
}

#[tokio::test]
async fn in_a_flood_only_those_who_wait_cost_a_query() {
    let dns = TestDns::start().await;
    let (inquiry, mut found) = start(&dns, Config::default());
    let network: Network = "198.51.100.0/24".parse().unwrap();
    let coming = IpAddr::from([192, 0, 2, 7]);
    inquiry.set_shedding(true);
    inquiry.seen(coming);
    inquiry.again(&[finding_of([192, 0, 2, 8].into())]);
    inquiry.sample(network);
    let deadline = Instant::now() + PATIENCE;
    while inquiry.counts().unanswered < 3 {
        assert!(Instant::now() < deadline, "{:?}", inquiry.counts());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(dns.count(), 0);
    // Whose time had come waits for its turn like the others; of the rest there is nothing to tell.
    let Found::Finding(silent) = next(&mut found).await else {
        panic!("no finding");
    };
    assert_eq!(silent.address, IpAddr::from([192, 0, 2, 8]));
    assert!(!silent.tells_something());
    assert!(found.try_recv().is_err());

    let waited_for = IpAddr::from([192, 0, 2, 9]);
    assert!(inquiry.ask(waited_for).await.tells_something());
    assert_eq!(dns.count(), 1);
    // What is known already costs nothing.
    inquiry.seen(waited_for);
    assert!(matches!(next(&mut found).await, Found::Finding(is) if is.address == waited_for));
    assert_eq!(dns.count(), 1);

    inquiry.set_shedding(false);
    inquiry.seen(coming);
    assert!(matches!(next(&mut found).await, Found::Finding(is) if is.address == coming));
    assert_eq!(dns.count(), 2);
}

#[tokio::test]
async fn an_answer_of_each_list_is_told_and_silence_is_not() {
    let dns = TestDns::start().await;
    for zone in ["a.example", "b.example"] {
        dns.address_of(&format!("2.0.0.127.{zone}"), &["127.0.0.2"]);
    }
    dns.address_of("7.2.0.192.a.example", &["127.0.0.4"]);
    let mut config = Config::default();
    config.dnsbl.lists = ["a.example", "b.example", "gone.example"]
        .map(|site| DnsblList::new(site.parse().unwrap()))
        .to_vec();
    dns.always("gone.example", Behaviour::Code(ResponseCode::Refused));
    let (inquiry, _found) = start(&dns, config);
    let deadline = Instant::now() + PATIENCE;
    let finding = loop {
        let finding = inquiry.ask([192, 0, 2, 7].into()).await;
        if finding.answers.len() == 2 {
            break finding;
        }
        assert!(Instant::now() < deadline, "{finding:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let said: Vec<_> = finding
        .answers
        .iter()
        .map(|one| (&*one.list, one.codes.clone(), one.weight))
        .collect();
    let code = vec![Ipv4Addr::new(127, 0, 0, 4)];
    assert_eq!(said, [("a.example", code, 1), ("b.example", Vec::new(), 0)]);
}

/// Only sources that come by themselves show whether a list has gone mad.
#[tokio::test]
async fn rechecks_and_questions_of_operators_do_not_go_into_the_breaker() {
    let dns = TestDns::start().await;
    dns.address_of("2.0.0.127.a.example", &["127.0.0.2"]);
    let mut config = Config::default();
    config.dnsbl.lists = vec![DnsblList::new("a.example".parse().unwrap())];
    let (inquiry, mut found) = start(&dns, config);
    let dnsbl = &inquiry.shared.asker.dnsbl;
    let deadline = Instant::now() + PATIENCE;
    while dnsbl.status()[0].tested.is_none() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let weighed = || dnsbl.status()[0].latest.1;
    inquiry.ask(source(1)).await;
    assert_eq!(weighed(), 0, "an operator asks");
    inquiry.again(&[finding_of(source(2))]);
    next(&mut found).await;
    assert_eq!(weighed(), 0, "asked about again");
    inquiry.seen(source(3));
    next(&mut found).await;
    assert_eq!(weighed(), 1, "it came");
}

#[tokio::test]
async fn what_was_told_in_time_counts_and_the_rest_is_left_out() {
    let dns = TestDns::start().await;
    for zone in ["a.example", "b.example", "late.example"] {
        dns.address_of(&format!("2.0.0.127.{zone}"), &["127.0.0.2"]);
        dns.address_of(&format!("7.2.0.192.{zone}"), &["127.0.0.4"]);
    }
    for name in ["7.2.0.192.late.example", "7.2.0.192.in-addr.arpa"] {
        dns.always(name, Behaviour::Silent);
    }
    // Its address comes at once, its words do not.
    dns.next("7.2.0.192.a.example", Behaviour::Answer);
    dns.always("7.2.0.192.a.example", Behaviour::Silent);
    let mut config = Config::default();
    config.dns.timeout = Duration::from_secs(30);
    config.dnsbl.lists = ["a.example", "b.example", "late.example"]
        .map(|site| DnsblList::new(site.parse().unwrap()))
        .to_vec();
    let (inquiry, _found) = start(&dns, config);
    let asker = &inquiry.shared.asker;
    let deadline = Instant::now() + PATIENCE;
    while asker
        .dnsbl
        .status()
        .iter()
        .any(|list| list.tested.is_none())
    {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let begun = Instant::now();
    let within = Duration::from_secs(2);
    let (address, seen) = (IpAddr::from([192, 0, 2, 7]), Timestamp::now());
    let urgency = Urgency::Background;
    let finding = asker.source(address, seen, urgency, Weigh::Counted, within);
    let finding = finding.await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(9), "{took:?}");
    assert_eq!(dns.count_of("7.2.0.192.a.example"), 2, "A and TXT");
    assert_eq!(finding.reverse, None);
    let said = finding.answers.iter();
    let said: Vec<_> = said
        .map(|one| (&*one.list, one.weight, one.text.clone()))
        .collect();
    assert_eq!(said, [("a.example", 1, None), ("b.example", 1, None)]);
}

#[tokio::test]
async fn a_sample_is_of_names_whether_or_not_they_resolve_back() {
    let dns = TestDns::start().await;
    let network: Network = "192.0.2.0/24".parse().unwrap();
    for address in sample::addresses(network) {
        let dashed = address.to_string().replace('.', "-");
        dns.ptr(
            &address.to_string(),
            &[&format!("dsl-{dashed}.example.net")],
        );
    }
    let (inquiry, mut found) = start(&dns, Config::default());
    inquiry.sample(network);
    let Found::Sample(sample) = next(&mut found).await else {
        panic!("no sample");
    };
    assert_eq!(sample.network, network);
    assert_eq!(sample.classes, [crate::evidence::PtrClass::Dynamic; 8]);
}

/// The budget of the resolver and the places to wait bound what a flood of sources can cost: the
/// rest is passed over, and counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_new_sources_a_second_stay_within_the_budget() {
    const PER_SECOND: u32 = 100;
    const WAITING: u32 = 500;
    let dns = TestDns::start().await;
    let config = Config {
        dns: DnsConfig {
            per_second: PER_SECOND,
            per_zone: PER_SECOND,
            ..DnsConfig::default()
        },
        lookup: LookupConfig {
            waiting: WAITING,
            at_once: 16,
            ..LookupConfig::default()
        },
        ..Config::default()
    };
    let (inquiry, mut found) = start(&dns, config);
    let begun = Instant::now();
    let mut sources = 0;
    for _ in 0..30 {
        for _ in 0..1000 {
            sources += 1;
            inquiry.seen(source(sources));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        while found.try_recv().is_ok() {}
        let waiting = inquiry.counts().waiting;
        assert!(waiting <= u64::from(WAITING), "{waiting} wait");
    }
    let counts = inquiry.counts();
    let (queries, seconds) = (dns.count(), begun.elapsed().as_secs_f64());
    let most = f64::from(PER_SECOND) * (seconds + 1.0);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let sent = queries as f64;
    assert!(sent <= most, "{sent} queries in {seconds} s");
    assert!(counts.asked > 0 && counts.skipped > 0, "{counts:?}");
    // Everybody is accounted for, but for those who are between the places and the askers.
    let told = counts.asked + counts.skipped + counts.waiting;
    assert!(told.abs_diff(u64::from(sources)) <= 16, "{counts:?}");
}
