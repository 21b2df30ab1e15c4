//! Reverse names, asked of a real server on loopback.

use hickory_server::proto::op::ResponseCode;

use super::*;
use crate::dns::testing::{Behaviour, TestDns};

/// What DNS says of 192.0.2.7, or another address, in one line.
async fn told_of(dns: &TestDns, address: &str) -> String {
    let resolver = Resolver::new(&dns.config()).unwrap();
    let lane = resolver.lane("ptr", None);
    let reverse = reverse_name(&resolver, &lane, address.parse().unwrap()).await;
    in_a_line(reverse.name)
}

fn in_a_line(name: ReverseName) -> String {
    match name {
        ReverseName::Missing => "missing".to_owned(),
        ReverseName::Confirmed {
            name,
            also,
            unconfirmed,
        } => {
            let names: Vec<_> = [name].into_iter().chain(also).collect();
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            format!("confirmed {} {}", names.join(" "), unconfirmed.len())
        }
        ReverseName::Forged { name, others } => format!("forged {name} {}", others.len()),
        ReverseName::Unknown(Unknown::Failed(failure)) => format!("unknown: {failure}"),
        ReverseName::Unknown(Unknown::NotAsked(shed)) => format!("not asked: {shed}"),
    }
}

async fn told(dns: &TestDns) -> String {
    told_of(dns, "192.0.2.7").await
}

const REVERSE: &str = "7.2.0.192.in-addr.arpa";

#[tokio::test]
async fn no_name() {
    let dns = TestDns::start().await;
    assert_eq!(told(&dns).await, "missing", "NXDOMAIN");
    dns.txt(REVERSE, &[b"no PTR"]);
    assert_eq!(told(&dns).await, "missing", "NOERROR without a record");
}

#[tokio::test]
async fn a_failure_is_no_missing_name() {
    for (behaviour, expected) in [
        (
            Behaviour::Code(ResponseCode::ServFail),
            "unknown: the server failed (SERVFAIL)",
        ),
        (
            Behaviour::Code(ResponseCode::Refused),
            "unknown: the server refused (REFUSED)",
        ),
        (Behaviour::Silent, "unknown: no answer in time"),
        (
            Behaviour::Refer,
            "unknown: the server does not resolve, it refers to others",
        ),
    ] {
        let dns = TestDns::start().await;
        dns.always(REVERSE, behaviour);
        assert_eq!(told(&dns).await, expected);
    }
}

#[tokio::test]
async fn a_name_that_leads_back() {
    let dns = TestDns::start().await;
    dns.ptr("192.0.2.7", &["mail.example.com"]);
    dns.address_of(
        "mail.example.com",
        &["192.0.2.1", "192.0.2.7", "2001:db8::7"],
    );
    dns.ptr("2001:db8::7", &["mail.example.com"]);
    assert_eq!(told(&dns).await, "confirmed mail.example.com 0");
    assert_eq!(
        told_of(&dns, "2001:db8::7").await,
        "confirmed mail.example.com 0"
    );
    assert_eq!(
        told_of(&dns, "::ffff:192.0.2.7").await,
        "confirmed mail.example.com 0",
        "a mapped address is the IPv4 address"
    );
}

#[tokio::test]
async fn a_name_that_does_not_lead_back() {
    let dns = TestDns::start().await;
    dns.ptr("192.0.2.7", &["mail.example.com"]);
    assert_eq!(
        told(&dns).await,
        "forged mail.example.com 0",
        "the name does not exist"
    );
    dns.address_of("mail.example.com", &["2001:db8::7"]);
    assert_eq!(
        told(&dns).await,
        "forged mail.example.com 0",
        "no address of that family"
    );
    dns.address_of("mail.example.com", &["192.0.2.8"]);
    assert_eq!(
        told(&dns).await,
        "forged mail.example.com 0",
        "another address"
    );
}

#[tokio::test]
async fn of_several_names_any_may_lead_back() {
    let dns = TestDns::start().await;
    dns.ptr(
        "192.0.2.7",
        &["c.example.com", "b.example.com", "a.example.com"],
    );
    assert_eq!(told(&dns).await, "forged a.example.com 2");
    dns.address_of("b.example.com", &["192.0.2.7"]);
    assert_eq!(told(&dns).await, "confirmed b.example.com 2");
    dns.always("a.example.com", Behaviour::Code(ResponseCode::ServFail));
    assert_eq!(
        told(&dns).await,
        "confirmed b.example.com 2",
        "one that fails does no harm"
    );
    dns.remove("b.example.com");
    assert_eq!(
        told(&dns).await,
        "unknown: the server failed (SERVFAIL)",
        "the one that fails might be the one"
    );
}

#[tokio::test]
async fn all_names_that_lead_back_are_told_in_order() {
    let dns = TestDns::start().await;
    let names = ["c.example", "a.example", "d.example", "b.example"];
    dns.ptr("192.0.2.7", &names);
    for name in ["b.example", "c.example", "d.example"] {
        dns.address_of(name, &["192.0.2.7"]);
    }
    // The first is not the fastest.
    dns.always("b.example", Behaviour::Late(Duration::from_millis(100)));
    assert_eq!(
        told(&dns).await,
        "confirmed b.example c.example d.example 1"
    );
}

#[tokio::test]
async fn names_without_an_answer_are_waited_for_side_by_side() {
    let dns = TestDns::start().await;
    let names: Vec<String> = (0..8).map(|n| format!("n{n}.example")).collect();
    dns.ptr(
        "192.0.2.7",
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    for name in &names {
        dns.always(name, Behaviour::Silent);
    }
    let begun = Instant::now();
    assert_eq!(told(&dns).await, "unknown: no answer in time");
    // Each is waited for twice, 400 ms: one after the other that is 6.4 s.
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn a_reverse_name_takes_no_longer_than_it_may() {
    let dns = TestDns::start().await;
    let config = crate::config::DnsConfig {
        timeout: Duration::from_secs(30),
        ..dns.config()
    };
    let resolver = Resolver::new(&config).unwrap();
    let lane = resolver.lane("ptr", None);
    for (address, names) in [
        ("192.0.2.1", &["a.example"][..]),
        ("192.0.2.2", &["a.example", "b.example"]),
    ] {
        dns.ptr(address, names);
    }
    dns.address_of("b.example", &["192.0.2.2"]);
    dns.always("a.example", Behaviour::Silent);
    dns.always("3.2.0.192.in-addr.arpa", Behaviour::Silent);
    for (address, expected) in [
        ("192.0.2.1", "unknown: no answer in time"),
        ("192.0.2.2", "confirmed b.example 1"),
        ("192.0.2.3", "unknown: no answer in time"),
    ] {
        let begun = Instant::now();
        let until = begun + Duration::from_millis(500);
        let address = address.parse().unwrap();
        let reverse = reverse_name_until(&resolver, &lane, address, until).await;
        assert_eq!(in_a_line(reverse.name), expected, "{address}");
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "{address}: {took:?}");
    }
}

#[tokio::test]
async fn of_many_names_a_bounded_number_is_asked_for_the_same_each_time() {
    let dns = TestDns::start().await;
    let names: Vec<String> = (0..300).rev().map(|n| format!("n{n:03}.example")).collect();
    dns.ptr(
        "192.0.2.7",
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    dns.address_of("n008.example", &["192.0.2.7"]);
    assert_eq!(told(&dns).await, "forged n000.example 31");
    assert_eq!(dns.count_of("n007.example"), 1);
    assert_eq!(dns.count_of("n008.example"), 0);
    let of_names = dns
        .asked()
        .iter()
        .filter(|asked| asked.name.num_labels() == 2)
        .count();
    assert_eq!(of_names, MOST_NAMES);
    dns.address_of("n007.example", &["192.0.2.7"]);
    assert_eq!(told(&dns).await, "confirmed n007.example 31");
}

#[tokio::test]
async fn a_reverse_zone_that_is_delegated_by_cname() {
    // RFC 2317 section 4.
    for behaviour in [Behaviour::Answer, Behaviour::LeaveCname] {
        let dns = TestDns::start().await;
        dns.always(REVERSE, behaviour);
        dns.cname(REVERSE, "7.0/25.2.0.192.in-addr.arpa");
        assert_eq!(told(&dns).await, "missing", "{behaviour:?}");
        dns.record(
            "7.0/25.2.0.192.in-addr.arpa",
            3600,
            hickory_server::proto::rr::RData::PTR(hickory_server::proto::rr::rdata::PTR(
                "mail.example.com.".parse().unwrap(),
            )),
        );
        dns.cname("mail.example.com", "mx.example.net");
        dns.address_of("mx.example.net", &["192.0.2.7"]);
        assert_eq!(
            told(&dns).await,
            "confirmed mail.example.com 0",
            "{behaviour:?}"
        );
    }
}

#[tokio::test]
async fn it_is_good_as_long_as_all_it_rests_on() {
    let dns = TestDns::start().await;
    let resolver = Resolver::new(&dns.config()).unwrap();
    let lane = resolver.lane("ptr", None);
    let ttl = async |address: &str| {
        let reverse = reverse_name(&resolver, &lane, address.parse().unwrap()).await;
        reverse.ttl.as_secs_f64().ceil()
    };
    dns.ptr("192.0.2.1", &["a.example.com"]);
    dns.record(
        "a.example.com",
        120,
        hickory_server::proto::rr::RData::A("192.0.2.1".parse().unwrap()),
    );
    assert_eq!(
        ttl("192.0.2.1").await.to_string(),
        "120",
        "the name's address"
    );
    dns.ptr("192.0.2.2", &["none.example.com"]);
    assert_eq!(
        ttl("192.0.2.2").await.to_string(),
        "300",
        "that there is none"
    );
    dns.always("3.2.0.192.in-addr.arpa", Behaviour::Silent);
    assert_eq!(ttl("192.0.2.3").await.to_string(), "30", "a failure");
}

#[tokio::test]
async fn a_name_is_printable_whatever_a_server_sends() {
    let dns = TestDns::start().await;
    dns.ptr("192.0.2.7", &["a\u{1b}[31m\nb.example.com"]);
    assert_eq!(
        told(&dns).await,
        "forged a\\027[31m\\010b.example.com 0",
        "RFC 1035 section 5.1"
    );
}
