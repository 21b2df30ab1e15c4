//! `cargo xtask demo`: a mail server, a gate before it, and clients that knock.
//!
//! Out: who got through, and what the kernel counted; an error if anybody did who should not have,
//! or the other way round.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde_json::json;

use crate::lab::{Gate, Lab, Outcome, SMTP, SUBMISSION, connect_all};

const LIST: &str = "\
; A block list, as they are downloaded
198.51.100.0/24
2001:db8:bad::/48
";

/// Less than a second, after which a SYN is repeated (RFC 6298 section 2.1).
const FIRST_SYN: Duration = Duration::from_millis(900);

/// A client that knocks once.
struct Client {
    source: &'static str,
    port: u16,
    about: &'static str,
    expected: Outcome,
}

const CLIENTS: [Client; 8] = {
    use Outcome::{Connected, TimedOut};
    [
        client("203.0.113.7", SMTP, "not listed", Connected),
        client("192.0.2.7", SMTP, "listed by the operator", TimedOut),
        client("192.0.2.25", SMTP, "listed, but allowed", Connected),
        client(
            "192.0.2.7",
            SUBMISSION,
            "listed, but not a guarded port",
            Connected,
        ),
        client("198.51.100.7", SMTP, "on the downloaded list", TimedOut),
        client("2001:db8::7", SMTP, "not listed", Connected),
        client("2001:db8:bad::7", SMTP, "on the downloaded list", TimedOut),
        client("2001:db8:bad::25", SMTP, "listed, but allowed", Connected),
    ]
};

const fn client(source: &'static str, port: u16, about: &'static str, expected: Outcome) -> Client {
    Client {
        source,
        port,
        about,
        expected,
    }
}

/// Shows the gate at work, and cleans up.
///
/// # Errors
/// The lab or the gate cannot be made, or something else happens than what should.
pub fn demo() -> Result<()> {
    println!("==> two network namespaces joined by a veth: a mail server, and all its clients");
    let lab = Lab::new()?;
    let list = lab.file("list.netset", LIST)?;
    let feed = format!("[[feed]]\nname = \"list\"\npath = {}\n", json!(list));
    println!("==> gated before the mail server, with a downloaded list of two networks");
    let gate = lab.gate().with(&feed).start()?;
    wait_for_feed(&gate)?;
    wait_for_way(&lab)?;
    say(&gate, &["block", "192.0.2.0/24", "--for", "3d"])?;
    say(&gate, &["allow", "192.0.2.25"])?;
    say(&gate, &["allow", "2001:db8:bad::25"])?;

    println!("==> they connect to the mail server");
    // The first SYN decides: the counters show one for each client.
    let attempts =
        CLIENTS.map(|Client { source, port, .. }| lab.from(source).port(port).patience(FIRST_SYN));
    let outcomes = connect_all(&attempts)?;
    println!(
        "\n{:<18}{:<6}{:<12}THE SOURCE IS",
        "FROM", "PORT", "OUTCOME"
    );
    let mut surprises = 0;
    for (client, outcome) in CLIENTS.iter().zip(outcomes) {
        let Client {
            source,
            port,
            about,
            expected,
        } = client;
        let surprise = if outcome == *expected {
            ""
        } else {
            " (that is wrong)"
        };
        surprises += usize::from(outcome != *expected);
        println!("{source:<18}{port:<6}{outcome:<12}{about}{surprise}");
    }
    println!();
    say(&gate, &["stats"])?;
    say(&gate, &["check", "192.0.2.25"])?;
    ensure!(
        surprises == 0,
        "{surprises} clients met with another fate than they should have"
    );
    println!("==> all of it is taken away again");
    Ok(())
}

/// Runs `gatectl` and shows command and answer. Exit code 1 is an answer, too.
fn say(gate: &Gate<'_>, arguments: &[&str]) -> Result<()> {
    println!("$ gatectl {}", arguments.join(" "));
    let said = gate.ctl(arguments)?;
    ensure!(said.code < 2, "{}", said.stderr);
    println!("{}", said.stdout);
    Ok(())
}

/// Waits until the list is in force.
fn wait_for_feed(gate: &Gate<'_>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while gate.json(&["status"])?["listings"]["feed"] != 2 {
        ensure!(
            Instant::now() < deadline,
            "the list is not read:\n{}",
            gate.log()
        );
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Waits until packets get through, to a port that is not guarded: for up to a second after an
/// interface comes up the kernel knows no neighbours on it.
fn wait_for_way(lab: &Lab) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    for source in ["203.0.113.1", "2001:db8::1"] {
        let knock = lab.from(source).port(SUBMISSION).patience(FIRST_SYN);
        while knock.connect()? != Outcome::Connected {
            ensure!(Instant::now() < deadline, "{source} finds no way");
        }
    }
    Ok(())
}
