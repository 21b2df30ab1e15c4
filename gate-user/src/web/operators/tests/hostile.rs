//! What others would have the page and the API do.

use super::*;

/// The form of a page of this server.
const FORM: &str =
    "sec-fetch-site: same-origin\r\ncontent-type: application/x-www-form-urlencoded\r\n";

#[tokio::test]
async fn under_a_name_of_somebody_elses_nobody_looks_without_a_token() {
    let running = Running::start(Door::new(Tokens::default()));
    for path in [
        "/",
        "/me",
        "/live",
        "/v1/status",
        "/v1/openapi.json",
        "/metrics",
    ] {
        for host in ["rebound.example:9025", "127.0.0.1.example", "192.0.2.1"] {
            let request =
                format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
            let (status, answer) = answer_of(running.send(&request).await).await;
            assert_eq!(status, 403, "{path} at {host}: {answer}");
        }
    }
    assert!(running.service.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_secret_in_the_address_opens_nothing() {
    let running = Running::with_tokens();
    let secret = "token=writing-writing-writing&access_token=writing-writing-writing";
    for (path, expected) in [
        ("/v1/status", 401),
        ("/live", 401),
        ("/me", 401),
        ("/", 303),
    ] {
        let (status, answer) = running.ask(&format!("GET {path}?{secret}"), "", "").await;
        assert_eq!(status, expected, "{path}: {answer}");
    }
    for begin in [
        format!("GET /login?{secret}"),
        format!("POST /login?{secret}"),
    ] {
        let (status, answer) = running.ask(&begin, FORM, "").await;
        assert_ne!(status, 303, "{begin}: {answer}");
        assert!(!answer.contains("set-cookie"), "{begin}: {answer}");
    }
}

#[tokio::test]
async fn another_site_changes_nothing_with_the_cookie_of_a_session() {
    let running = Running::with_tokens();
    let (_, answer) = running
        .ask("POST /login", FORM, "token=writing-writing-writing")
        .await;
    let cookie = cookie_of(&answer);
    for site in [
        "",
        "sec-fetch-site: cross-site\r\n",
        "sec-fetch-site: same-site\r\n",
        "sec-fetch-site: none\r\n",
        "origin: https://evil.example\r\n",
        "origin: null\r\n",
    ] {
        for (begin, body) in [
            ("POST /v1/removals/decide", r#"{"id":7,"grant":true}"#),
            ("POST /v1/removals/decide", r#"{"id":7,"grant":false}"#),
            ("POST /v1/flush", ""),
            ("PUT /v1/mode", r#"{"mode":"off"}"#),
            ("POST /logout", ""),
        ] {
            let (status, answer) = running.ask(begin, &format!("{cookie}{site}"), body).await;
            assert_eq!(status, 403, "{begin} {site}: {answer}");
        }
    }
    assert!(running.service.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn browsers_are_told_what_may_be_done_with_each_answer() {
    let running = Running::with_tokens();
    for (begin, head) in [
        ("GET /", ""),
        ("GET /", READ),
        ("GET /login", ""),
        ("GET /page.js", ""),
        ("GET /plot.js", ""),
        ("GET /style.css", ""),
        ("GET /v1/status", ""),
        ("GET /v1/status", READ),
        ("GET /v1/no-such", READ),
        ("GET /no-such", READ),
    ] {
        let (_, answer) = running.ask(begin, head, "").await;
        for header in [
            "x-content-type-options: nosniff",
            "x-frame-options: DENY",
            "referrer-policy: same-origin",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-resource-policy: same-origin",
            "cache-control: no-store",
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; \
             connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ] {
            assert!(
                answer.contains(&format!("{header}\r\n")),
                "{begin}, {header}: {answer}"
            );
        }
        assert!(!answer.contains("access-control-"), "{begin}: {answer}");
    }
}

#[tokio::test]
async fn who_does_not_end_his_head_is_cut_off() {
    let limits = Limits {
        head: Duration::from_millis(200),
        ..Limits::default()
    };
    let running = Running::within(Door::new(Tokens::default()), limits);
    let mut stream = running.send("GET /live HTTP/1.1\r\nx-one: more\r\n").await;
    read_all(&mut stream).await;
}

#[tokio::test]
async fn no_more_than_so_many_look_at_a_time() {
    let running = Running::with_tokens();
    let mut looking = Vec::new();
    for _ in 0..32 {
        let mut stream = running.open("GET /live", READ, "").await;
        let mut head = [0; 15];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        looking.push(stream);
    }
    let (status, answer) = running.ask("GET /live", READ, "").await;
    assert_eq!(status, 503, "{answer}");
    let (status, _) = running.ask("GET /v1/status", READ, "").await;
    assert_eq!(status, 200, "the API is there for others");
    looking.pop();
    // The server finds out when it next tells.
    let again = async {
        loop {
            let mut stream = running.open("GET /live", READ, "").await;
            let mut head = [0; 15];
            stream.read_exact(&mut head).await.unwrap();
            if &head == b"HTTP/1.1 200 OK" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(20), again)
        .await
        .expect("a place");
}
