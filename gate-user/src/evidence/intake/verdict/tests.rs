//! Which lines count, and which do not.

use proptest::prelude::*;

use super::*;
use crate::{config::Config, evidence::intake::trust};

const NOW: &str = "2026-10-12T12:00:00Z";

fn read(lines: &str) -> Batch {
    let intake = Intake::new(
        &Config {
            evidence: trust::tests::config(),
            ..Config::default()
        },
        [],
    );
    intake.verdicts(lines.as_bytes(), NOW.parse().unwrap())
}

/// `ADDRESS kind count from time`, `skipped`, or what is wrong.
fn told(line: &str) -> String {
    let batch = read(line);
    match (&batch.evidence[..], &batch.bad[..]) {
        ([one], []) => format!(
            "{} {} {} {} {}",
            one.address(),
            one.kind().name(),
            one.kind().count(),
            one.from(),
            one.at()
        ),
        ([], [bad]) => bad.why.clone(),
        _ => "skipped".to_owned(),
    }
}

#[test]
fn what_a_record_says() {
    for (line, expected) in [
        (
            r#"{"address":"1.2.3.4","verdict":"spam","at":"2026-10-12T00:00:00Z","count":3,"source":"mx1","id":"x"}"#,
            "1.2.3.4 spam 3 mx1 2026-10-12T00:00:00Z",
        ),
        (
            r#"{"address":"2a00:7::1","verdict":"ham"}"#,
            "2a00:7::1 ham 1 filter 2026-10-12T12:00:00Z",
        ),
        (
            r#"{"address":"::ffff:1.2.3.4","verdict":"bounce-undeliverable","at":"2026-10-12T02:00:00.5+02:00"}"#,
            "1.2.3.4 bounce 1 filter 2026-10-12T00:00:00Z",
        ),
        // Another clock may be a little ahead.
        (
            r#"{"address":"1.2.3.4","verdict":"ham","at":"2026-10-12T12:05:00Z"}"#,
            "1.2.3.4 ham 1 filter 2026-10-12T12:00:00Z",
        ),
        // Ours, a forwarder's, not public: nobody's reputation.
        (r#"{"address":"5.5.5.5","verdict":"spam"}"#, "skipped"),
        (r#"{"address":"6.6.1.1","verdict":"spam"}"#, "skipped"),
        (r#"{"address":"6.6.6.1","verdict":"spam"}"#, "skipped"),
        (r#"{"address":"127.0.0.1","verdict":"spam"}"#, "skipped"),
        (r#"{"address":"192.168.1.1","verdict":"spam"}"#, "skipped"),
    ] {
        assert_eq!(told(line), expected, "{line}");
    }
}

#[test]
fn what_is_wrong_with_a_record() {
    for (line, expected) in [
        ("x", "expected value"),
        ("{", "EOF while parsing an object"),
        ("[1]", "invalid"),
        (r#"{"verdict":"spam"}"#, "missing field `address`"),
        (r#"{"address":"1.2.3.4"}"#, "missing field `verdict`"),
        (
            r#"{"address":"1.2.3","verdict":"spam"}"#,
            "invalid IP address syntax",
        ),
        (
            r#"{"address":"1.2.3.4","verdict":"bad"}"#,
            "unknown variant `bad`, expected one of `spam`, `ham`, `bounce-undeliverable`",
        ),
        (
            r#"{"address":"1.2.3.4","verdict":"spam","cuont":1}"#,
            "unknown field `cuont`",
        ),
        (
            r#"{"address":"1.2.3.4","verdict":"spam","count":0}"#,
            "count 0 is not from 1 to 1000000",
        ),
        (
            r#"{"address":"1.2.3.4","verdict":"spam","count":-1}"#,
            "invalid value",
        ),
        (
            r#"{"address":"1.2.3.4","verdict":"spam","count":1000001}"#,
            "is not from 1 to 1000000",
        ),
        (
            r#"{"address":"1.2.3.4","verdict":"spam","source":"a b"}"#,
            "without spaces",
        ),
        (
            r#"{"address":"1.2.3.4","verdict":"spam","source":""}"#,
            "1 to 64",
        ),
        (
            r#"{"address":"1.2.3.4","verdict":"spam","at":"today"}"#,
            "failed to parse",
        ),
        (
            r#"{"address":"1.2.3.4","verdict":"spam","at":"2026-10-12T12:11:00Z"}"#,
            "in the future",
        ),
        (
            r#"{"address":"1.2.3.4","verdict":"spam","at":"2026-10-10T11:59:00Z"}"#,
            "longer ago than 2days",
        ),
        (
            r#"{"ip":"1.2.3.4","action":"explode"}"#,
            "`explode` is not an action of rspamd",
        ),
        (
            r#"{"ip":"here","action":"reject"}"#,
            "`here` is not an address",
        ),
        (r#"{"action":"reject"}"#, "missing field `ip`"),
    ] {
        let told = told(line);
        assert!(told.contains(expected), "{line}: {told}");
        assert!(!told.contains("column"), "{told}");
    }
    let long = format!(
        r#"{{"address":"1.2.3.4","verdict":"spam","id":"{}"}}"#,
        "x".repeat(MAX_LINE)
    );
    assert!(told(&long).contains("at most 262144"));
    let long = format!(
        r#"{{"address":"1.2.3.4","verdict":"spam","id":"{}"}}"#,
        "x".repeat(257)
    );
    assert!(told(&long).contains("id is longer than 256 bytes"));
}

/// As rspamd 3.4 writes it.
fn scan(ip: &str, user: &str, action: &str) -> String {
    format!(
        r#"{{"action":"{action}","from":"s@spam.example","fuzzy":[],"header_date":["x"],"header_from":["s"],"header_subject":["x"],"header_to":["r"],"ip":"{ip}","message_id":"1@spam","qid":"4X","rcpt":["r@example.org"],"rspamd_server":"mx1","scan_time":12,"score":15.100000,"subject":"x","symbols":[{{"groups":["x"],"name":"A","score":1.0}}],"user":"{user}"}}"#
    )
}

#[test]
fn what_rspamd_says() {
    for (ip, user, action, expected) in [
        ("1.2.3.4", "unknown", "reject", "1.2.3.4 spam 1"),
        ("2a00:7::1", "unknown", "add header", "2a00:7::1 spam 1"),
        ("1.2.3.4", "unknown", "rewrite subject", "1.2.3.4 spam 1"),
        ("1.2.3.4", "unknown", "no action", "1.2.3.4 ham 1"),
        ("1.2.3.4", "unknown", "greylist", "skipped"),
        ("1.2.3.4", "unknown", "soft reject", "skipped"),
        ("1.2.3.4", "customer", "reject", "skipped"),
        ("unknown", "unknown", "reject", "skipped"),
        ("127.0.0.1", "unknown", "reject", "skipped"),
    ] {
        let told = told(&scan(ip, user, action));
        let expected = match expected {
            "skipped" => expected.to_owned(),
            one => format!("{one} rspamd@mx1 {NOW}"),
        };
        assert_eq!(told, expected, "{ip} {user} {action}");
    }
}

#[test]
fn what_is_posted_again_can_be_known() {
    let digest = |line: &str| read(line).evidence[0].digest();
    let scan = scan("1.2.3.4", "unknown", "reject");
    assert!(digest(&scan).is_some());
    assert_eq!(digest(&scan), digest(&scan));
    assert_ne!(digest(&scan), digest(&scan.replace("4X", "4Y")));
    assert_eq!(digest(&scan.replace("4X", "unknown")), None);

    let record = r#"{"address":"1.2.3.4","verdict":"spam","source":"a","id":"1"}"#;
    assert!(digest(record).is_some());
    assert_ne!(digest(record), digest(&record.replace("\"a\"", "\"b\"")));
    assert_eq!(digest(r#"{"address":"1.2.3.4","verdict":"spam"}"#), None);
}

#[test]
fn a_bad_line_does_not_lose_the_others() {
    let batch = read(
        "{\"address\":\"1.2.3.4\",\"verdict\":\"spam\"}\r\n\nx\n{\"address\":\"5.5.5.5\",\"verdict\":\"ham\"}\n\
         \u{0}\n{\"address\":\"1.2.3.5\",\"verdict\":\"ham\"}",
    );
    let addresses: Vec<_> = batch
        .evidence
        .iter()
        .map(|one| one.address().to_string())
        .collect();
    assert_eq!(addresses, ["1.2.3.4", "1.2.3.5"]);
    assert_eq!(batch.skipped, 1);
    let bad: Vec<_> = batch.bad.iter().map(|bad| bad.line).collect();
    assert_eq!(bad, [3, 5]);
}

proptest! {
    /// Each line is evidence, skipped or bad, whatever the others are.
    #[test]
    fn every_line_is_accounted_for(lines in proptest::collection::vec(prop_oneof![
        Just(r#"{"address":"1.2.3.4","verdict":"spam"}"#.to_owned()),
        Just(r#"{"address":"5.5.5.5","verdict":"spam"}"#.to_owned()),
        "[{}\",:a-z1]{1,20}",
    ], 0..20)) {
        let batch = read(&lines.join("\n"));
        prop_assert_eq!(batch.evidence.len() + batch.skipped + batch.bad.len(), lines.len());
    }
}
