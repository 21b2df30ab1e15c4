//! Who comes in, and who does not.

use axum::http::HeaderName;

use super::*;
use crate::web::operators::tokens::tests::{token, tokens};

const READ: &str = "reading-reading-reading";
const WRITE: &str = "writing-writing-writing";

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const PORT: u16 = 9025;

fn door() -> Door {
    Door::new(tokens([
        token("grafana", READ, Rights::Read),
        token("desk", WRITE, Rights::Write),
    ]))
}

fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
    let pairs = given.iter().map(|(name, value)| {
        let name = HeaderName::from_static(name);
        (name, value.parse().unwrap())
    });
    pairs.collect()
}

fn ask(
    door: &Door,
    method: &Method,
    peer: &str,
    given: &[(&'static str, &str)],
) -> Result<Admitted, Refused> {
    let headers = headers(given);
    let asked = Asked {
        peer: peer.parse().unwrap(),
        port: PORT,
        version: Version::HTTP_11,
        method,
        headers: &headers,
    };
    door.admit(asked, Instant::now())
}

#[test]
fn a_token_is_who_it_names_and_may_what_it_grants() {
    let door = door();
    for (secret, name, rights) in [
        (READ, "grafana", Rights::Read),
        (WRITE, "desk", Rights::Write),
    ] {
        let shown = format!("Bearer {secret}");
        let admitted = ask(
            &door,
            &Method::POST,
            "192.0.2.1",
            &[("authorization", &shown)],
        );
        let caller = Caller::Token(name.into());
        let meant = true;
        assert_eq!(
            admitted,
            Ok(Admitted {
                caller,
                rights,
                meant
            })
        );
    }
    let post = &Method::POST;
    assert_eq!(ask(&door, post, "192.0.2.1", &[]), Err(Refused::NoToken));
    let basic = [("authorization", "Basic eDp5")];
    assert_eq!(ask(&door, post, "192.0.2.1", &basic), Err(Refused::NoToken));
}

#[test]
fn who_tries_many_is_told_to_wait_and_the_right_one_opens_all_the_same() {
    let door = door();
    let wrong = [("authorization", "Bearer no")];
    let right = [("authorization", "Bearer reading-reading-reading")];
    let get = &Method::GET;
    for _ in 0..5 {
        assert_eq!(
            ask(&door, get, "192.0.2.1", &wrong),
            Err(Refused::WrongToken)
        );
    }
    let refused = ask(&door, get, "192.0.2.1", &wrong);
    assert!(matches!(refused, Err(Refused::TooMany(_))), "{refused:?}");
    assert!(ask(&door, get, "192.0.2.1", &right).is_ok());
    let log_in = |secret| door.log_in(HERE, &HeaderMap::new(), secret, Instant::now());
    for _ in 0..6 {
        assert!(log_in("no").is_err());
    }
    assert!(log_in(READ).is_ok());
}

#[test]
fn a_session_changes_things_from_its_own_page_alone_and_ends_with_its_token() {
    let door = door();
    let from_page = headers(&[("sec-fetch-site", "same-origin")]);
    let cookie = door
        .log_in(HERE, &from_page, WRITE, Instant::now())
        .unwrap();
    let cookie = format!("theme=dark; {COOKIE_NAME}={cookie}");
    let cookie = ("cookie", cookie.as_str());
    let (get, post) = (&Method::GET, &Method::POST);
    let same = [cookie, ("sec-fetch-site", "same-origin")];
    for (method, given, granted) in [
        (get, &[cookie][..], Rights::Read),
        (get, &same, Rights::Write),
        (post, &same, Rights::Write),
    ] {
        let admitted = ask(&door, method, "192.0.2.1", given).unwrap();
        assert_eq!(admitted.caller, Caller::Token("desk".into()));
        assert_eq!(admitted.rights, Rights::Write);
        assert_eq!(admitted.granted(), granted, "{method} {given:?}");
    }
    for other in [
        &[cookie][..],
        &[cookie, ("sec-fetch-site", "same-site")],
        &[cookie, ("host", "gate"), ("origin", "http://evil.example")],
    ] {
        let refused = ask(&door, post, "192.0.2.1", other);
        assert_eq!(refused, Err(Refused::CrossSite));
    }
    let other = headers(&[("sec-fetch-site", "cross-site")]);
    let refused = door.log_in(HERE, &other, WRITE, Instant::now());
    let refused = refused.unwrap_err();
    assert_eq!(refused, Refused::CrossSite);

    door.configure(tokens([token(
        "desk",
        "another-secret-it-is",
        Rights::Write,
    )]));
    assert_eq!(
        ask(&door, get, "192.0.2.1", &[cookie]),
        Err(Refused::NoToken)
    );
}

#[test]
fn a_session_ends_when_its_own_page_says_so() {
    let door = door();
    let cookie = door.log_in(HERE, &HeaderMap::new(), READ, Instant::now());
    let cookie = format!("{COOKIE_NAME}={}", cookie.unwrap());
    let cookie = ("cookie", cookie.as_str());
    let looks = || ask(&door, &Method::GET, "192.0.2.1", &[cookie]);
    for other in [
        &[cookie][..],
        &[cookie, ("sec-fetch-site", "cross-site")],
        &[cookie, ("host", "gate"), ("origin", "http://evil.example")],
    ] {
        let refused = door.log_out(&headers(other));
        assert_eq!(refused, Err(Refused::CrossSite), "{other:?}");
        assert!(looks().is_ok(), "{other:?}");
    }
    let own = [cookie, ("sec-fetch-site", "same-origin")];
    assert_eq!(door.log_out(&headers(&own)), Ok(()));
    assert_eq!(looks(), Err(Refused::NoToken));
}

#[test]
fn a_door_that_is_not_configured_any_more_is_shut_and_ends_sessions() {
    let door = door();
    let cookie = door.log_in(HERE, &HeaderMap::new(), WRITE, Instant::now());
    let cookie = format!("{COOKIE_NAME}={}", cookie.unwrap());
    let secret = format!("Bearer {WRITE}");
    let local = ("host", "localhost:9025");
    let ways = [
        [local, ("cookie", &cookie)],
        [local, ("authorization", &secret)],
        [local, ("accept", "*/*")],
    ];
    door.configure(None);
    assert!(door.asks_for_token());
    for given in &ways {
        let refused = ask(&door, &Method::GET, "127.0.0.1", given);
        assert_eq!(refused, Err(Refused::Shut), "{given:?}");
    }
    let refused = door.log_in(HERE, &HeaderMap::new(), WRITE, Instant::now());
    assert_eq!(refused.unwrap_err(), Refused::Shut);

    door.configure(tokens([token("desk", WRITE, Rights::Write)]));
    let came = ways.map(|given| ask(&door, &Method::GET, "127.0.0.1", &given).is_ok());
    assert_eq!(came, [false, true, false], "the session is over for good");
}

#[test]
fn without_tokens_the_machine_itself_may_look() {
    let door = Door::new(Tokens::default());
    let get = &Method::GET;
    let local = ("host", "localhost:9025");
    for (peer, given) in [
        ("127.0.0.1", &[local][..]),
        ("127.0.0.1", &[("host", "127.0.0.1:9025")]),
        ("::1", &[("host", "[::1]:9025")]),
        ("::ffff:127.0.0.1", &[("host", "LOCALHOST:9025")]),
        ("127.0.0.1", &[local, ("sec-fetch-site", "none")]),
        ("127.0.0.1", &[local, ("sec-fetch-site", "same-origin")]),
        ("127.0.0.1", &[local, ("origin", "http://localhost:9025")]),
    ] {
        let admitted = ask(&door, get, peer, given).unwrap();
        assert_eq!(admitted.granted(), Rights::Look, "{given:?}");
    }
    for (peer, given) in [
        ("192.0.2.1", &[local][..]),
        ("127.0.0.1", &[]),
        ("127.0.0.1", &[("host", "localhost")]),
        ("127.0.0.1", &[("host", "localhost:80")]),
        ("127.0.0.1", &[("host", "localhost:")]),
        ("127.0.0.1", &[("host", "[::1]9025")]),
        ("127.0.0.1", &[("host", "[::1:9025")]),
        ("127.0.0.1", &[("host", "rebound.example:9025")]),
        ("127.0.0.1", &[("host", "127.0.0.1.example:9025")]),
        ("127.0.0.1", &[("host", "localhost.example:9025")]),
        ("127.0.0.1", &[local, ("forwarded", "for=192.0.2.1")]),
        ("127.0.0.1", &[local, ("x-forwarded-for", "192.0.2.1")]),
        ("127.0.0.1", &[local, ("x-forwarded-proto", "https")]),
        ("127.0.0.1", &[local, ("x-forwarded-host", "gate.example")]),
        ("127.0.0.1", &[local, ("x-forwarded-port", "443")]),
        ("127.0.0.1", &[local, ("x-forwarded-server", "gate")]),
        ("127.0.0.1", &[local, ("x-real-ip", "192.0.2.1")]),
        ("127.0.0.1", &[local, ("via", "1.1 proxy")]),
    ] {
        assert_eq!(
            ask(&door, get, peer, given),
            Err(Refused::Elsewhere),
            "{given:?}"
        );
    }
    for given in [
        ("origin", "http://evil.example"),
        ("origin", "http://localhost:8080"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for method in [get, &Method::POST] {
            let refused = ask(&door, method, "127.0.0.1", &[local, given]);
            assert_eq!(refused, Err(Refused::CrossSite), "{method} {given:?}");
        }
    }
}

#[test]
fn a_proxy_that_says_nothing_is_known_by_its_old_protocol() {
    let headers = headers(&[("host", "127.0.0.1:9025"), ("connection", "close")]);
    for (version, expected) in [
        (Version::HTTP_11, None),
        (Version::HTTP_10, Some(Refused::Elsewhere)),
    ] {
        let asked = Asked {
            peer: HERE,
            port: PORT,
            version,
            method: &Method::GET,
            headers: &headers,
        };
        let refused = Door::new(Tokens::default()).admit(asked, Instant::now());
        assert_eq!(refused.err(), expected, "{version:?}");
    }
}

#[test]
fn where_the_port_is_that_of_http_it_may_be_left_out() {
    for (host, port, expected) in [
        ("localhost", 80, true),
        ("[::1]", 80, true),
        ("localhost:80", 80, true),
        ("localhost", 9025, false),
        ("localhost:9025", 80, false),
    ] {
        assert_eq!(is_loopback(host, port), expected, "{host} at {port}");
    }
}
