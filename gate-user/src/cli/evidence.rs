//! `evidence`: gives the daemon a log of what was seen of sources.

use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use super::{
    error::{CliError, Exit},
    gate::Gate,
    input,
    words::{counted, foreign},
};
use crate::control::api::{Evidence, EvidenceRecord, EvidenceTaken, route};

/// Lines that are not understood and are told one by one.
const TOLD: usize = 10;

/// What `evidence` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Records of evidence, one JSON object a line as in POST /v1/evidence; `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let (lines, bad) = read(&args.file)?;
    let records = lines.into_iter().map(|(_, record)| record).collect();
    let request = Evidence { records };
    let answer = gate.client.send_large(route::EVIDENCE, &request, |_| {});
    let answer: EvidenceTaken = answer.await?;
    gate.show(&answer, |answer, _| render(answer))?;
    Ok(if bad == 0 && answer.refused.is_empty() {
        Exit::Done
    } else {
        Exit::Error
    })
}

/// The records of a log with the numbers of their lines, and how many lines hold none, which is
/// told.
pub(super) fn read(file: &Path) -> Result<(Vec<(usize, EvidenceRecord)>, usize), CliError> {
    let text = input::open(file).and_then(io::read_to_string);
    let text = text.map_err(|source| CliError::Read {
        path: file.to_owned(),
        source,
    })?;
    let (records, bad) = records(&text);
    for (line, why) in bad.iter().take(TOLD) {
        eprintln!("gatectl: {}, line {line}: {why}", file.display());
    }
    Ok((records, bad.len()))
}

type Numbered<T> = Vec<(usize, T)>;

/// The records of a log, and the lines that hold none with the reason, by number.
fn records(text: &str) -> (Numbered<EvidenceRecord>, Numbered<String>) {
    let mut records = Vec::new();
    let mut bad = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(line) {
            Ok(record) => records.push((number, record)),
            Err(error) => bad.push((number, error.to_string())),
        }
    }
    (records, bad)
}

fn render(answer: &EvidenceTaken) -> String {
    let mut text = format!(
        "{} taken, {} repeated, {} refused\n",
        counted(answer.taken, "record"),
        answer.repeated,
        answer.refused.len()
    );
    for refused in &answer.refused {
        let _ = writeln!(
            text,
            "  record {}: {}",
            refused.record + 1,
            foreign(&refused.why)
        );
    }
    for listing in &answer.listed {
        let (network, reason) = (listing.network, listing.reason.code());
        let evidence = foreign(listing.evidence.as_deref().unwrap_or("-"));
        let _ = writeln!(text, "  {network} is listed as {reason}: {evidence}");
    }
    text
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::control::examples::answer;

    #[test]
    fn a_bad_line_loses_no_other() {
        let text = r#"{"address":"192.0.2.7","kind":"trap","from":"t"}

{"address":"192.0.2.300"}
{"address":"2001:db8::1","kind":"spam","at":"2026-03-01T00:00:00Z","from":"rspamd","count":9}
"#;
        let (records, bad) = records(text);
        let numbers: Vec<_> = records.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 4]);
        assert_eq!(bad[0].0, 3);
    }

    #[test]
    fn what_was_taken_is_told() {
        let taken: EvidenceTaken = answer(&Method::POST, route::EVIDENCE);
        let text = render(&taken);
        assert!(
            text.starts_with("2 records taken, 0 repeated, 1 refused\n"),
            "{text}"
        );
        assert!(
            text.contains("192.0.2.7/32 is listed as directspam: score 18"),
            "{text}"
        );
    }
}
