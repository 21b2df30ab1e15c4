//! What evidence costs, with many sources on record: how fast it is taken in, how soon the kernel
//! drops, and how much room it takes.
//!
//! In: how many sources. Out: [`Costs`]. Everything happens in a lab and on a book of its own; a
//! debug build measures nothing that is worth telling.

use std::{
    fmt::Write as _,
    fs,
    io::{Read as _, Write as _},
    net::Ipv4Addr,
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gate_user::{
    book::Ledger,
    config::Config,
    evidence::{
        Digest, Evidence, Kind,
        intake::{Desk, Handed},
        roll_up, take,
    },
    plan::Rules,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    lab::{Gate, Lab},
    mails,
};

/// Records in one transaction, as the daemon gathers them.
const TOGETHER: u32 = 5000;
/// Reports, batches of verdicts, and complaints one by one that are measured.
const REPORTS: u32 = 20_000;
const BATCHES: u32 = 10;
const ONE_BY_ONE: u32 = 200;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// From the second complaint of a source until the kernel drops it, at the median.
    pub drop: Duration,
    /// ARF reports a second, parsed, stored and scored by one thread; each lists its source.
    pub reports: f64,
    /// Verdicts a second that the daemon takes in batches, each on another source.
    pub verdicts: f64,
    /// Bytes of the database.
    pub database: u64,
    /// Bytes that the daemon has resident.
    pub resident: u64,
}

/// Measures with `sources` sources on record, each with a complaint and with good mail.
///
/// # Errors
/// The lab cannot be made, or the gate does not do what it is asked.
pub fn measure(sources: u32) -> Result<Costs> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    gate.stop()?;
    let book = gate.state().join("gate.db");
    runtime.block_on(fill(&book, sources))?;
    let database = fs::metadata(&book)?.len();
    let desk = Desk::open(&Config::default(), lab.dir("quarantine")?, [])?;
    let reports = runtime.block_on(reports(&book, &desk, sources))?;
    gate.start()?;
    let verdicts = verdicts(&gate, sources)?;
    let drop = complaint_to_drop(&gate, sources)?;
    Ok(Costs {
        drop,
        reports,
        verdicts,
        database,
        resident: gate.resident()?,
    })
}

/// The source of that number: spread over the address space, none of them special.
fn source(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x1500_0000 + number.wrapping_mul(1_618_033) % 0x4000_0000)
}

async fn fill(book: &Path, sources: u32) -> Result<()> {
    let mut ledger = Ledger::open(book).await?;
    let now = Timestamp::now();
    for first in (0..sources).step_by(TOGETHER as usize) {
        let records = (first..sources.min(first + TOGETHER)).flat_map(|number| {
            let from = format!("fbl{}@example.net via local", number % 1000);
            let digest = Some(Digest::of([number.to_be_bytes().as_slice()]));
            let at = now - SignedDuration::from_secs(i64::from(number % 80_000));
            let complaint = Kind::Complaint {
                incidents: 1,
                trap: false,
            };
            let record = |from, kind| Evidence::new(source(number).into(), at, from, kind, digest);
            [
                record(&from, complaint),
                record("rspamd", Kind::Ham { count: 3 }),
            ]
        });
        give(&mut ledger, &records.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Takes records in as the daemon does.
async fn give(ledger: &mut Ledger, records: &[Evidence]) -> Result<()> {
    let config = Config::default();
    let mut work = ledger.begin(Timestamp::now()).await?;
    take(&mut work, records, &config, &Rules::default()).await?;
    roll_up(&mut work, &config).await?;
    work.commit("benchmark").await?;
    Ok(())
}

async fn reports(book: &Path, desk: &Desk, sources: u32) -> Result<f64> {
    let mails: Vec<String> = (0..REPORTS)
        .map(|number| report(source(number % sources), "one@example.org", number))
        .collect();
    let mut ledger = Ledger::open(book).await?;
    let begun = Instant::now();
    for mails in mails.chunks(1000) {
        let mut records = Vec::new();
        for mail in mails {
            let read = desk.complaint(mail.as_bytes(), Handed::default(), Timestamp::now())?;
            records.extend(read.evidence);
        }
        give(&mut ledger, &records).await?;
    }
    Ok(f64::from(REPORTS) / begun.elapsed().as_secs_f64())
}

fn verdicts(gate: &Gate<'_>, sources: u32) -> Result<f64> {
    let batch = |batch: u32| -> Result<String> {
        let mut lines = String::new();
        for number in batch * TOGETHER..(batch + 1) * TOGETHER {
            let address = source(number.wrapping_mul(1_654_437) % sources);
            let verdict = if number % 3 == 0 { "spam" } else { "ham" };
            writeln!(
                lines,
                r#"{{"address": "{address}", "verdict": "{verdict}", "id": "{number}"}}"#
            )?;
        }
        Ok(lines)
    };
    let batches: Vec<String> = (0..BATCHES).map(batch).collect::<Result<_>>()?;
    let begun = Instant::now();
    for batch in &batches {
        post(gate.socket(), "/v1/verdicts", batch)?;
    }
    Ok(f64::from(BATCHES * TOGETHER) / begun.elapsed().as_secs_f64())
}

/// The kernel has what follows before a complaint is acknowledged, so the time until then is no
/// less; that it drops is looked up afterwards.
fn complaint_to_drop(gate: &Gate<'_>, sources: u32) -> Result<Duration> {
    let mut times = Vec::new();
    for number in 0..ONE_BY_ONE {
        // Beyond what the reports were about.
        let address = source(sources - 1 - number);
        post(
            gate.socket(),
            "/v1/complaints",
            &report(address, "a@example.org", number),
        )?;
        let second = report(address, "b@example.org", number);
        let begun = Instant::now();
        post(gate.socket(), "/v1/complaints", &second)?;
        times.push(begun.elapsed());
        let check = gate.json(&["check", &address.to_string()])?;
        ensure!(check["kernel"]["verdict"] == "drop", "{check}");
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

/// An ARF report of 3 KiB.
fn report(source: Ipv4Addr, reporter: &str, id: u32) -> String {
    let mail = format!(
        "Received: from spam.example (unknown [{source}])\r\n\
         \tby mx.example.org (Postfix) with ESMTP id {id}\r\n\
         Message-ID: <{id}@spam.example>\r\nFrom: <a@spam.example>\r\nSubject: cheap\r\n\r\n{}",
        "buy our pills today, they are the best there are\r\n".repeat(50)
    );
    mails::report_of(&mail, &source.to_string(), reporter)
}

fn post(socket: &Path, path: &str, body: &str) -> Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: gate\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    )?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_source_is_another() {
        let sources: HashSet<_> = (0..100_000).map(source).collect();
        assert_eq!(sources.len(), 100_000);
        assert!(
            sources
                .iter()
                .all(|source| (21..=84).contains(&source.octets()[0]))
        );
    }
}
