//! The transport over a real Unix socket: every documented example, errors; in [`client`]
//! what the client makes of it, in [`limits`] what a peer can cost, in [`open`] what those may who
//! are not asked who they are.

mod client;
mod limits;
mod open;

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use gate_common::Reason;
use hyper::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, timeout},
};

use super::*;
use crate::{
    config::SocketMode,
    control::{
        ServiceError,
        api::{Block, ErrorBody, ErrorKind, Status, route},
        client::{Client, ClientError},
        examples::{DOCUMENT, Documented, Example, compact, examples},
    },
};

/// A server that runs; it is stopped and its directory removed at the end.
struct Running {
    service: Arc<Documented>,
    path: PathBuf,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    _directory: TempDir,
}

impl Running {
    async fn with(service: Documented, limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        let socket = Socket::bind(&path, SocketMode::default(), None)
            .await
            .unwrap();
        let service = Arc::new(service);
        let (stop, stopped) = oneshot::channel::<()>();
        let until = async { drop(stopped.await) };
        let task = tokio::spawn(serve(socket, Arc::clone(&service), limits, until));
        Self {
            service,
            path,
            stop,
            task,
            _directory: directory,
        }
    }

    async fn start() -> Self {
        Self::with(Documented::default(), Limits::default()).await
    }

    fn client(&self) -> Client {
        Client::new(&self.path)
    }

    fn asked(&self) -> Vec<String> {
        self.service.asked.lock().unwrap().clone()
    }

    /// Sends `request` as it is and returns all that comes until the server closes.
    async fn raw(&self, request: &[u8]) -> String {
        let mut stream = UnixStream::connect(&self.path).await.unwrap();
        stream.write_all(request).await.unwrap();
        read_all(&mut stream).await
    }

    /// Status and body of a request.
    async fn request(&self, method: &Method, target: &str, body: &str) -> (u16, String) {
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: gate\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        split(&self.raw(format!("{head}{body}").as_bytes()).await)
    }
}

/// All that comes until the server closes.
pub(crate) async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = String::new();
    let read = stream.read_to_string(&mut text);
    timeout(Duration::from_secs(20), read)
        .await
        .expect("the server closes")
        .unwrap();
    text
}

fn split(answer: &str) -> (u16, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.split(' ').nth(1).map(|status| status.parse().unwrap());
    let chunked = head.contains("transfer-encoding: chunked");
    let body = if chunked {
        // One chunk: its length in hex, itself, and the empty one.
        body.split("\r\n").nth(1).unwrap_or_default()
    } else {
        body
    };
    (status.unwrap_or(0), body.to_owned())
}

#[tokio::test]
async fn every_documented_request_gets_the_documented_answer() {
    let server = Running::start().await;
    for example in examples() {
        let Example {
            method,
            target,
            body,
            ..
        } = &example;
        let (status, got) = server.request(method, target, body).await;
        assert_eq!(status, 200, "{method} {target}: {got}");
        let newlines = |text: &str| text.replace('\n', "");
        assert_eq!(newlines(&got), example.line(), "{method} {target}");
    }
}

#[test]
fn every_route_is_documented_and_nothing_else() {
    let routes: BTreeSet<String> = routes::all::<Documented>()
        .iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    let documented: BTreeSet<String> = DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .map(str::to_owned)
        .collect();
    assert_eq!(routes, documented);
    for (method, path, _) in routes::all::<Documented>() {
        let count = examples().iter().filter(|e| e.is_of(&method, path)).count();
        assert_eq!(count, 1, "examples of {method} {path}");
    }
}

#[test]
fn the_documented_error_is_one() {
    let (_, after) = DOCUMENT.split_once("## Errors").unwrap();
    let (_, json) = after.split_once("```json\n").unwrap();
    let (json, _) = json.split_once("```").unwrap();
    let error: ErrorBody = serde_json::from_str(json).unwrap();
    assert_eq!(error.error.kind, ErrorKind::Conflict);
    assert_eq!(serde_json::to_string(&error).unwrap(), compact(json));
}

#[tokio::test]
async fn the_service_is_told_what_was_asked_and_by_whom() {
    let server = Running::start().await;
    let client = server.client();
    let _: Status = client.get(route::STATUS).await.unwrap();
    let block = Block {
        network: "192.0.2.0/24".parse().unwrap(),
        reason: Reason::HighSpam,
        duration: Some(Duration::from_hours(36)),
        comment: Some("a \"b\"\n".to_owned()),
        force: false,
    };
    let _: Value = client
        .send(Method::POST, route::BLOCK, &block)
        .await
        .unwrap();
    let _: Value = client
        .get("/v1/check?address=::ffff:192.0.2.7")
        .await
        .unwrap();
    let uid = rustix::process::getuid().as_raw();
    assert_eq!(
        server.asked(),
        [
            "status".to_owned(),
            format!("uid {uid}: {block:?}"),
            "check 192.0.2.7".to_owned(),
        ]
    );
}

#[tokio::test]
async fn what_may_be_left_out_has_its_default() {
    let server = Running::start().await;
    for (path, body) in [
        (route::BLOCK, r#"{"network":"192.0.2.7"}"#),
        (route::ALLOW, r#"{"network":"192.0.2.7"}"#),
        (route::IMPORT, r#"{"networks":[{"network":"192.0.2.7"}]}"#),
    ] {
        let (status, got) = server.request(&Method::POST, path, body).await;
        assert_eq!(status, 200, "{path}: {got}");
    }
    let asked = server.asked();
    assert!(asked[0].contains("reason: Manual, duration: None, comment: None, force: false"));
}

#[tokio::test]
async fn each_kind_of_error_has_its_status() {
    let why = || "why".to_owned();
    for (error, status, kind) in [
        (ServiceError::BadRequest(why()), 400, "bad_request"),
        (ServiceError::NotFound(why()), 404, "not_found"),
        (ServiceError::Conflict(why()), 409, "conflict"),
        (ServiceError::Unavailable(why()), 503, "unavailable"),
        (ServiceError::Internal(why()), 500, "internal"),
    ] {
        let service = Documented {
            error: Some(error.clone()),
            ..Documented::default()
        };
        let server = Running::with(service, Limits::default()).await;
        let got = server.request(&Method::GET, route::STATS, "").await;
        let body = format!("{{\"error\":{{\"kind\":\"{kind}\",\"message\":\"why\"}}}}\n");
        assert_eq!(got, (status, body));
        let told = server
            .client()
            .get::<Value>(route::STATS)
            .await
            .unwrap_err();
        assert!(
            matches!(&told, ClientError::Refused { kind, message } if *kind == error.kind() && message == "why"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_bad_request_is_told_what_is_wrong() {
    let server = Running::start().await;
    let get = Method::GET;
    let post = Method::POST;
    let long = format!(
        r#"{{"network":"192.0.2.7","comment":"{}"}}"#,
        "x".repeat(70_000)
    );
    for (method, target, body, status, words) in [
        (&get, "/v2/status", "", 404, "no such path: /v2/status"),
        (&get, "/v1/block", "", 405, "/v1/block does not take GET"),
        (&get, "/v1/check", "", 400, "missing field `address`"),
        (&get, "/v1/check?address=x", "", 400, "invalid IP address"),
        (
            &get,
            "/v1/listings?reason=x",
            "",
            400,
            "unknown variant `x`",
        ),
        (
            &get,
            "/v1/listings?origin=x",
            "",
            400,
            "`x` is not an origin",
        ),
        (
            &get,
            "/v1/listings?within=192.0.2.7/24",
            "",
            400,
            "192.0.2.0/24",
        ),
        (
            &get,
            "/v1/listings?color=red",
            "",
            400,
            "unknown field `color`",
        ),
        (
            &get,
            "/v1/allowed?reason=manual",
            "",
            400,
            "an allow entry has no reason",
        ),
        (&post, "/v1/block", "", 400, "EOF while parsing"),
        (&post, "/v1/block", "{}", 400, "missing field `network`"),
        (
            &post,
            "/v1/block",
            r#"{"network":"192.0.2.7/24"}"#,
            400,
            "the network is 192.0.2.0/24",
        ),
        (
            &post,
            "/v1/block",
            r#"{"network":"192.0.2.7","four":"3d"}"#,
            400,
            "unknown field `four`",
        ),
        (
            &post,
            "/v1/block",
            r#"{"network":"192.0.2.7","for":"soon"}"#,
            400,
            "`soon` is not a duration",
        ),
        (
            &post,
            "/v1/block",
            r#"{"network":"192.0.2.7","for":"10ms"}"#,
            400,
            "at least one second",
        ),
        (&post, "/v1/block", &long, 413, "larger than 64 KiB"),
    ] {
        let (got, answer) = server.request(method, target, body).await;
        assert_eq!(got, status, "{method} {target} {body:.40}: {answer}");
        let answer: ErrorBody = serde_json::from_str(&answer).unwrap();
        assert!(answer.error.message.contains(words), "{target}: {answer:?}");
    }
    assert_eq!(server.asked(), [""; 0]);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_limited_too() {
    let server = Running::start().await;
    let head = "POST /v1/block HTTP/1.1\r\nhost: gate\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let (status, answer) = split(
        &server
            .raw(format!("{head}{chunk}1\r\n \r\n0\r\n\r\n").as_bytes())
            .await,
    );
    assert_eq!(status, 413, "{answer}");
}

#[tokio::test]
async fn it_stops_when_told_and_takes_its_socket_along() {
    let server = Running::start().await;
    // An idle connection does not hold it.
    let _idle = UnixStream::connect(&server.path).await.unwrap();
    let _: Status = server.client().get(route::STATUS).await.unwrap();
    server.stop.send(()).unwrap();
    timeout(Duration::from_secs(10), server.task)
        .await
        .expect("it stops")
        .unwrap();
    assert!(!server.path.exists());
}
