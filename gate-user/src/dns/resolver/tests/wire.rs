//! What servers send, hostile ones too, and what they are sent.

use super::*;

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
            |query| vec![vec![!query[0], query[1], b'l', b'l', b'o'], vec![0]],
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
    // The id before the question stays: what has another one is not heard at all.
    let config = raw(|query| {
        let mut reply = with_address(query, 12, 66);
        reply[12..].make_ascii_lowercase();
        vec![reply]
    })
    .await;
    let (resolver, lane) = with(&config);
    let answer = resolver
        .a(&name("a-name-of-some-length.example"), &lane)
        .await;
    assert!(matches!(answer, Answer::Failed(_)), "{answer:?}");
    assert!(resolver.stats().total.tcp > 0);
}
