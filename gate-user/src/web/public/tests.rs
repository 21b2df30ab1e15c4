//! The page on the documented daemon: what it shows, what it asks, and what it does not take.

use axum::{
    body::{Body, to_bytes},
    http::{Request, Response, header},
};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::*;
use crate::{
    control::{examples::Documented, server::Limits},
    web::{entrance::Entrance, server::serve},
};

/// The page of a daemon whose configuration has `text`.
fn page(text: &str) -> (Arc<Documented>, Router) {
    page_on(Documented::default(), text)
}

/// The page of that daemon.
fn page_on(service: Documented, text: &str) -> (Arc<Documented>, Router) {
    let config = Config::parse(text, std::path::Path::new("gate.toml")).unwrap();
    let (config, service) = (Arc::new(config), Arc::new(service));
    let now: ConfigNow = Arc::new(move || Arc::clone(&config));
    let peer = Peer("203.0.113.1:1025".parse().unwrap());
    let router = router(Arc::clone(&service), now).layer(Extension(peer));
    (service, router)
}

async fn send(router: &Router, request: Request<Body>) -> (Response<()>, String) {
    let service = TowerToHyperService::new(router.clone());
    let (head, body) = service.call(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(body.into()).unwrap();
    (Response::from_parts(head, ()), text)
}

async fn look(router: &Router, uri: &str) -> (Response<()>, String) {
    let request = Request::builder().uri(uri).body(Body::empty()).unwrap();
    send(router, request).await
}

async fn post(router: &Router, headers: &[(&str, &str)], form: &str) -> (StatusCode, String) {
    let mut request = Request::post("/")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::HOST, "gate.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(form.to_owned())).unwrap();
    let (head, text) = send(router, request).await;
    (head.status(), text)
}

/// What stands between `from` and the next `to`.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let (_, behind) = text.split_once(from).expect(from);
    behind.split_once(to).expect(to).0
}

#[tokio::test]
async fn every_topic_has_its_anchor_once_and_whose_page_it_is_is_told() {
    let text = "[web]\norganisation = 'A <b> & Co'\ncontact = 'postmaster@example.org'";
    let (_, router) = page(text);
    let (head, text) = look(&router, "/").await;
    assert_eq!(head.status(), StatusCode::OK);
    for topic in topic::Topic::all() {
        let anchor = format!("id=\"{}\"", topic.code());
        assert_eq!(text.matches(&anchor).count(), 1, "{anchor}");
    }
    assert!(text.contains("A &#60;b&#62; &#38; Co"), "{text}");
    assert!(text.contains("href=\"mailto:postmaster@example.org\""));
    assert!(!text.contains("<script"), "{text}");
}

#[tokio::test]
async fn browsers_are_told_what_the_page_may_do() {
    let (_, router) = page("");
    for uri in ["/", "/nothing"] {
        let (head, _) = look(&router, uri).await;
        let header = |name: &str| head.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn the_page_is_at_the_root_and_where_the_replies_name_it() {
    let (_, router) = page("[policy]\nurl = 'https://www.example.org/refused'");
    for (uri, status) in [
        ("/", StatusCode::OK),
        ("/refused", StatusCode::OK),
        ("/refused/", StatusCode::OK),
        ("/refused/more", StatusCode::NOT_FOUND),
        ("/favicon.ico", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(look(&router, uri).await.0.status(), status, "{uri}");
    }
}

#[tokio::test]
async fn what_is_put_in_is_looked_for_and_shown_as_text() {
    let (service, router) = page("");
    let (head, text) = look(&router, "/?address=%3Cimg+src%3Dx%3E+%26quot;").await;
    assert_eq!(head.status(), StatusCode::BAD_REQUEST);
    assert!(text.contains("There is no IP address"), "{text}");
    assert!(text.contains("&#60;img src=x&#62; &#38;quot;"), "{text}");
    assert!(service.asked.lock().unwrap().is_empty());

    let (head, text) = look(&router, "/?address=%3C192.0.2.7%3E+%23rollup").await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(*service.asked.lock().unwrap(), ["check 192.0.2.7", "mode"]);
    assert!(text.contains("not answered"), "{text}");
    // What the documented listing rests on is for operators alone.
    let check: crate::control::api::Check =
        crate::control::examples::answer(&hyper::Method::GET, crate::control::api::route::CHECK);
    for secret in check
        .matches
        .iter()
        .flat_map(|one| [&one.comment, &one.evidence])
        .flatten()
    {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_message_without_the_client_is_told_to_be_one() {
    let (service, router) = page("");
    for (asked, status, told) in [
        (
            "host+mx.example.org[198.51.100.25]+said:+554+See+https://www.example.org/%23dynamic",
            StatusCode::BAD_REQUEST,
            "names the reason <a href=\"#dynamic\">dynamic</a>, and no address of the computer",
        ),
        (
            "host+mx.example.org[198.51.100.25]+said:+554",
            StatusCode::BAD_REQUEST,
            "No address of the computer",
        ),
        (
            &"x+".repeat(pasted::LONGEST / 2 + 1),
            StatusCode::URI_TOO_LONG,
            "too long to be looked through",
        ),
    ] {
        let (head, text) = look(&router, &format!("/?address={asked}")).await;
        assert_eq!(head.status(), status, "{asked}");
        assert!(text.contains(told), "{asked}: {text}");
    }
    assert!(service.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn whatever_is_sent_the_page_answers() {
    let (service, router) = page("[policy]\nurl = 'https://www.example.org/refused'");
    let form = "application/x-www-form-urlencoded";
    for (method, uri, kind, body, status, told) in [
        ("GET", "/x", form, "", StatusCode::NOT_FOUND, "no such page"),
        (
            "POST",
            "/x",
            form,
            "",
            StatusCode::NOT_FOUND,
            "no such page",
        ),
        (
            "POST",
            "/",
            form,
            "",
            StatusCode::UNPROCESSABLE_ENTITY,
            "What was sent",
        ),
        (
            "POST",
            "/",
            "text/plain",
            "address=192.0.2.7",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "What was sent",
        ),
        (
            "POST",
            "/",
            form,
            &"x".repeat(LONGEST_BODY + 1),
            StatusCode::PAYLOAD_TOO_LARGE,
            "What was sent",
        ),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body.to_owned()));
        let (head, text) = send(&router, request.unwrap()).await;
        assert_eq!(head.status(), status, "{method} {uri} {kind}");
        assert!(text.contains(told), "{method} {uri} {kind}: {text}");
        assert!(head.headers().contains_key("content-security-policy"));
        // A form without an address of its own leads to where the browser is.
        let is_there = status != StatusCode::NOT_FOUND;
        assert_eq!(text.contains("<form"), is_there, "{method} {uri}");
        let link = "<a href=\"https://www.example.org/refused\">";
        assert_eq!(text.contains(link), !is_there, "{text}");
    }
    assert!(service.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_request_needs_the_form_that_the_page_gave() {
    // The documented listings are one that the postmaster may end, and a feed's.
    let (_, router) = page("");
    let (_, text) = look(&router, "/?address=192.0.2.7").await;
    assert!(!text.contains("name=\"token\""), "{text}");
    assert!(!text.contains("if you ask for that"), "{text}");
    assert!(text.contains("A request is refused for now"), "{text}");

    let mut check: crate::control::api::Check =
        crate::control::examples::answer(&hyper::Method::GET, crate::control::api::route::CHECK);
    check.matches.truncate(1);
    let daemon = Documented {
        check: Some(check),
        ..Documented::default()
    };
    let (service, router) = page_on(daemon, "");
    let (_, text) = look(&router, "/?address=192.0.2.7").await;
    let token = between(&text, "name=\"token\" value=\"", "\"");
    let form = |token: &str| format!("address=192.0.2.7&contact=a%40example.net&token={token}");
    for (headers, form, status) in [
        (&[][..], form(""), StatusCode::FORBIDDEN),
        (&[], form("1.00"), StatusCode::FORBIDDEN),
        (
            &[("origin", "https://evil.example")],
            form(token),
            StatusCode::FORBIDDEN,
        ),
        (
            &[("sec-fetch-site", "cross-site")],
            form(token),
            StatusCode::FORBIDDEN,
        ),
        (
            &[],
            form(token).replace("a%40example.net", "me"),
            StatusCode::BAD_REQUEST,
        ),
        (
            &[],
            format!("{}&note={}", form(token), "x".repeat(LONGEST_BODY)),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
    ] {
        assert_eq!(post(&router, headers, &form).await.0, status, "{form}");
    }
    let asked = || service.asked.lock().unwrap().clone();
    let only_looks = |asked: &String| asked.starts_with("check ") || asked == "mode";
    assert!(asked().iter().all(only_looks));
    let own = [("origin", "http://gate.example")];
    let (status, _) = post(&router, &own, &form(token)).await;
    assert_eq!(status, StatusCode::OK);
    let asked = asked();
    let request = asked.iter().find(|asked| asked.contains("RemovalRequest"));
    assert!(request.is_some_and(|it| it.starts_with("web 203.0.113.1: ")));
}

#[tokio::test]
async fn who_asks_too_often_waits() {
    let (service, router) = page("[web]\nlooks_per_network = '2/1h'");
    for status in [
        StatusCode::OK,
        StatusCode::OK,
        StatusCode::TOO_MANY_REQUESTS,
    ] {
        assert_eq!(
            look(&router, "/?address=192.0.2.7").await.0.status(),
            status
        );
    }
    let asked = service.asked.lock().unwrap().clone();
    assert_eq!(
        asked
            .iter()
            .filter(|asked| asked.starts_with("check "))
            .count(),
        2
    );
    assert_eq!(look(&router, "/").await.0.status(), StatusCode::OK);
}

#[test]
fn what_a_listing_does_is_told_as_it_is_in_each_mode() {
    let mut check: crate::control::api::Check =
        crate::control::examples::answer(&hyper::Method::GET, crate::control::api::route::CHECK);
    check.allowed = false;
    for (mode, told) in [
        (gate_common::Mode::Enforce, "not answered"),
        (gate_common::Mode::Monitor, "turns nobody away"),
        (gate_common::Mode::Off, "turns nobody away"),
    ] {
        let standing = Standing::new(&check, mode);
        let content = Content::standing("", None, standing, Dns::default(), None);
        let text = page::show(&Config::default(), &content).0;
        for words in ["not answered", "turns nobody away"] {
            assert_eq!(text.contains(words), words == told, "{mode:?}: {text}");
        }
    }
}

/// Places are for those who ask: a client that lies idle after its answer has none.
#[tokio::test]
async fn a_connection_ends_with_its_answer() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let config = Arc::new(Config::default());
    let now: ConfigNow = Arc::new(move || Arc::clone(&config));
    let router = router(Arc::new(Documented::default()), now);
    let limits = Limits {
        head: Duration::from_hours(1),
        ..Limits::default()
    };
    let entrances = vec![Entrance::on(listener).unwrap()];
    let server = serve(entrances, router, limits, std::future::pending());
    let server = tokio::spawn(server);
    // As long as a bounce may be, and nearly as long as a URL may be.
    let long = format!("/?address={}192.0.2.7", "%20".repeat(20_000));
    for (request, status) in [
        ("GET / HTTP/1.1", 200),
        ("GET /nothing HTTP/1.1", 404),
        ("PUT / HTTP/1.1", 405),
        (&format!("GET {long} HTTP/1.1"), 200),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("{request}\r\nHost: gate.example\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = timeout(Duration::from_secs(10), stream.read_to_string(&mut answer));
        read.await.expect("the server ends the connection").unwrap();
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{request}: {answer}");
    }
    server.abort();
}
