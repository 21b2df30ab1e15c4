//! A daemon that is killed in the middle.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::Ipv4Addr,
    os::unix::net::UnixStream,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use gate_tests::lab::{Lab, Outcome::TimedOut};

use gate_tests::mails::report;

/// How many complaints are streamed, by how many at once, and after how many the daemon is killed.
const STREAMED: u32 = 1000;
const SENDERS: u32 = 4;
const KILLED: [u32; 3] = [200, 500, 800];

/// The source of that number, each in a /24 of its own.
fn source(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x1402_0007 + (number << 8))
}

/// Sends one complaint; whether it was acknowledged.
fn send(socket: &Path, number: u32) -> Result<bool> {
    let mail = report(&source(number).to_string(), "one@example.org");
    let mut stream = UnixStream::connect(socket)?;
    write!(
        stream,
        "POST /v1/complaints HTTP/1.1\r\nhost: gate\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{mail}",
        mail.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

/// Sends its share of the complaints. What is not acknowledged is sent again, as a mail server
/// would.
fn stream(socket: &Path, sender: u32, acknowledged: &AtomicU32) -> Result<()> {
    let deadline = Instant::now() + Duration::from_mins(2);
    for number in (sender..STREAMED).step_by(SENDERS as usize) {
        while !send(socket, number).unwrap_or(false) {
            ensure!(
                Instant::now() < deadline,
                "complaint {number} is never taken"
            );
            thread::sleep(Duration::from_millis(10));
        }
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

#[test]
fn invariant_10_a_kill_loses_no_acknowledged_complaint_and_counts_none_twice() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    let socket = gate.socket().to_owned();
    let acknowledged = AtomicU32::new(0);
    thread::scope(|scope| -> Result<()> {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                scope.spawn({
                    let (socket, acknowledged) = (&socket, &acknowledged);
                    move || stream(socket, sender, acknowledged)
                })
            })
            .collect();
        for kill_at in KILLED {
            while acknowledged.load(Ordering::Relaxed) < kill_at
                && senders.iter().any(|sender| !sender.is_finished())
            {
                thread::sleep(Duration::from_millis(1));
            }
            gate.kill()?;
            gate.start()?;
        }
        for sender in senders {
            sender.join().expect("a sender does not panic")?;
        }
        Ok(())
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

#[test]
fn what_was_scored_before_a_kill_counts_after_it() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    gate_tests::mails::complain(&gate, &report("20.2.0.7", "one@example.org"))?;
    gate.kill()?;
    gate.start()?;
    gate_tests::mails::complain(&gate, &report("20.2.0.7", "two@example.org"))?;
    assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
    let score = gate.json(&["check", "--explain", "20.2.0.7"])?["score"].clone();
    gate.kill()?;
    gate.start()?;
    assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
    assert_eq!(
        gate.json(&["check", "--explain", "20.2.0.7"])?["score"],
        score
    );
    Ok(())
}
