//! What is made of replies, whatever they hold.

use std::net::Ipv4Addr;

use hickory_resolver::proto::rr::{
    Name as WireName,
    rdata::{A, CNAME},
};
use proptest::prelude::*;

use super::*;

fn wire(label: u8) -> WireName {
    WireName::from_ascii(format!("n{label}.example.")).unwrap()
}

fn name(label: u8) -> Name {
    Name::from_wire(&wire(label))
}

/// Reads `n1>n2` as a CNAME, `n1=3` as an address of that name.
fn reply(records: &str) -> Reply {
    let answers = records.split_whitespace().map(|record| {
        let number = |text: &str| text.trim_start_matches('n').parse::<u8>().unwrap();
        if let Some((from, to)) = record.split_once('>') {
            let data = RData::CNAME(CNAME(wire(number(to))));
            WireRecord::from_rdata(wire(number(from)), 100, data)
        } else {
            let (of, last) = record.split_once('=').unwrap();
            let data = RData::A(A(Ipv4Addr::new(192, 0, 2, number(last))));
            WireRecord::from_rdata(wire(number(of)), 200, data)
        }
    });
    Reply {
        answers: answers.collect(),
        ..Reply::default()
    }
}

fn told(step: &Step) -> String {
    match step {
        Step::Ask(chain) => format!("ask {}", chain.name),
        Step::Done(Answer::Found { records, ttl }) => {
            let last = records.iter().map(|record| match record {
                Record::A(address) => address.octets()[3],
                other => panic!("{other:?}"),
            });
            format!("{:?} for {ttl:?}", last.collect::<Vec<_>>())
        }
        Step::Done(other) => format!("{other:?}"),
    }
}

#[test]
fn what_a_reply_says() {
    for (records, expected) in [
        ("n1=1", "[1] for 200s"),
        ("n1=2 n1=1 n1=2", "[1, 2] for 200s"),
        ("n1>n2 n2=1", "[1] for 100s"),
        ("n2=1 n1>n2", "[1] for 100s"),
        ("n1>n2 n2>n3 n3=1 n9=66", "[1] for 100s"),
        // What is of another name counts for nothing.
        ("n2=66", "Nothing { what: NoData, ttl: 60s }"),
        ("n2>n1 n2=66", "Nothing { what: NoData, ttl: 60s }"),
        ("n1>n2", "ask n2.example"),
        ("n1>n2 n3=66", "ask n2.example"),
        ("n1>n2 n2>n1", "Failed(Chain)"),
        ("n1>n1", "Failed(Chain)"),
        // A name with a CNAME has nothing else (RFC 1034 section 3.6.2); what was asked for wins.
        ("n1>n2 n1=1 n2=66", "[1] for 200s"),
    ] {
        let chain = Chain::new(name(1), Kind::A);
        let step = chain.take(&reply(records), &DnsCacheConfig::default());
        assert_eq!(told(&step), expected, "{records}");
    }
}

proptest! {
    #[test]
    fn every_chain_has_an_end(
        records in prop::collection::vec((0..20_u8, any::<bool>(), 0..20_u8), 0..60),
        nx_domain in any::<bool>(),
        negative_ttl in any::<Option<u32>>(),
    ) {
        let text: Vec<String> = records
            .iter()
            .map(|(from, cname, to)| format!("n{from}{}n{to}", if *cname { '>' } else { '=' }))
            .collect();
        let reply = Reply { nx_domain, negative_ttl, ..reply(&text.join(" ")) };
        let bounds = DnsCacheConfig::default();
        let mut chain = Chain::new(name(0), Kind::A);
        let mut queries = 0;
        loop {
            queries += 1;
            prop_assert!(queries <= MOST_QUERIES);
            match chain.take(&reply, &bounds) {
                Step::Ask(next) => chain = next,
                Step::Done(Answer::Found { records, ttl }) => {
                    prop_assert!((1..=MOST_ADDRESSES).contains(&records.len()));
                    prop_assert!((bounds.min_ttl..=bounds.max_ttl).contains(&ttl));
                    break;
                }
                Step::Done(Answer::Nothing { ttl, .. }) => {
                    prop_assert!((bounds.min_ttl..=bounds.max_negative_ttl).contains(&ttl));
                    break;
                }
                Step::Done(_) => break,
            }
        }
    }

    #[test]
    fn any_text_is_fit_to_be_shown(strings in prop::collection::vec(
        prop::collection::vec(any::<u8>(), 0..255),
        0..12,
    )) {
        let text = text(strings.iter().map(Vec::as_slice));
        prop_assert!(text.chars().count() <= LONGEST_TEXT);
        prop_assert!(!text.contains(char::is_control));
    }
}
