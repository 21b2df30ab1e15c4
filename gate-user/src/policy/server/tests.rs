use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use super::*;
use crate::{
    book::{Change, testing::listing},
    config::SocketMode,
    policy::{
        service::Scene,
        testing::{Saying, policy, scene},
    },
};

/// A server that runs at a Unix socket and a TCP port.
struct Running {
    scene: Arc<Mutex<Scene>>,
    policy: Arc<Policy<Saying>>,
    path: PathBuf,
    port: u16,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    _directory: TempDir,
}

impl Running {
    async fn with(limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("policy.sock");
        let socket = Socket::bind(&path, SocketMode::default(), None).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let changes = vec![Change::List(listing("192.0.2.0/24"))];
        let scene = Arc::new(Mutex::new(scene("", changes)));
        let policy = Arc::new(policy(&scene, Saying::default()));
        let (stop, stopped) = oneshot::channel::<()>();
        let doors = vec![Door::Unix(socket.unwrap()), Door::Tcp(listener)];
        let until = async { drop(stopped.await) };
        let task = tokio::spawn(serve(doors, Arc::clone(&policy), limits, until));
        Self {
            scene,
            policy,
            path,
            port,
            stop,
            task,
            _directory: directory,
        }
    }

    async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.path).await.unwrap()
    }
}

const LISTED: &str = "request=smtpd_access_policy\nprotocol_state=RCPT\nsender=joe@example.org\n\
    recipient=a@example.net\nclient_address=192.0.2.7\ninstance=1.2\n\n";
const GOOD: &str = "request=smtpd_access_policy\nclient_address=198.51.100.7\n\n";
const REFUSED: &str =
    "action=554 5.7.1 - ERROR: Mail Refused - <192.0.2.7> - See #manual - 20231114\n\n";

/// The answers up to `count` empty lines.
async fn answers(stream: &mut (impl AsyncRead + Unpin), count: usize) -> String {
    let mut text = String::new();
    let mut octet = [0];
    while text.matches("\n\n").count() < count {
        let read = timeout(Duration::from_secs(20), stream.read(&mut octet)).await;
        assert_eq!(read.expect("an answer in time").unwrap(), 1, "{text}");
        text.push(char::from(octet[0]));
    }
    text
}

/// What comes until the server closes.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = String::new();
    // A reset tells the same as an end.
    let read = timeout(Duration::from_secs(20), stream.read_to_string(&mut text)).await;
    let _ = read.expect("the server closes");
    text
}

#[tokio::test]
async fn many_requests_on_a_connection() {
    let running = Running::start().await;
    let mut unix = running.connect().await;
    let mut tcp = TcpStream::connect(("127.0.0.1", running.port))
        .await
        .unwrap();
    for _ in 0..3 {
        unix.write_all(LISTED.as_bytes()).await.unwrap();
        assert_eq!(answers(&mut unix, 1).await, REFUSED);
        tcp.write_all(GOOD.as_bytes()).await.unwrap();
        assert_eq!(answers(&mut tcp, 1).await, "action=DUNNO\n\n");
    }
    // Several at once, cut anywhere.
    let both = [GOOD, LISTED, GOOD].concat();
    for piece in both.as_bytes().chunks(7) {
        unix.write_all(piece).await.unwrap();
    }
    let expected = ["action=DUNNO\n\n", REFUSED, "action=DUNNO\n\n"].concat();
    assert_eq!(answers(&mut unix, 3).await, expected);
    assert_eq!(running.policy.counters().counted().requests, 9);
}

#[tokio::test]
async fn one_line_is_answered_by_one_line_and_the_end() {
    let running = Running::start().await;
    for (line, expected) in [
        (
            "verdict client_address=198.51.100.7 sender=joe@example.org\n",
            "dunno\n",
        ),
        (
            "verdict client_address=192.0.2.7 sender=a b@example.org\n",
            "554 5.7.1 - ERROR: Mail Refused - <192.0.2.7> - See #manual - 20231114\n",
        ),
    ] {
        let mut stream = running.connect().await;
        stream.write_all(line.as_bytes()).await.unwrap();
        assert_eq!(rest(&mut stream).await, expected);
    }
}

#[tokio::test]
async fn what_is_not_understood_is_not_answered() {
    let running = Running::start().await;
    let long = "x".repeat(1 << 20);
    let many = "a=\n".repeat(200);
    for input in [
        "\n",
        "GET / HTTP/1.1\r\n\r\n",
        "client_address=\0\n",
        "client_address=somewhere\n\n",
        "request=other\nclient_address=192.0.2.7\n\n",
        &long,
        &many,
    ] {
        let mut stream = running.connect().await;
        // The server may close before all of it is written.
        let _ = stream.write_all(input.as_bytes()).await;
        assert_eq!(rest(&mut stream).await, "", "{input:.40}");
    }
    let counted = running.policy.counters().counted();
    assert_eq!((counted.requests, counted.broken), (0, 7));
    // An answer that was given stays given.
    let mut stream = running.connect().await;
    let input = [GOOD, "nonsense\n"].concat();
    stream.write_all(input.as_bytes()).await.unwrap();
    assert_eq!(rest(&mut stream).await, "action=DUNNO\n\n");
}

#[tokio::test]
async fn a_request_that_never_ends_is_given_up() {
    let running = Running::with(Limits {
        request: Duration::from_millis(200),
        idle: Duration::from_secs(5),
        ..Limits::default()
    })
    .await;
    let start = Instant::now();
    // One octet after the other does not help.
    let mut slow = running.connect().await;
    for octet in GOOD.as_bytes().iter().cycle() {
        if slow.write_all(&[*octet]).await.is_err() {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(20));
        time::sleep(Duration::from_millis(20)).await;
    }
    // A mail server that has nothing to ask is waited for longer.
    let start = Instant::now();
    let mut idle = running.connect().await;
    time::sleep(Duration::from_secs(1)).await;
    idle.write_all(GOOD.as_bytes()).await.unwrap();
    assert_eq!(answers(&mut idle, 1).await, "action=DUNNO\n\n");
    assert_eq!(rest(&mut idle).await, "");
    assert!(start.elapsed() > Duration::from_secs(6));
    assert_eq!(running.policy.counters().counted().broken, 1);
}

#[tokio::test]
async fn who_reads_no_answers_is_given_up() {
    let running = Running::with(Limits {
        write: Duration::from_millis(200),
        ..Limits::default()
    })
    .await;
    let mut stream = running.connect().await;
    let many = LISTED.repeat(100);
    let start = Instant::now();
    while stream.write_all(many.as_bytes()).await.is_ok() {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
    assert_eq!(running.policy.counters().counted().broken, 1);
}

#[tokio::test]
async fn more_connections_than_there_are_places_for_are_closed() {
    let running = Running::with(Limits {
        connections: 2,
        ..Limits::default()
    })
    .await;
    let mut served = Vec::new();
    for _ in 0..2 {
        let mut stream = running.connect().await;
        stream.write_all(GOOD.as_bytes()).await.unwrap();
        answers(&mut stream, 1).await;
        served.push(stream);
    }
    let mut tcp = TcpStream::connect(("127.0.0.1", running.port))
        .await
        .unwrap();
    assert_eq!(rest(&mut tcp).await, "");
    assert_eq!(running.policy.counters().counted().turned_away, 1);
    drop(served);
    // A place becomes free some time after the peer has gone.
    for _ in 0..100 {
        let mut stream = running.connect().await;
        let _ = stream.write_all(GOOD.as_bytes()).await;
        if rest_of_one(&mut stream).await == "action=DUNNO\n\n" {
            return;
        }
        time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no place became free");
}

/// One answer, or nothing if the server closes.
async fn rest_of_one(stream: &mut UnixStream) -> String {
    let mut buffer = [0; 100];
    let length = stream.read(&mut buffer).await.unwrap_or(0);
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[tokio::test]
async fn five_hundred_mail_servers_at_once() {
    const CLIENTS: u32 = 500;
    const REQUESTS: u32 = 10;
    let running = Running::start().await;
    let mut clients = JoinSet::new();
    for n in 0..CLIENTS {
        let mut stream = running.connect().await;
        clients.spawn(async move {
            for turn in 0..REQUESTS {
                let good = format!(
                    "request=smtpd_access_policy\nprotocol_state=RCPT\nsender=a@example.org\n\
                     client_address=198.51.100.{}\nclient_port={}\ninstance={n}.{turn}\n\n",
                    n % 256,
                    n + 1
                );
                stream.write_all(good.as_bytes()).await.unwrap();
                assert_eq!(answers(&mut stream, 1).await, "action=DUNNO\n\n");
                stream.write_all(LISTED.as_bytes()).await.unwrap();
                assert_eq!(answers(&mut stream, 1).await, REFUSED);
            }
        });
    }
    clients.join_all().await;
    let counted = running.policy.counters().counted();
    let expected = u64::from(2 * CLIENTS * REQUESTS);
    assert_eq!(
        (counted.requests, counted.broken, counted.turned_away),
        (expected, 0, 0)
    );
}

#[tokio::test]
async fn the_snapshot_of_the_moment_counts() {
    let running = Running::start().await;
    let mut stream = running.connect().await;
    stream.write_all(LISTED.as_bytes()).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, REFUSED);
    *running.scene.lock().unwrap() = scene("", Vec::new());
    stream.write_all(LISTED.as_bytes()).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, "action=DUNNO\n\n");
}

#[tokio::test]
async fn a_stop_ends_idle_connections_and_takes_the_socket_away() {
    let running = Running::start().await;
    let mut stream = running.connect().await;
    stream.write_all(GOOD.as_bytes()).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, "action=DUNNO\n\n");
    running.stop.send(()).unwrap();
    assert_eq!(rest(&mut stream).await, "");
    timeout(Duration::from_secs(5), running.task)
        .await
        .expect("it ends")
        .unwrap();
    assert!(!running.path.exists());
}
