//! The other end: large requests and answers, no daemon, no sense.

use super::*;
use crate::control::api::{Import, ImportEntry, Imported};

#[tokio::test]
async fn a_hundred_thousand_networks_go_through() {
    let server = Running::start().await;
    let entry = |i: u32| ImportEntry {
        network: crate::network::Network::host(std::net::Ipv4Addr::from(i << 8).into()),
        evidence: Some(format!("SBL{i}")),
    };
    let import = Import {
        reason: Reason::Manual,
        duration: None,
        comment: None,
        force: false,
        networks: (1..=100_000).map(entry).collect(),
    };
    let (told, mut shares) = tokio::sync::mpsc::unbounded_channel();
    let progress = move |share| told.send(share).unwrap();
    let _: Imported = server
        .client()
        .send_large(route::IMPORT, &import, progress)
        .await
        .unwrap();
    assert!(server.asked()[0].ends_with("import 100000"));
    let mut last = 0.0;
    while let Some(share) = shares.recv().await {
        assert!(share > last, "{share} behind {last}");
        last = share;
    }
    assert!((last - 1.0).abs() < f64::EPSILON, "{last}");
}

#[tokio::test]
async fn the_client_reads_an_export_back() {
    let server = Running::start().await;
    let export = server.client().export().await.unwrap();
    assert_eq!(export, server.service.export().await.unwrap());
    assert_eq!((export.allow.len(), export.block.len()), (1, 2));
}

#[tokio::test]
async fn no_daemon_is_one_clear_line_that_names_the_socket() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("control.sock");
    for (dead, why) in [
        (false, "there is no such socket"),
        (true, "nobody listens there any more"),
    ] {
        if dead {
            drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        }
        let error = Client::new(&path).get::<Value>(route::STATUS).await;
        let line = error.unwrap_err().to_string();
        let begin = format!("no gate daemon at {}: {why}; ", path.display());
        assert!(line.starts_with(&begin), "{line}");
        assert!(!line.contains('\n'), "{line}");
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("control.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    for (answer, words) in [
        ("", "did not answer"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            "not understood",
        ),
        (
            "HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\n{}",
            "not understood",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}",
            "did not answer",
        ),
    ] {
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let client = Client::new(&path);
        let (error, ()) = tokio::join!(client.get::<Status>(route::STATUS), serve);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(words), "{answer}: {error}");
    }
}
