//! `import`: list all networks of a file, in one transaction.

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use gate_common::Reason;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{
    change::reason,
    error::{CliError, Exit},
    gate::Gate,
    input,
    words::{self, counted},
};
use crate::{
    config::{Guards, ListFormat},
    control::api::{Import, ImportEntry, Imported, route, span},
    feeds::{Claim, Parsed, parse},
};

/// What `import` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file; - reads standard input.
    file: PathBuf,
    /// How it is written: plain (a network a line, # and ; comments) or drop-json (Spamhaus DROP);
    /// if not given, drop-json if it begins with a brace, else plain.
    #[arg(long, value_parser = format)]
    format: Option<ListFormat>,
    /// Why.
    #[arg(long, value_name = "CODE", default_value = "manual", value_parser = reason)]
    reason: Reason,
    /// How long, such as 3d; for good if not given.
    #[arg(long = "for", value_name = "DURATION", value_parser = span::parse)]
    duration: Option<Duration>,
    /// A word to whoever asks later, for each network.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Also networks wider than /8 (IPv6: /16).
    #[arg(long)]
    force: bool,
    /// Read the file and say what it holds; list nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What a dry run found: its JSON.
#[derive(Debug, Serialize)]
struct DryRun {
    networks: u64,
    bad_lines: u64,
}

fn format(name: &str) -> Result<ListFormat, String> {
    match name {
        "plain" => Ok(ListFormat::Plain),
        "drop-json" => Ok(ListFormat::DropJson),
        _ => Err("expected plain or drop-json".to_owned()),
    }
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let content = input::read(&args.file).map_err(|source| CliError::Read {
        path: args.file.clone(),
        source,
    })?;
    let format = args.format.unwrap_or_else(|| guess(&content));
    let parsed = parse(&format, &content);
    drop(content);
    let file = args.file.display();
    for bad in &parsed.bad_lines.first {
        eprintln!("{file}:{}: {} ({})", bad.number, bad.why, bad.text);
    }
    let skipped = parsed.bad_lines.count;
    let more = skipped.saturating_sub(parsed.bad_lines.first.len());
    if more > 0 {
        eprintln!("{file}: {} more", counted(more as u64, "bad line"));
    }
    credible(&parsed).map_err(|why| CliError::NotImported {
        path: args.file.clone(),
        why,
    })?;
    if skipped > 0 {
        eprintln!("note: {} skipped", counted(skipped as u64, "bad line"));
    }
    let networks: Vec<_> = parsed
        .entries
        .into_iter()
        .map(|entry| ImportEntry {
            network: entry.network,
            evidence: entry.evidence.map(|text| text.as_ref().to_owned()),
        })
        .collect();
    if args.dry_run {
        let found = DryRun {
            networks: networks.len() as u64,
            bad_lines: skipped as u64,
        };
        gate.show(&found, |found, _| {
            let networks = counted(found.networks, "network");
            format!("{networks}; nothing was imported\n")
        })?;
        return Ok(Exit::Done);
    }
    let request = Import {
        reason: args.reason,
        duration: args.duration,
        comment: args.comment,
        force: args.force,
        networks,
    };
    let bar = bar(request.networks.len() as u64);
    let shown = bar.clone();
    let answer = gate
        .client
        .send_large(route::IMPORT, &request, move |sent| {
            progress(&shown, sent);
        });
    let answer: Result<Imported, _> = answer.await;
    bar.finish_and_clear();
    gate.show(&answer?, |answer, _| {
        imported(*answer, args.reason, args.duration)
    })?;
    Ok(Exit::Done)
}

/// The format that a file seems to be of: JSON lines begin with a brace.
fn guess(content: &[u8]) -> ListFormat {
    match content.trim_ascii_start().first() {
        Some(b'{') => ListFormat::DropJson,
        _ => ListFormat::Plain,
    }
}

/// Whether a file is what it seems to be: not cut short, not of another format.
fn credible(parsed: &Parsed) -> Result<(), String> {
    let good = parsed.good_lines;
    let bad = parsed.bad_lines.count;
    if parsed.entries.is_empty() {
        return Err(match bad {
            0 => "it holds no network".to_owned(),
            _ => "no line names a network: is --format right?".to_owned(),
        });
    }
    let max = Guards::default().max_bad_share;
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = bad as f64 / (good + bad) as f64;
    if share > max {
        return Err(format!(
            "{bad} of {} lines name no network; at most {} % may",
            good + bad,
            max * 100.0
        ));
    }
    match parsed.claim {
        Claim::Records(claimed) if claimed > good as u64 => Err(format!(
            "it says that it has {claimed} records, and has {good}: was it cut short?"
        )),
        Claim::None | Claim::Missing | Claim::NoHead | Claim::Records(_) => Ok(()),
    }
}

/// A bar on a terminal, nothing elsewhere.
fn bar(networks: u64) -> ProgressBar {
    let bar = ProgressBar::new(networks);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len} networks {msg}") {
        bar.set_style(style);
    }
    bar
}

fn progress(bar: &ProgressBar, sent: f64) {
    let networks = bar.length().unwrap_or(0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a share of a count, to look at"
    )]
    bar.set_position((sent * networks as f64) as u64);
    if sent >= 1.0 {
        // Keeps it drawn while the daemon is at work.
        bar.enable_steady_tick(Duration::from_millis(100));
        bar.set_message("sent, being stored");
    }
}

fn imported(answer: Imported, reason: Reason, duration: Option<Duration>) -> String {
    let Imported {
        added,
        renewed,
        not_planned,
    } = answer;
    let networks = counted(added + renewed, "network");
    let code = reason.code();
    let how_long = duration.map_or_else(|| "good".to_owned(), words::span);
    let mut text =
        format!("{networks} listed as {code} for {how_long}: {added} new, {renewed} renewed\n");
    if not_planned > 0 {
        let _ = writeln!(
            text,
            "  {not_planned} of them pass all the same: allowed, or never blocked"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_guessed() {
        assert_eq!(guess(b" \n{\"cidr\":"), ListFormat::DropJson);
        assert_eq!(guess(b"# list\n192.0.2.0/24\n"), ListFormat::Plain);
        assert_eq!(guess(b""), ListFormat::Plain);
    }

    #[test]
    fn a_file_must_be_what_it_seems() {
        let plain = |text: &str| credible(&parse(&ListFormat::Plain, text.as_bytes()));
        let many = "192.0.2.1\n".repeat(95);
        for (text, problem) in [
            ("192.0.2.0/24\n".to_owned(), None),
            (format!("{many}{}", "x\n".repeat(5)), None),
            (
                format!("{many}{}", "x\n".repeat(6)),
                Some("6 of 101 lines name no network; at most 5 % may"),
            ),
            ("# nothing\n".to_owned(), Some("it holds no network")),
            (
                "x\n".to_owned(),
                Some("no line names a network: is --format right?"),
            ),
        ] {
            assert_eq!(plain(&text).err().as_deref(), problem, "{text:.40}");
        }
        let mut parsed = parse(&ListFormat::Plain, b"192.0.2.0/24\n");
        parsed.claim = Claim::Records(2);
        assert!(credible(&parsed).unwrap_err().contains("cut short"));
    }

    #[test]
    fn the_answer_tells_new_renewed_and_what_passes() {
        let answer = Imported {
            added: 2,
            renewed: 1,
            not_planned: 1,
        };
        let text = imported(answer, Reason::Manual, None);
        assert_eq!(
            text,
            "3 networks listed as manual for good: 2 new, 1 renewed\n  \
             1 of them pass all the same: allowed, or never blocked\n"
        );
        let text = imported(answer, Reason::Feed, Some(Duration::from_hours(30 * 24)));
        assert!(
            text.starts_with("3 networks listed as feed for 30d: "),
            "{text}"
        );
    }
}
