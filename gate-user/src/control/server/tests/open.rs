//! The way in for filters, over TCP on loopback: verdicts, and nothing else.

use std::net::SocketAddr;

use super::*;

/// Status and body of a request with these lines in its head.
async fn request(to: SocketAddr, begin: &str, head: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let length = body.len();
    let request = format!(
        "{begin} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{head}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    split(&read_all(&mut stream).await)
}

#[tokio::test]
async fn verdicts_are_taken_from_anybody_and_nothing_else_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = Arc::new(Documented::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let until = async { drop(stopped.await) };
    let server = tokio::spawn(serve_verdicts(
        listener,
        Arc::clone(&service),
        Limits::default(),
        until,
    ));

    let post = "POST /v1/verdicts";
    let (status, answer) = request(address, post, "", "{}").await;
    assert_eq!(status, 200, "{answer}");
    for (begin, head, expected) in [
        ("GET /v1/status", "", 404),
        ("POST /v1/flush", "", 404),
        ("POST /v1/complaints", "", 404),
        ("GET /v1/verdicts", "", 405),
        (post, "origin: http://example.net\r\n", 403),
    ] {
        let (status, _) = request(address, begin, head, "{}").await;
        assert_eq!(status, expected, "{begin} {head}");
    }
    assert_eq!(*service.asked.lock().unwrap(), ["nobody: verdicts 2"]);

    stop.send(()).unwrap();
    timeout(Duration::from_secs(10), server)
        .await
        .expect("it stops")
        .unwrap();
}
