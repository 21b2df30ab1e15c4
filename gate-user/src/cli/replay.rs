//! `replay`: what a log of evidence would have listed. It asks no daemon.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    error::{CliError, Exit},
    evidence as evidence_log,
    gate::Gate,
    table::{Align, Table},
    words::{expiry, foreign},
};
use crate::{
    book::Ledger,
    config::{Config, DEFAULT_PATH},
    control::api::convert,
    evidence::{self, Event, EventKind, Replayed},
    network::Network,
};

/// What `replay` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Records of evidence, one JSON object a line as in POST /v1/evidence, each with its time;
    /// `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The configuration to go by; the installed one if not given, or else the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A directory of its own for the book, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> io::Result<Self> {
        let now = Timestamp::now().as_nanosecond();
        let name = format!("gate-replay-{}-{now}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Whoever cleans the directory for temporary files finds it if this fails.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    records: usize,
    repeated: usize,
    refused: usize,
    bad_lines: usize,
    events: Vec<ShownEvent<'a>>,
}

/// One event of it.
#[derive(Serialize)]
struct ShownEvent<'a> {
    at: Timestamp,
    event: &'static str,
    network: Network,
    reason: gate_common::Reason,
    expires: Option<Timestamp>,
    evidence: Option<&'a str>,
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let config = match &args.config {
        Some(path) => Config::load(path)?,
        None if Path::new(DEFAULT_PATH).exists() => Config::load(DEFAULT_PATH.as_ref())?,
        None => Config::default(),
    };
    let (lines, mut bad) = evidence_log::read(&args.file)?;
    let mut records = Vec::with_capacity(lines.len());
    for (number, record) in lines {
        if record.at.is_some() {
            records.push(convert::record(&record, Timestamp::UNIX_EPOCH));
        } else {
            let file = args.file.display();
            eprintln!(
                "gatectl: {file}, line {number}: no `at`: a log tells the time of each record"
            );
            bad += 1;
        }
    }
    let scratch = Scratch::new().map_err(CliError::Output)?;
    let mut ledger = Ledger::open(&scratch.0.join("gate.db")).await?;
    let replayed = evidence::replay(&mut ledger, records, &config).await?;
    let events = replayed.events.iter().map(shown).collect();
    let answer = Shown {
        records: replayed.taken,
        repeated: replayed.repeated,
        refused: replayed.refused,
        bad_lines: bad,
        events,
    };
    gate.show(&answer, |answer, _| render(&replayed, answer))?;
    Ok(if bad == 0 { Exit::Done } else { Exit::Error })
}

fn shown(event: &Event) -> ShownEvent<'_> {
    let (name, expires, evidence) = match &event.kind {
        EventKind::Listed { evidence, expires } => ("listed", *expires, Some(evidence.as_str())),
        EventKind::Extended { expires } => ("extended", *expires, None),
        EventKind::Ended => ("ended", None, None),
    };
    ShownEvent {
        at: event.at,
        event: name,
        network: event.network,
        reason: event.reason,
        expires,
        evidence,
    }
}

fn render(replayed: &Replayed, answer: &Shown<'_>) -> String {
    let mut table = Table::new([
        ("AT", Align::Left),
        ("EVENT", Align::Left),
        ("NETWORK", Align::Left),
        ("REASON", Align::Left),
        ("EXPIRES", Align::Left),
        ("EVIDENCE", Align::Left),
    ]);
    for event in &answer.events {
        let expires = match event.event {
            "ended" => "-".to_owned(),
            _ => expiry(event.expires),
        };
        table.row([
            event.at.to_string(),
            event.event.to_owned(),
            event.network.to_string(),
            event.reason.code().to_owned(),
            expires,
            foreign(event.evidence.unwrap_or("-")).into_owned(),
        ]);
    }
    format!(
        "{}{} records taken, {} repeated, {} refused, {} lines not understood\n",
        table.render(),
        replayed.taken,
        replayed.repeated,
        replayed.refused,
        answer.bad_lines
    )
}
