//! Fetches from a real server, which behaves or not. Nothing here leaves loopback.

use std::time::Instant;

use super::{
    testing::{Server, Step, answer, gzip, gzip_bomb, list},
    *,
};

const LIST: &str = "192.0.2.0/24\n198.51.100.7\n";

fn order(server: &Server) -> Order {
    Order {
        url: server.url("/list").parse().unwrap(),
        ca_file: Some(server.ca_file()),
        max_size: 1000,
        patience: Patience {
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(5),
            total: Duration::from_secs(10),
        },
        validators: None,
    }
}

/// The list that is fetched, or why none is.
async fn outcome(order: &Order) -> String {
    match fetch(order).await {
        Ok(Fetched::List { bytes, .. }) => String::from_utf8(bytes).unwrap(),
        Ok(Fetched::Same) => "same".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// What is fetched from a server that does this.
async fn from(steps: Vec<Step>) -> String {
    let server = Server::start(move |_| steps.clone()).await;
    outcome(&order(&server)).await
}

#[tokio::test]
async fn a_list_is_fetched() {
    let server = Server::start(|_| list(LIST)).await;
    assert_eq!(outcome(&order(&server)).await, LIST);
    let asked = server.asked().concat().to_ascii_lowercase();
    let version = env!("CARGO_PKG_VERSION");
    assert!(asked.starts_with("get /list http/1.1\r\n"), "{asked}");
    assert!(
        asked.contains(&format!("user-agent: gate/{version}\r\n")),
        "{asked}"
    );
    assert!(asked.contains("accept-encoding: gzip\r\n"), "{asked}");
    assert!(!asked.contains("if-"), "{asked}");
}

#[tokio::test]
async fn name_password_and_query_are_sent_and_not_told() {
    let server = Server::start(|_| answer("HTTP/1.1 403 Forbidden\nContent-Length: 0", b"")).await;
    let mut order = order(&server);
    let secret = server
        .url("/list?key=secret")
        .replace("https://", "https://user:secret@");
    order.url = secret.parse().unwrap();
    assert_eq!(outcome(&order).await, "the server answered 403 Forbidden");
    let asked = server.asked().concat();
    assert!(
        asked.starts_with("GET /list?key=secret HTTP/1.1\r\n"),
        "{asked}"
    );
    // `user:secret` in Base64 (RFC 7617).
    assert!(asked.contains("Basic dXNlcjpzZWNyZXQ="), "{asked}");
    drop(server);
    order.ca_file = None;
    let told = outcome(&order).await;
    assert!(told.starts_with("no answer: "), "{told}");
    assert!(!told.contains("secret"), "{told}");
}

#[tokio::test]
async fn the_same_list_is_not_sent_again() {
    let server = Server::start(|head| {
        if head.to_ascii_lowercase().contains("if-none-match: \"one\"") {
            answer("HTTP/1.1 304 Not Modified\nETag: \"one\"", b"")
        } else {
            answer(
                "HTTP/1.1 200 OK\nETag: \"one\"\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT\nContent-Length: 10",
                b"192.0.2.7\n",
            )
        }
    })
    .await;
    let mut order = order(&server);
    let Ok(Fetched::List { validators, .. }) = fetch(&order).await else {
        panic!("no list");
    };
    order.validators = Some(validators);
    assert_eq!(outcome(&order).await, "same");
    let asked = server.asked()[1].to_ascii_lowercase();
    assert!(
        asked.contains("if-modified-since: tue, 14 nov 2023 22:13:20 gmt\r\n"),
        "{asked}"
    );
    // Without validators nothing can be the same.
    order.validators = Some(Validators::default());
    server.now(|_| answer("HTTP/1.1 304 Not Modified", b""));
    assert_eq!(
        outcome(&order).await,
        "the server answered 304 Not Modified"
    );
}

#[tokio::test]
async fn what_does_not_come_whole_is_thrown_away() {
    let cut = |head: &str, body: &[u8]| {
        let mut steps = answer(head, body);
        steps.push(Step::Cut);
        steps
    };
    let body = LIST.as_bytes();
    let packed = gzip(body);
    let half = &packed[..packed.len() / 2];
    let packed_head = format!(
        "HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: {}",
        half.len()
    );
    for (steps, what) in [
        (
            cut("HTTP/1.1 200 OK\nContent-Length: 100", body),
            "truncated",
        ),
        (
            answer("HTTP/1.1 200 OK\nContent-Length: 100", body),
            "wrong length",
        ),
        (
            cut("HTTP/1.1 200 OK\nConnection: close", body),
            "cut, of no known length",
        ),
        (
            cut(
                "HTTP/1.1 200 OK\nTransfer-Encoding: chunked",
                b"a\r\n192.0.2.7\n\r\n",
            ),
            "without the last chunk",
        ),
        (
            answer(
                "HTTP/1.1 200 OK\nTransfer-Encoding: chunked",
                b"zz\r\n192.0.2.7\n\r\n",
            ),
            "no chunk",
        ),
        (answer(&packed_head, half), "half a gzip file"),
        (
            answer(
                "HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: 10",
                b"192.0.2.7\n",
            ),
            "no gzip file",
        ),
    ] {
        let told = from(steps).await;
        assert!(told.starts_with("it was cut off after "), "{what}: {told}");
    }
}

#[tokio::test]
async fn a_list_is_what_the_length_says() {
    // More than announced is no part of it (RFC 9112 section 6.3): guards see what is missing.
    let steps = answer("HTTP/1.1 200 OK\nContent-Length: 13", LIST.as_bytes());
    assert_eq!(from(steps).await, "192.0.2.0/24\n");
    let steps = answer(
        "HTTP/1.1 200 OK\nContent-Length: 13\nContent-Length: 26",
        LIST.as_bytes(),
    );
    let told = from(steps).await;
    assert!(told.starts_with("no answer: "), "{told}");
}

#[tokio::test]
async fn no_list_is_longer_than_it_may_be() {
    let mut endless = answer("HTTP/1.1 200 OK\nConnection: close", b"");
    endless.push(Step::Repeat(b"192.0.2.7\n".to_vec(), Duration::ZERO));
    let mut chunks = answer("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", b"");
    chunks.push(Step::Repeat(
        b"a\r\n192.0.2.7\n\r\n".to_vec(),
        Duration::ZERO,
    ));
    // Nothing of it is waited for.
    let mut announced = answer("HTTP/1.1 200 OK\nContent-Length: 1001", b"");
    announced.push(Step::Wait(Duration::from_mins(1)));
    // 13 KB that would be 2 MB.
    let bomb = gzip_bomb(1000);
    assert_eq!(bomb.len(), 13_012);
    let head = format!(
        "HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: {}",
        bomb.len()
    );
    for (steps, what) in [
        (endless, "endless"),
        (chunks, "endless chunks"),
        (announced, "announced"),
        (answer(&head, &bomb), "gzip bomb"),
    ] {
        let told = from(steps).await;
        assert_eq!(told, "it is longer than max_size = 1000 bytes", "{what}");
    }
    let exactly = "1".repeat(1000);
    assert_eq!(from(list(&exactly)).await, exactly);
}

#[tokio::test]
async fn a_bomb_is_cut_before_it_is_unpacked() {
    // 1.3 MB that would be 206 MB.
    let bomb = gzip_bomb(100_000);
    let head = format!(
        "HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: {}",
        bomb.len()
    );
    let steps = answer(&head, &bomb);
    let server = Server::start(move |_| steps.clone()).await;
    let order = Order {
        max_size: 8 << 20,
        ..order(&server)
    };
    assert_eq!(
        outcome(&order).await,
        "it is longer than max_size = 8388608 bytes"
    );
}

#[tokio::test]
async fn gzip_is_unpacked_and_other_packing_refused() {
    let packed = gzip(LIST.as_bytes());
    let head = |encoding: &str| {
        format!(
            "HTTP/1.1 200 OK\nContent-Encoding: {encoding}\nContent-Length: {}",
            packed.len()
        )
    };
    assert_eq!(from(answer(&head("gzip"), &packed)).await, LIST);
    assert_eq!(
        from(answer(&head("br"), &packed)).await,
        "the server sent it as `br`, which was not asked for"
    );
}

#[tokio::test]
async fn a_redirect_is_followed_a_few_times() {
    let redirect = |to: &str| {
        answer(
            &format!("HTTP/1.1 302 Found\nLocation: {to}\nContent-Length: 0"),
            b"",
        )
    };
    let server = Server::start(move |head| match head.split(' ').nth(1) {
        Some("/list") => redirect("/b"),
        Some("/b") => redirect("/c"),
        _ => list(LIST),
    })
    .await;
    assert_eq!(outcome(&order(&server)).await, LIST);
    assert_eq!(server.asked().len(), 3);

    let server = Server::start(move |_| redirect("/list")).await;
    assert_eq!(
        outcome(&order(&server)).await,
        "the server sent it elsewhere more than 5 times"
    );
    assert_eq!(server.asked().len(), 6);

    server.now(move |_| redirect("http://127.0.0.1/list?key=secret"));
    assert_eq!(
        outcome(&order(&server)).await,
        "the server sent it to http://127.0.0.1/list: only https is followed"
    );
    server.now(|_| answer("HTTP/1.1 301 Moved Permanently\nContent-Length: 0", b""));
    assert_eq!(
        outcome(&order(&server)).await,
        "the server sent it elsewhere without saying where"
    );
}

#[tokio::test]
async fn an_answer_that_is_no_list() {
    for (head, told) in [
        (
            "HTTP/1.1 500 Internal Server Error",
            "the server answered 500 Internal Server Error",
        ),
        (
            "HTTP/1.1 404 Not Found",
            "the server answered 404 Not Found",
        ),
        (
            "HTTP/1.1 204 No Content",
            "the server answered 204 No Content",
        ),
        (
            "HTTP/1.1 206 Partial Content",
            "the server answered 206 Partial Content",
        ),
        (
            "HTTP/1.1 429 Too Many Requests\nRetry-After: 120",
            "the server answered 429 Too Many Requests, to be asked again after 2m",
        ),
    ] {
        let steps = answer(&format!("{head}\nContent-Length: 0"), b"");
        assert_eq!(from(steps).await, told);
    }
}

#[test]
fn when_a_server_wants_to_be_asked_again() {
    let now = "2023-11-14T22:13:20Z".parse().unwrap();
    for (value, expected) in [
        ("120", Some(120)),
        (" 0 ", Some(0)),
        ("Tue, 14 Nov 2023 22:14:20 GMT", Some(60)),
        ("Tue, 14 Nov 2023 22:12:20 GMT", Some(0)),
        ("-1", None),
        ("soon", None),
    ] {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        let expected = expected.map(Duration::from_secs);
        assert_eq!(retry_after(&headers, now), expected, "{value}");
    }
}

#[tokio::test]
async fn nobody_is_waited_for_for_long() {
    let short = |server: &Server, idle: u64, total: u64| Order {
        patience: Patience {
            idle: Duration::from_millis(idle),
            total: Duration::from_millis(total),
            ..order(server).patience
        },
        ..order(server)
    };
    let begun = Instant::now();
    // A letter at a time: never idle, never done.
    let letters = Duration::from_millis(20);
    let server = Server::start(move |_| vec![Step::Repeat(b"H".to_vec(), letters)]).await;
    let told = outcome(&short(&server, 5000, 600)).await;
    assert_eq!(told, "it took longer than timeout = 600ms");

    server.now(move |_| {
        let mut steps = answer("HTTP/1.1 200 OK\nContent-Length: 900", b"");
        steps.push(Step::Repeat(b"1".to_vec(), letters));
        steps
    });
    let told = outcome(&short(&server, 5000, 600)).await;
    assert_eq!(told, "it took longer than timeout = 600ms");

    server.now(|_| {
        let mut steps = answer("HTTP/1.1 200 OK\nContent-Length: 900", b"192.0.2.7\n");
        steps.push(Step::Wait(Duration::from_mins(1)));
        steps
    });
    let told = outcome(&short(&server, 200, 5000)).await;
    assert!(
        told.starts_with("it was cut off after 10 bytes: "),
        "{told}"
    );

    server.now(|_| vec![Step::Wait(Duration::from_mins(1))]);
    let told = outcome(&short(&server, 200, 5000)).await;
    assert!(told.starts_with("no answer: "), "{told}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_server_must_be_who_it_should_be() {
    let server = Server::known_as(&["lists.example.org"], |_| list(LIST)).await;
    let told = outcome(&order(&server)).await;
    assert!(told.contains("not valid for"), "{told}");

    let server = Server::start(|_| list(LIST)).await;
    let other = Server::start(|_| list(LIST)).await;
    let trusting = async |ca_file| {
        let order = order(&server);
        outcome(&Order { ca_file, ..order }).await
    };
    let told = trusting(Some(other.ca_file())).await;
    assert!(told.contains("UnknownIssuer"), "{told}");
    // By those that the machine trusts; a machine may trust nobody, too.
    let told = trusting(None).await;
    let nobody = "no HTTPS client can be made: ";
    assert!(
        told.contains("UnknownIssuer") || told.starts_with(nobody),
        "{told}"
    );
    assert_eq!(server.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_of_certificates_that_is_none() {
    let server = Server::start(|_| list(LIST)).await;
    let with = async |ca_file: PathBuf| {
        outcome(&Order {
            ca_file: Some(ca_file),
            ..order(&server)
        })
        .await
    };
    let told = with(server.ca_file().with_extension("none")).await;
    assert!(told.starts_with("ca_file = /"), "{told}");
    assert!(told.contains("No such file"), "{told}");
    let empty = server.ca_file().with_extension("empty");
    std::fs::write(&empty, "").unwrap();
    let told = with(empty).await;
    assert!(told.ends_with("there is no certificate in it"), "{told}");
}

#[tokio::test]
async fn whoever_speaks_no_tls_is_not_understood() {
    use tokio::io::AsyncWriteExt as _;

    let server = Server::start(|_| list(LIST)).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/list", listener.local_addr().unwrap());
    let plain = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n192.0.2.7\n")
            .await
    });
    let told = outcome(&Order {
        url: url.parse().unwrap(),
        ..order(&server)
    })
    .await;
    assert!(told.starts_with("no answer: "), "{told}");
    plain.await.unwrap().unwrap();
}
