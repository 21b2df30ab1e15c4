//! Who comes in, and who does not.

use axum::http::HeaderName;

use super::*;
use crate::web::operators::tokens::tests::{token, tokens};

const READ: &str = "reading-reading-reading";
const WRITE: &str = "writing-writing-writing";

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
        assert_eq!(admitted, Ok(Admitted { caller, rights }));
    }
    let post = &Method::POST;
    assert_eq!(ask(&door, post, "192.0.2.1", &[]), Err(Refused::NoToken));
    let basic = [("authorization", "Basic eDp5")];
    assert_eq!(ask(&door, post, "192.0.2.1", &basic), Err(Refused::NoToken));
}

#[test]
fn who_tries_many_is_not_listened_to_even_with_the_right_one() {
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
    for given in [wrong, right] {
        let refused = ask(&door, get, "192.0.2.1", &given);
        assert!(matches!(refused, Err(Refused::TooMany(_))), "{refused:?}");
    }
    assert!(ask(&door, get, "192.0.2.2", &right).is_ok());
}

#[test]
fn a_session_changes_things_from_its_own_page_alone_and_ends_with_its_token() {
    let door = door();
    let from_page = headers(&[("sec-fetch-site", "same-origin")]);
    let asked = Asked {
        peer: "192.0.2.1".parse().unwrap(),
        method: &Method::POST,
        headers: &from_page,
    };
    let cookie = door.log_in(asked, WRITE, Instant::now()).unwrap();
    let cookie = format!("theme=dark; {COOKIE_NAME}={cookie}");
    let cookie = ("cookie", cookie.as_str());
    let desk = Ok(Admitted {
        caller: Caller::Token("desk".into()),
        rights: Rights::Write,
    });
    let (get, post) = (&Method::GET, &Method::POST);
    assert_eq!(ask(&door, get, "192.0.2.1", &[cookie]), desk);
    let same = [cookie, ("sec-fetch-site", "same-origin")];
    assert_eq!(ask(&door, post, "192.0.2.1", &same), desk);
    for other in [
        &[cookie][..],
        &[cookie, ("sec-fetch-site", "same-site")],
        &[cookie, ("host", "gate"), ("origin", "http://evil.example")],
    ] {
        let refused = ask(&door, post, "192.0.2.1", other);
        assert_eq!(refused, Err(Refused::CrossSite));
    }
    let other = headers(&[("sec-fetch-site", "cross-site")]);
    let asked = Asked {
        headers: &other,
        ..asked
    };
    let refused = door.log_in(asked, WRITE, Instant::now()).unwrap_err();
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
fn a_session_ends_when_told() {
    let door = door();
    let none = HeaderMap::new();
    let asked = Asked {
        peer: "192.0.2.1".parse().unwrap(),
        method: &Method::POST,
        headers: &none,
    };
    let cookie = door.log_in(asked, READ, Instant::now()).unwrap();
    let cookie = format!("{COOKIE_NAME}={cookie}");
    let given = [("cookie", cookie.as_str())];
    assert!(ask(&door, &Method::GET, "192.0.2.1", &given).is_ok());
    door.log_out(&headers(&given));
    assert_eq!(
        ask(&door, &Method::GET, "192.0.2.1", &given),
        Err(Refused::NoToken)
    );
}

#[test]
fn without_tokens_the_machine_itself_may_look() {
    let door = Door::default();
    let get = &Method::GET;
    for (peer, host) in [
        ("127.0.0.1", "localhost:9025"),
        ("127.0.0.1", "127.0.0.1:9025"),
        ("::1", "[::1]:9025"),
        ("::ffff:127.0.0.1", "LOCALHOST"),
    ] {
        let admitted = ask(&door, get, peer, &[("host", host)]).unwrap();
        assert_eq!(admitted.rights, Rights::Read, "{host}");
    }
    let local = ("host", "localhost");
    for (peer, given) in [
        ("192.0.2.1", &[local][..]),
        ("127.0.0.1", &[]),
        ("127.0.0.1", &[("host", "rebound.example:9025")]),
        ("127.0.0.1", &[("host", "127.0.0.1.example")]),
        ("127.0.0.1", &[("host", "localhost.example")]),
        ("127.0.0.1", &[local, ("x-forwarded-for", "192.0.2.1")]),
        ("127.0.0.1", &[local, ("via", "1.1 proxy")]),
    ] {
        assert_eq!(
            ask(&door, get, peer, given),
            Err(Refused::Elsewhere),
            "{given:?}"
        );
    }
    let given = [local, ("origin", "http://evil.example")];
    assert_eq!(
        ask(&door, &Method::POST, "127.0.0.1", &given),
        Err(Refused::CrossSite)
    );
}
