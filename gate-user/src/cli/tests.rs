//! The command line: what is taken and what is not; and every command against a daemon that
//! answers what docs/control-api.md says.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use clap::CommandFactory as _;
use hyper::Method;

use super::*;
use crate::{
    config::SocketMode,
    control::{
        ServiceError,
        api::route,
        examples::{Documented, Example, compact, examples},
        server::{Limits, Socket, serve},
    },
};

/// The error of a command line, or what it was taken as.
fn parse(line: &str) -> Result<Cli, String> {
    let words = std::iter::once("gatectl").chain(line.split_whitespace());
    Cli::try_parse_from(words).map_err(|error| {
        assert_eq!(error.exit_code(), 2, "{line}");
        error.to_string()
    })
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn what_is_taken() {
    for line in [
        "status",
        "--json --socket /tmp/s status",
        "status --json --socket /tmp/s",
        "check 192.0.2.7",
        "check 192.0.2.7 2001:db8::1",
        "block 192.0.2.0/24",
        "block 192.0.2.0/24 --for 3d --reason highspam --comment x",
        "block 0.0.0.0/4 --force",
        "unblock 192.0.2.7",
        "allow 192.0.2.7 --for 1h --comment x",
        "allow ::/0 --force",
        "disallow 192.0.2.7",
        "list",
        "list --reason manual --origin feed:drop --contains 192.0.2.7 --within 192.0.0.0/16 --since 3d --limit 5",
        "list --allow --since 2026-03-04",
        "history 192.0.2.0/24 --limit 0",
        "stats",
        "stats --watch",
        "stats --watch=10s",
        "metrics",
        "top --limit 5",
        "top --once",
        "top --interval 5s",
        "--color never status",
        "status --color=always",
        "connections --within 192.0.2.0/24 --limit 5",
        "mode",
        "mode off",
        "mode monitor",
        "mode enforce",
        "flood",
        "flood on",
        "flood off",
        "flood auto",
        "feeds",
        "feeds reload drop",
        "dnsbl",
        "dnsbl test 192.0.2.7",
        "dnsbl test 2001:db8::7",
        "import list.txt",
        "import - --format drop-json --reason feed --for 30d --comment x --force --dry-run",
        "export",
        "export --format plain",
        "export --format json",
        "export --format nft",
        "export --format postfix-cidr",
        "export --format rbldnsd --name-server ns1.example.net --ttl 1h",
        "name block *.dyn.example.net --reason dynamic --for 30d --comment x",
        "name block *.net --force",
        "name unblock *.dyn.example.net",
        "name allow MAIL.dyn.example.net. --for 1h --comment x",
        "name disallow mail.dyn.example.net",
        "name list",
        "name check mail.dyn.example.net",
        "name history",
        "name history *.dyn.example.net --limit 0",
        "dnsbl override 192.0.2.0/24",
        "dnsbl override 192.0.2.7 --list bl.example --for 30d --comment x",
        "dnsbl override 0.0.0.0/4 --force",
        "dnsbl override --end 192.0.2.0/24",
        "dnsbl override 192.0.2.0/24 --end --list bl.example",
        "dnsbl overrides",
        "dnsbl overrides --history --network 192.0.2.0/24 --limit 5",
        "check --explain 192.0.2.7",
        "evidence log.jsonl",
        "complaints",
        "complaints --network 192.0.2.0/24 --since 3d --limit 5",
        "rollup",
        "rollup --dry-run",
        "lookup 192.0.2.7",
        "lookup 2001:db8::1",
        "removal request 192.0.2.7",
        "removal request 192.0.2.7 --contact a@example.net --note x",
        "removal list",
        "removal list --decision queued --limit 5",
        "removal show 7",
        "removal grant 7",
        "removal deny 7",
        "replay log.jsonl",
        "replay - --config gate.toml",
        "policy status",
        "policy test client_address=192.0.2.7 sender=joe@example.org",
        "simulate mail.log",
        "simulate - --limit 0",
        "complaint spam.eml",
        "complaint - --format arf --trap",
        "verdict -",
        "reload",
        "detach",
        "detach --yes",
        "flush --all",
        "flush --all --yes",
    ] {
        if let Err(error) = parse(line) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn what_is_not_taken_says_what_would_be_right() {
    for (line, words) in [
        ("", "Usage"),
        ("check", "<ADDRESS>"),
        ("dnsbl test", "<ADDRESS>"),
        ("dnsbl test 192.0.2.0/24", "invalid IP address"),
        ("check 192.0.2.0/24", "invalid IP address"),
        ("block 192.0.2.7/24", "the network is 192.0.2.0/24"),
        ("unblock 192.0.2.7/24", "the network is 192.0.2.0/24"),
        ("allow 192.0.2.7/24", "the network is 192.0.2.0/24"),
        ("block 192.0.2", "expected an address, or address/length"),
        (
            "block 192.0.2.7 --for soon",
            "expected such as 3d, 72h or 10m",
        ),
        (
            "block 192.0.2.7 --reason spam",
            "expected one of directspam, ",
        ),
        ("list --origin me", "expected operator, config, complaints"),
        (
            "list --since yesterday",
            "expected such as 2026-03-04T10:00:00Z",
        ),
        ("list --allow --reason manual", "cannot be used with"),
        ("name block *.größe.example", "xn--"),
        (
            "name block a.example.net --reason forged",
            "dynamic, generic, manual",
        ),
        ("dnsbl override 192.0.2.7/24", "the network is 192.0.2.0/24"),
        ("dnsbl override 192.0.2.7 --list *", "cannot name a list"),
        (
            "dnsbl override 192.0.2.7 --end --for 3d",
            "cannot be used with",
        ),
        ("top --interval 1ms", "at least one second"),
        ("status --color red", "auto, always, never"),
        ("mode on", "expected off, monitor, enforce"),
        ("flood now", "expected on, off, auto"),
        ("feeds reload A/B", "cannot name a feed"),
        ("import", "<FILE>"),
        ("import x --format csv", "expected plain or drop-json"),
        ("export --format csv", "postfix-cidr"),
        ("flush", "--all"),
        ("policy test", "<NAME=VALUE>"),
        (
            "policy test 192.0.2.7",
            "expected an attribute such as sender=joe@example.org",
        ),
        ("simulate", "<MAILLOG>"),
    ] {
        let error = parse(line).expect_err(line);
        assert!(error.contains(words), "{line}: {error}");
    }
}

#[test]
fn the_socket_has_a_default() {
    let cli = parse("status").unwrap();
    assert_eq!(cli.socket, Paths::default().control_socket());
    assert!(!cli.json);
}

/// What a command shows.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a command line ends, and what it shows, with `service` as the daemon.
async fn done(line: &str, service: Documented) -> (Result<Exit, String>, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("control.sock");
    let socket = Socket::bind(&path, SocketMode::default(), None)
        .await
        .unwrap();
    let cli = parse(line).unwrap();
    let shown = Shown::default();
    let gate = Gate::new(path, cli.json, Box::new(shown.clone()));
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    let until = async { drop(end.await) };
    let command = async {
        let exit = run(&gate, cli.command).await;
        drop(ended);
        exit.map_err(|error| error.to_string())
    };
    let serve = serve(socket, Arc::new(service), Limits::default(), until);
    let (exit, ()) = tokio::join!(command, serve);
    let shown = String::from_utf8(shown.0.lock().unwrap().clone()).unwrap();
    (exit, shown)
}

#[tokio::test]
async fn json_is_the_documented_answer_on_one_line() {
    let list = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(list.path(), "192.0.2.0/24\n").unwrap();
    let import = format!("import {}", list.path().display());
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    for (line, method, path) in [
        ("status", &get, route::STATUS),
        ("check 192.0.2.7", &get, route::CHECK),
        ("block 192.0.2.0/24", &post, route::BLOCK),
        ("unblock 192.0.2.0/24", &post, route::UNBLOCK),
        ("allow 192.0.2.7", &post, route::ALLOW),
        ("disallow 192.0.2.7", &post, route::DISALLOW),
        ("list", &get, route::LISTINGS),
        ("list --allow", &get, route::ALLOWED),
        ("history 192.0.2.0/24", &get, route::HISTORY),
        ("name block *.dyn.example.net", &post, route::BLOCK_NAME),
        ("name unblock *.dyn.example.net", &post, route::UNBLOCK_NAME),
        ("name allow mail.dyn.example.net", &post, route::ALLOW_NAME),
        (
            "name disallow mail.dyn.example.net",
            &post,
            route::DISALLOW_NAME,
        ),
        ("name list", &get, route::NAMES),
        ("name check mail.dyn.example.net", &get, route::CHECK_NAME),
        ("name history", &get, route::NAME_HISTORY),
        ("dnsbl override 192.0.2.0/24", &post, route::OVERRIDES),
        (
            "dnsbl override 192.0.2.0/24 --end",
            &post,
            route::END_OVERRIDE,
        ),
        ("dnsbl overrides", &get, route::OVERRIDES),
        ("dnsbl overrides --history", &get, route::OVERRIDE_HISTORY),
        ("stats", &get, route::STATS),
        ("top", &get, route::TOP),
        ("connections", &get, route::CONNECTIONS),
        ("mode", &get, route::MODE),
        ("mode monitor", &put, route::MODE),
        ("flood", &get, route::FLOOD),
        ("flood off", &put, route::FLOOD),
        ("feeds", &get, route::FEEDS),
        ("feeds reload drop", &post, route::FEED_RELOAD),
        ("dnsbl", &get, route::DNSBL),
        ("dnsbl test 192.0.2.7", &get, route::DNSBL_TEST),
        (&import, &post, route::IMPORT),
        ("export", &get, route::EXPORT),
        ("check --explain 192.0.2.7", &get, route::EXPLAIN),
        ("complaints", &get, route::COMPLAINTS),
        ("evidence /dev/null", &post, route::EVIDENCE),
        ("complaint /dev/null", &post, route::COMPLAINTS),
        ("verdict /dev/null", &post, route::VERDICTS),
        ("rollup", &post, route::ROLLUP),
        ("lookup 192.0.2.7", &post, route::LOOKUP),
        ("removal request 192.0.2.7", &post, route::REMOVALS),
        ("removal list", &get, route::REMOVALS),
        ("removal grant 7", &post, route::DECIDE_REMOVAL),
        ("policy status", &get, route::POLICY),
        ("policy test client_address=192.0.2.7", &get, route::VERDICT),
        ("reload", &post, route::RELOAD),
        ("detach --yes", &post, route::DETACH),
        ("flush --all --yes", &post, route::FLUSH),
    ] {
        let (exit, shown) = done(&format!("--json {line}"), Documented::default()).await;
        assert!(exit.is_ok(), "{line}: {exit:?}");
        let examples = examples();
        let documented = examples.iter().find(|it| it.is_of(method, path)).unwrap();
        let lines = if path == route::EXPORT { 3 } else { 1 };
        assert_eq!(shown.lines().count(), lines, "{line}");
        assert_eq!(
            shown.replace('\n', ""),
            compact(&documented.answer),
            "{line}"
        );
    }
}

#[tokio::test]
async fn exit_codes_are_as_documented() {
    for (line, exit) in [
        ("status", Exit::Done),
        ("check 192.0.2.7 192.0.2.8", Exit::Listed),
        ("block 192.0.2.0/24", Exit::Done),
        ("unblock 192.0.2.0/24", Exit::Done),
        ("list", Exit::Done),
        // The documented feed is refused.
        ("feeds reload drop", Exit::Error),
        ("dnsbl", Exit::Done),
        // The documented address is listed.
        ("dnsbl test 192.0.2.7", Exit::Listed),
        ("export --format nft", Exit::Done),
        ("export --format rbldnsd", Exit::Done),
        ("policy status", Exit::Done),
        ("policy test client_address=192.0.2.7", Exit::Listed),
        ("simulate /dev/null", Exit::Done),
        ("complaint /dev/null", Exit::Done),
        // One of the documented lines is refused.
        ("verdict /dev/null", Exit::BadData),
    ] {
        let (got, shown) = done(line, Documented::default()).await;
        assert_eq!(got, Ok(exit), "{line}");
        assert!(!shown.is_empty(), "{line}");
    }
}

/// What a pipe of a mail server is to do: Postfix returns the mail at 65, and defers it at 75.
#[tokio::test]
async fn a_mail_is_returned_only_if_it_is_refused() {
    let why = || "why".to_owned();
    for (error, exit) in [
        (ServiceError::BadRequest(why()), Exit::BadData),
        (ServiceError::Unavailable(why()), Exit::TryAgain),
        (ServiceError::Internal(why()), Exit::TryAgain),
    ] {
        for line in ["complaint /dev/null", "verdict /dev/null"] {
            let service = Documented {
                error: Some(error.clone()),
                ..Documented::default()
            };
            let (got, _) = done(line, service).await;
            assert_eq!(got, Ok(exit), "{line}: {error}");
        }
    }
}

#[tokio::test]
async fn what_the_daemon_refuses_is_told_in_its_words() {
    let service = Documented {
        error: Some(ServiceError::Conflict("say --force".to_owned())),
        ..Documented::default()
    };
    let (exit, shown) = done("block 0.0.0.0/4", service).await;
    assert_eq!((exit, shown.as_str()), (Err("say --force".to_owned()), ""));
}

#[tokio::test]
async fn two_formats_contradict_each_other() {
    let (exit, shown) = done("export --json --format nft", Documented::default()).await;
    assert!(exit.unwrap_err().contains("contradict"));
    assert_eq!(shown, "");
    let (exit, shown) = done("export --format nft --ttl 1h", Documented::default()).await;
    assert!(exit.unwrap_err().contains("for --format rbldnsd alone"));
    assert_eq!(shown, "");
    let (exit, shown) = done("export --json --format json", Documented::default()).await;
    assert_eq!((exit, shown.lines().count()), (Ok(Exit::Done), 3));
}

#[tokio::test]
async fn metrics_are_shown_as_they_come() {
    let (exit, shown) = done("metrics", Documented::default()).await;
    let examples = examples();
    let is_it = |it: &&Example| it.is_of(&Method::GET, route::METRICS);
    let documented = examples.iter().find(is_it).unwrap();
    assert_eq!((exit, &shown), (Ok(Exit::Done), &documented.answer));
    let (exit, shown) = done("--json metrics", Documented::default()).await;
    assert!(exit.unwrap_err().contains("without --json"));
    assert_eq!(shown, "");
}

#[tokio::test]
async fn an_import_tells_what_it_did() {
    let list = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(list.path(), "# two\n192.0.2.0/24\n2001:db8::/32 ; here\n").unwrap();
    let file = list.path().display();
    for (line, expected) in [
        (
            format!("import {file} --for 30d"),
            "2 networks listed as manual for 30d: ",
        ),
        (
            format!("import {file} --dry-run"),
            "2 networks; nothing was imported\n",
        ),
        (
            format!("--json import {file} --dry-run"),
            "{\"networks\":2,\"bad_lines\":0}\n",
        ),
    ] {
        let (exit, shown) = done(&line, Documented::default()).await;
        assert_eq!(exit, Ok(Exit::Done), "{line}");
        assert!(shown.starts_with(expected), "{line}: {shown}");
    }
    let (exit, _) = done("import /no/such/file", Documented::default()).await;
    assert!(exit.unwrap_err().starts_with("/no/such/file: "));
}

/// A reader that has gone.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let gate = Gate::new(PathBuf::new(), true, Box::new(Gone));
    assert!(gate.has_reader());
    assert!(gate.show(&"x", |_, _| String::new()).is_ok());
    assert!(!gate.has_reader(), "who shows again and again must end");
}
