//! The page and the API over real TCP: who gets what.

mod hostile;

use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use super::{
    tokens::tests::{token, tokens},
    *,
};
use crate::{
    control::{
        Rights,
        examples::{Documented, examples},
        server::tests::read_all,
    },
    web::{entrance::Entrance, server},
};

const READ: &str = "authorization: Bearer reading-reading-reading\r\n";
const WRITE: &str = "authorization: Bearer writing-writing-writing\r\n";

struct Running {
    address: SocketAddr,
    service: Arc<Documented>,
    door: Arc<Door>,
    stop: oneshot::Sender<()>,
    tasks: (JoinHandle<()>, JoinHandle<()>),
}

impl Running {
    fn start(door: Door) -> Self {
        Self::within(door, Limits::default())
    }

    fn within(door: Door, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let entrances = vec![Entrance::on(listener).unwrap()];
        let service = Arc::new(Documented::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let (over, until) = oneshot::channel::<()>();
        let told = Arc::clone(&service);
        let door = Arc::new(door);
        let stopped = async { drop(stopped.await) };
        let (router, live) = router(told, Arc::clone(&door), limits, stopped);
        let served = server::serve(entrances, router, limits, async { drop(until.await) });
        let tasks = (
            tokio::spawn(served),
            tokio::spawn(async {
                live.await;
                drop(over);
            }),
        );
        Self {
            address,
            service,
            door,
            stop,
            tasks,
        }
    }

    fn with_tokens() -> Self {
        Self::start(Door::new(tokens([
            token("grafana", "reading-reading-reading", Rights::Read),
            token("desk", "writing-writing-writing", Rights::Write),
        ])))
    }

    async fn open(&self, begin: &str, head: &str, body: &str) -> TcpStream {
        let host = self.address;
        let length = body.len();
        self.send(&format!(
            "{begin} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{head}content-length: {length}\r\n\r\n{body}"
        ))
        .await
    }

    /// A connection on which that was sent.
    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Status and the whole answer.
    async fn ask(&self, begin: &str, head: &str, body: &str) -> (u16, String) {
        answer_of(self.open(begin, head, body).await).await
    }
}

/// Status and the whole of what comes until the server closes.
async fn answer_of(mut stream: TcpStream) -> (u16, String) {
    let answer = read_all(&mut stream).await;
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

#[tokio::test]
async fn every_documented_request_is_answered_to_a_token_that_grants_it() {
    let running = Running::with_tokens();
    for example in examples() {
        let (method, target) = (&example.method, &example.target);
        let path = target.split('?').next().unwrap();
        let begin = format!("{method} {target}");
        let (status, answer) = running.ask(&begin, "", &example.body).await;
        assert_eq!(status, 401, "{begin}: {answer}");
        assert!(answer.contains("www-authenticate: Bearer\r\n"), "{answer}");
        let (status, answer) = running.ask(&begin, WRITE, &example.body).await;
        assert_eq!(status, 200, "{begin}: {answer}");
        let asked = running.service.asked.lock().unwrap().pop().unwrap();
        let named = asked.starts_with("token desk: ");
        let changes = needed(method, path) == Rights::Write;
        assert_eq!(named, changes, "{begin}: {asked}");
        let expected = match needed(method, path) {
            Rights::Look | Rights::Read => 200,
            Rights::Write => 403,
        };
        let (status, answer) = running.ask(&begin, READ, &example.body).await;
        assert_eq!(status, expected, "{begin}: {answer}");
    }
    let (status, answer) = running.ask("GET /v1/openapi.json", READ, "").await;
    assert_eq!(status, 200);
    assert!(answer.contains("\"openapi\": \"3.1.0\""));
    let (status, _) = running.ask("GET /v1/openapi.json", "", "").await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn a_change_is_that_of_the_token() {
    let running = Running::with_tokens();
    let (status, _) = running.ask("POST /v1/flush", WRITE, "").await;
    assert_eq!(status, 200);
    assert_eq!(
        *running.service.asked.lock().unwrap(),
        ["token desk: flush"]
    );
}

#[tokio::test]
async fn wrong_tokens_are_refused_and_keep_nobody_out() {
    let running = Running::with_tokens();
    let wrong = "authorization: Bearer wrong\r\n";
    for _ in 0..5 {
        let (status, answer) = running.ask("GET /v1/status", wrong, "").await;
        assert_eq!(status, 401, "{answer}");
        assert!(answer.contains("\"kind\":\"denied\""), "{answer}");
    }
    let (status, answer) = running.ask("GET /v1/status", wrong, "").await;
    assert_eq!(status, 429, "{answer}");
    assert!(answer.contains("retry-after: "), "{answer}");
    let (status, answer) = running.ask("GET /v1/status", READ, "").await;
    assert_eq!(status, 200, "{answer}");
}

/// What the first event on `stream` tells.
async fn event_of(mut stream: TcpStream) -> serde_json::Value {
    let mut told = Vec::new();
    while !told.ends_with(b"\n\n\r\n") {
        let read = stream.read_buf(&mut told);
        let read = timeout(Duration::from_secs(20), read)
            .await
            .expect("an event");
        assert_ne!(read.unwrap(), 0);
    }
    let told = String::from_utf8(told).unwrap();
    let (_, json) = told.split_once("data: ").unwrap();
    serde_json::from_str(json.lines().next().unwrap()).unwrap()
}

/// The cookie that an answer sets, as a line of a head.
fn cookie_of(answer: &str) -> String {
    let line = answer.lines().find(|line| line.starts_with("set-cookie:"));
    let set = line.unwrap_or_else(|| panic!("no cookie: {answer}"));
    for kept in ["; HttpOnly", "; SameSite=Strict"] {
        assert!(set.contains(kept), "{set}");
    }
    let pair = set["set-cookie:".len()..].split(';').next().unwrap();
    format!("cookie: {}\r\n", pair.trim())
}

#[tokio::test]
async fn a_browser_logs_in_looks_changes_and_logs_out() {
    let running = Running::with_tokens();
    let (status, answer) = running.ask("GET /", "", "").await;
    assert_eq!(status, 303, "{answer}");
    assert!(answer.contains("location: login\r\n"), "{answer}");
    let (status, answer) = running.ask("GET /login", "", "").await;
    assert_eq!(status, 200);
    assert!(answer.contains("content-security-policy: default-src 'none'; script-src 'self'"));

    let from_page = "sec-fetch-site: same-origin\r\n";
    let form = format!("{from_page}content-type: application/x-www-form-urlencoded\r\n");
    let (status, answer) = running.ask("POST /login", &form, "token=wrong").await;
    assert_eq!(status, 401, "{answer}");
    assert!(answer.contains("that is no token of this gate"), "{answer}");
    let secret = "token=writing-writing-writing";
    let (status, answer) = running.ask("POST /login", &form, secret).await;
    assert_eq!(status, 303, "{answer}");
    let cookie = cookie_of(&answer);

    let (status, answer) = running.ask("GET /", &cookie, "").await;
    assert_eq!(status, 200);
    assert!(answer.contains("page.js"));
    let (_, answer) = running.ask("GET /me", &cookie, "").await;
    assert!(answer.ends_with(r#"{"name":"token desk","rights":"write","session":true}"#));
    let decide = r#"{"id":7,"grant":true}"#;
    let begin = "POST /v1/removals/decide";
    let (status, answer) = running.ask(begin, &cookie, decide).await;
    assert_eq!(status, 403, "no page says that it asks: {answer}");
    let given = format!("{cookie}{from_page}");
    let (status, answer) = running.ask(begin, &given, decide).await;
    assert_eq!(status, 200, "{answer}");
    let asked = running.service.asked.lock().unwrap().concat();
    assert_eq!(asked, "token desk: DecideRemoval { id: 7, grant: true }");

    let (status, _) = running.ask("POST /logout", &given, "").await;
    assert_eq!(status, 303);
    let (status, _) = running.ask("GET /v1/status", &cookie, "").await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn a_verdict_that_counts_takes_the_right_to_write() {
    let running = Running::with_tokens();
    let form = "sec-fetch-site: same-origin\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let secret = "token=writing-writing-writing";
    let (_, answer) = running.ask("POST /login", form, secret).await;
    let cookie = cookie_of(&answer);
    let from_page = format!("{cookie}sec-fetch-site: same-origin\r\n");
    let from_beside = format!("{cookie}sec-fetch-site: same-site\r\n");
    let look = "GET /v1/verdict?client_address=192.0.2.7";
    let count = "GET /v1/verdict?client_address=192.0.2.7&count=true";
    let head = "HEAD /v1/verdict?client_address=192.0.2.7&count=true";
    let escaped = "GET /v1/verdict?client_address=192.0.2.7&c%6Funt=tru%65";
    let many = "POST /v1/verdict";
    let one = r#"{"requests":[{"client_address":"192.0.2.7"}]}"#;
    let counted = r#"{"requests":[{"client_address":"192.0.2.7"},{"client_address":"192.0.2.8","count":true}]}"#;
    for (begin, who, body, expected) in [
        (look, READ, "", 200),
        (many, READ, one, 200),
        (count, READ, "", 403),
        (head, READ, "", 403),
        (escaped, READ, "", 403),
        (many, READ, counted, 403),
        (count, &from_beside, "", 403),
        (count, &cookie, "", 403),
        (many, &from_beside, counted, 403),
        (look, &cookie, "", 200),
        (count, &from_page, "", 200),
        (many, &from_page, counted, 200),
        (count, WRITE, "", 200),
        (many, WRITE, counted, 200),
    ] {
        running.service.asked.lock().unwrap().clear();
        let (status, answer) = running.ask(begin, who, body).await;
        assert_eq!(status, expected, "{begin} {who} {body}: {answer}");
        let asked = running.service.asked.lock().unwrap().len();
        assert_eq!(asked, usize::from(expected == 200), "{begin} {who} {body}");
    }
}

#[tokio::test]
async fn who_shows_nothing_sees_how_the_gate_stands_and_nobodys_address() {
    let running = Running::start(Door::new(Tokens::default()));
    for (begin, expected) in [
        ("GET /v1/status", 200),
        ("GET /v1/series", 200),
        ("GET /metrics", 200),
        ("GET /v1/explain?address=192.0.2.7", 200),
        ("GET /v1/openapi.json", 200),
        ("GET /v1/complaints", 403),
        ("GET /v1/export", 403),
        ("GET /v1/removals", 403),
        ("GET /v1/listings", 403),
        ("GET /v1/history?network=0.0.0.0/0", 403),
        ("GET /v1/history/latest", 403),
        ("GET /v1/connections", 403),
        ("GET /v1/verdict?client_address=192.0.2.7", 403),
    ] {
        let (status, answer) = running.ask(begin, "", "").await;
        assert_eq!(status, expected, "{begin}: {answer}");
        let named = answer.contains("expected a [[web.operators.token]] in the configuration");
        assert_eq!(named, expected == 403, "{begin}: {answer}");
    }
    let told = event_of(running.open("GET /live", "", "").await).await;
    assert!(told["removals"].is_null(), "{told}");
    assert!(!told["status"].is_null(), "{told}");
}

#[tokio::test]
async fn without_tokens_this_machine_may_look_and_change_nothing() {
    let running = Running::start(Door::new(Tokens::default()));
    let (status, _) = running.ask("GET /v1/status", "", "").await;
    assert_eq!(status, 200);
    let (status, answer) = running.ask("POST /v1/flush", "", "").await;
    assert_eq!(status, 403, "{answer}");
    let (status, answer) = running
        .ask("GET /v1/status", "via: 1.1 proxy\r\n", "")
        .await;
    assert_eq!(status, 403, "{answer}");
    let (status, _) = running.ask("GET /", "", "").await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn who_looks_is_told_no_more_once_the_door_is_shut() {
    let running = Running::with_tokens();
    let mut stream = running.open("GET /live", READ, "").await;
    let mut head = [0; 15];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    running.door.configure(None);
    read_all(&mut stream).await;
    for begin in ["GET /live", "GET /v1/status", "GET /", "GET /me"] {
        let (status, answer) = running.ask(begin, READ, "").await;
        assert_eq!(status, 403, "{begin}: {answer}");
        assert!(answer.contains("expected [web.operators]"), "{answer}");
    }
}

#[tokio::test]
async fn who_looks_is_told_until_the_daemon_stops() {
    let running = Running::with_tokens();
    let (status, _) = running.ask("GET /live", "", "").await;
    assert_eq!(status, 401);
    let json = event_of(running.open("GET /live", READ, "").await).await;
    for member in [
        "status", "stats", "points", "top", "networks", "feeds", "dnsbl", "latest", "removals",
    ] {
        assert!(!json[member].is_null(), "{member}");
    }
    let (serving, telling) = running.tasks;
    running.stop.send(()).unwrap();
    let all = async { (serving.await.unwrap(), telling.await.unwrap()) };
    // Sooner than who does not end by itself is cut off, after 5 s.
    timeout(Duration::from_secs(4), all)
        .await
        .expect("it stops");
}
