//! From evidence to the kernel and back: what was seen of a source lists it, enough sources list
//! their network, and each listing ends.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::Ipv4Addr,
    os::unix::net::UnixStream,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use gate_tests::lab::{
    Gate, Lab,
    Outcome::{Connected, TimedOut},
};
use serde_json::{Value, json};

/// A report that says that `source` sent spam, `from` somebody.
fn report(source: &str, from: &str) -> Value {
    json!({"address": source, "kind": "complaint", "from": from, "id": format!("{source} {from}")})
}

/// Two reports by two people: enough to list a source of which nothing good is known.
fn two(source: &str) -> [Value; 2] {
    ["one@example.net", "two@example.net"].map(|from| report(source, from))
}

/// Gives the gate records; what it says they came to.
fn take(lab: &Lab, gate: &Gate<'_>, records: &[Value]) -> Result<Value> {
    let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
    let log = lab.file("log.jsonl", &lines)?;
    gate.json(&["evidence", log.to_str().context("a path in text")?])
}

#[test]
fn complaints_drop_a_source_and_a_removal_request_frees_it() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    for source in ["192.0.2.7", "2001:db8:1:2::7"] {
        let [first, second] = two(source);
        take(&lab, &gate, &[first.clone(), first.clone()])?;
        assert_eq!(
            lab.connect(source)?,
            Connected,
            "{source}: one reporter lists nobody"
        );
        let taken = take(&lab, &gate, &[first, second])?;
        assert_eq!(
            (&taken["taken"], &taken["repeated"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(lab.connect(source)?, TimedOut, "{source}");

        let explained = gate.json(&["check", "--explain", source])?;
        assert_eq!(explained["reason"], "directspam");
        assert_eq!(explained["way_out"][0]["decision"], "refused");
        let refused = gate.json(&["removal", "request", source, "--contact", "a@example.net"])?;
        assert_eq!(refused["decision"], "refused");
        assert_eq!(lab.connect(source)?, TimedOut, "{source}");

        // Among so much good mail two complaints are nothing.
        let ham = json!({"address": source, "kind": "ham", "count": 100_000, "from": "rspamd"});
        take(&lab, &gate, &[ham])?;
        let granted = gate.json(&["removal", "request", source])?;
        assert_eq!(granted["decision"], "granted");
        assert_eq!(lab.connect(source)?, Connected, "{source}");
    }
    Ok(())
}

#[test]
fn invariant_1_four_sources_list_their_24_but_for_whom_is_allowed() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    gate.allow("192.0.2.200")?;
    for host in 1..=3 {
        take(&lab, &gate, &two(&format!("192.0.2.{host}")))?;
    }
    assert_eq!(lab.connect("192.0.2.5")?, Connected);
    take(&lab, &gate, &two("192.0.2.4"))?;
    for (source, outcome) in [
        ("192.0.2.1", TimedOut),
        ("192.0.2.5", TimedOut),
        ("192.0.2.200", Connected),
        ("192.0.3.5", Connected),
    ] {
        assert_eq!(lab.connect(source)?, outcome, "{source}");
    }
    let queued = gate.json(&["removal", "request", "192.0.2.5"])?;
    assert_eq!(queued["decision"], "queued");
    gate.must(&["removal", "grant", &queued["id"].to_string()])?;
    assert_eq!(lab.connect("192.0.2.5")?, Connected);
    assert_eq!(lab.connect("192.0.2.6")?, TimedOut);
    // Half of them are left: the rollup ends, they stay.
    gate.unblock("192.0.2.1")?;
    gate.unblock("192.0.2.2")?;
    assert_eq!(lab.connect("192.0.2.6")?, Connected);
    assert_eq!(lab.connect("192.0.2.4")?, TimedOut);
    Ok(())
}

#[test]
fn a_listing_ends_after_its_quiet_time() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().with("[listing]\nquiet = \"6s\"").start()?;
    take(&lab, &gate, &two("192.0.2.7"))?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    let deadline = Instant::now() + Duration::from_secs(20);
    while lab.connect("192.0.2.7")? != Connected {
        ensure!(Instant::now() < deadline, "still listed");
    }
    let history = gate.json(&["history", "192.0.2.7"])?;
    assert_eq!(history["entries"][0]["cause"], "expired");
    Ok(())
}

/// How many complaints are streamed.
const STREAMED: u32 = 1000;

/// The source of that number, each in a /24 of its own.
fn source(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x1402_0007 + (number << 8))
}

/// Sends one complaint; whether it was acknowledged.
fn send(socket: &Path, number: u32) -> Result<bool> {
    let record = report(&source(number).to_string(), "one@example.net");
    let body = json!({"records": [record]}).to_string();
    let mut stream = UnixStream::connect(socket)?;
    write!(
        stream,
        "POST /v1/evidence HTTP/1.1\r\nhost: gate\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = BufReader::new(stream);
    let mut status = String::new();
    answer.read_line(&mut status)?;
    let mut rest = String::new();
    answer.read_to_string(&mut rest)?;
    Ok(status.contains("200"))
}

#[test]
fn invariant_10_a_kill_loses_no_acknowledged_complaint_and_counts_none_twice() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    let root = gate.config().parent().and_then(Path::parent);
    let socket = root
        .context("the lab's directory")?
        .join("run/control.sock");
    let acknowledged = AtomicUsize::new(0);
    thread::scope(|scope| -> Result<()> {
        let sender = scope.spawn(|| {
            let deadline = Instant::now() + Duration::from_secs(120);
            for number in 0..STREAMED {
                // What is not acknowledged is sent again, as a mail server would.
                while !send(&socket, number).unwrap_or(false) {
                    ensure!(
                        Instant::now() < deadline,
                        "complaint {number} is never taken"
                    );
                    thread::sleep(Duration::from_millis(10));
                }
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        for kill_at in [200, 500, 800] {
            while acknowledged.load(Ordering::Relaxed) < kill_at && !sender.is_finished() {
                thread::sleep(Duration::from_millis(1));
            }
            gate.kill()?;
            gate.start()?;
        }
        sender.join().expect("the sender does not panic")
    })?;
    let on_record = gate.json(&["complaints", "--limit", "0"])?;
    let complaints = on_record["complaints"].as_array().context("a list")?;
    assert_eq!(complaints.len(), STREAMED as usize);
    let sources: BTreeSet<&str> = complaints
        .iter()
        .filter_map(|complaint| complaint["address"].as_str())
        .collect();
    assert_eq!(sources.len(), STREAMED as usize);
    Ok(())
}
