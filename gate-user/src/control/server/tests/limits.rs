//! What a peer can cost: slow ones, and many.

use super::*;

/// Limits that a test need not wait long for.
fn short() -> Limits {
    let moment = Duration::from_secs(1);
    Limits {
        head: moment,
        body: moment,
        write: moment,
        stop: moment,
        connections: 2,
    }
}

#[tokio::test]
async fn a_peer_that_does_not_end_its_head_is_cut_off() {
    let server = Running::with(Documented::default(), short()).await;
    for begin in [
        "",
        "GET /v1/sta",
        "GET /v1/status HTTP/1.1\r\nhost: gate\r\n",
    ] {
        let answer = server.raw(begin.as_bytes()).await;
        assert!(!answer.contains(" 200 "), "{begin}: {answer}");
    }
    // A kept connection that lies idle goes too.
    let answer = server
        .raw(b"GET /v1/mode HTTP/1.1\r\nhost: gate\r\n\r\n")
        .await;
    assert!(answer.contains(" 200 "), "{answer}");
}

#[tokio::test]
async fn a_peer_that_does_not_end_its_body_is_told() {
    let server = Running::with(Documented::default(), short()).await;
    let request = b"POST /v1/block HTTP/1.1\r\nhost: gate\r\nconnection: close\r\ncontent-length: 10\r\n\r\n{";
    let (status, answer) = split(&server.raw(request).await);
    assert_eq!(status, 408, "{answer}");
}

#[tokio::test]
async fn more_connections_wait_for_their_turn() {
    let server = Running::with(Documented::default(), short()).await;
    let mut idle = Vec::new();
    for _ in 0..2 {
        idle.push(UnixStream::connect(&server.path).await.unwrap());
    }
    let start = Instant::now();
    let status = server.client().get::<Status>(route::STATUS).await;
    assert!(status.is_ok(), "{status:?}");
    assert!(start.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_write_that_stalls_is_given_up() {
    let (near, _far) = UnixStream::pair().unwrap();
    let mut near = Patient::new(near, Duration::from_millis(100));
    let answer = vec![0; 16 << 20];
    let error = timeout(Duration::from_secs(20), near.write_all(&answer))
        .await
        .expect("it is given up")
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_slow_reader_that_goes_on_is_waited_for() {
    let (near, mut far) = UnixStream::pair().unwrap();
    let mut near = Patient::new(near, Duration::from_secs(5));
    let answer = vec![7; 4 << 20];
    let expected = answer.len();
    let writer = tokio::spawn(async move { near.write_all(&answer).await });
    let mut got = 0;
    let mut buffer = vec![0; 256 << 10];
    while got < expected {
        time::sleep(Duration::from_millis(1)).await;
        got += far.read(&mut buffer).await.unwrap();
    }
    writer.await.unwrap().unwrap();
}
