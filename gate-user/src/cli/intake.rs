//! `complaint`, `verdict`: evidence handed in, by people and by pipes of the mail server.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    error::{CliError, Exit},
    gate::Gate,
    input,
    words::{counted, foreign, until},
};
use crate::control::{
    api::{
        Complained, Complaint, ComplaintFormat, ComplaintQuery, ErrorKind, Fate, Judged, Listing,
        route,
    },
    client::ClientError,
};

/// What `complaint` is given.
#[derive(Debug, clap::Args)]
pub(super) struct ComplaintArgs {
    /// The mail; - reads standard input.
    file: PathBuf,
    /// What it must be: arf (an ARF report), or auto (that, or mail with spam attached).
    #[arg(long, default_value = "auto", value_parser = format)]
    format: ComplaintFormat,
    /// It comes from a spam trap: its own sender is blamed (with --format arf, whom the report
    /// names), and no second reporter is needed.
    #[arg(long)]
    trap: bool,
}

/// What `verdict` is given.
#[derive(Debug, clap::Args)]
pub(super) struct VerdictArgs {
    /// Lines of JSON, as in docs/evidence.md; - reads standard input.
    file: PathBuf,
}

fn format(name: &str) -> Result<ComplaintFormat, String> {
    match name {
        "auto" => Ok(ComplaintFormat::Auto),
        "arf" => Ok(ComplaintFormat::Arf),
        _ => Err("expected auto or arf".to_owned()),
    }
}

pub(super) async fn complaint(gate: &Gate, args: ComplaintArgs) -> Result<Exit, CliError> {
    let query = ComplaintQuery {
        format: args.format,
        trap: args.trap,
    };
    let mail = match content(&args.file) {
        Ok(mail) => mail,
        Err(exit) => return Ok(exit),
    };
    let answer = gate.client.hand_in(route::COMPLAINTS, &query, mail).await;
    match answer {
        Ok(answer) => Ok(shown(gate.show(&answer, complained), Exit::Done)),
        Err(error) => Ok(piped(&error)),
    }
}

pub(super) async fn verdict(gate: &Gate, args: VerdictArgs) -> Result<Exit, CliError> {
    let lines = match content(&args.file) {
        Ok(lines) => lines,
        Err(exit) => return Ok(exit),
    };
    let answer = gate.client.hand_in(route::VERDICTS, &(), lines).await;
    let answer: Judged = match answer {
        Ok(answer) => answer,
        Err(error) => return Ok(piped(&error)),
    };
    let file = args.file.display();
    for bad in &answer.bad {
        eprintln!("{file}:{}: {}", bad.line, bad.error);
    }
    let refused = answer.refused > 0;
    let exit = if refused { Exit::BadData } else { Exit::Done };
    Ok(shown(gate.show(&answer, judged), exit))
}

/// What the file holds, or standard input; if it cannot be read, that is told.
fn content(file: &Path) -> Result<Vec<u8>, Exit> {
    let exit = if input::is_standard(file) {
        Exit::TryAgain
    } else {
        Exit::NoInput
    };
    input::read(file).map_err(|error| {
        eprintln!("gatectl: {}: {error}", file.display());
        exit
    })
}

/// The exit code when it is settled what came of the evidence: whether somebody could be told is
/// no reason to hand it in again.
fn shown(showing: Result<(), CliError>, exit: Exit) -> Exit {
    if let Err(error) = showing {
        eprintln!("gatectl: {error}");
    }
    exit
}

/// Tells the error, and what a mail server's pipe is to do: give a mail back that is refused, and
/// try again later in any other case.
fn piped(error: &ClientError) -> Exit {
    eprintln!("gatectl: {error}");
    match error {
        ClientError::Refused {
            kind: ErrorKind::BadRequest,
            ..
        } => Exit::BadData,
        _ => Exit::TryAgain,
    }
}

fn complained(answer: &Complained, now: Timestamp) -> String {
    let mut text = String::new();
    for complaint in &answer.complaints {
        let Complaint {
            address,
            at,
            by,
            incidents,
            trap,
            fate,
        } = complaint;
        let what = if *trap { "trap hit" } else { "complaint" };
        let fate = match fate {
            Fate::Taken => "taken",
            Fate::Repeated => "known already",
            Fate::Unfit => "not taken: never listed, or too old",
        };
        let count = match incidents {
            1 => String::new(),
            many => format!(" ({many} incidents)"),
        };
        let _ = writeln!(text, "{what} of {address} at {at}{count} by {by}: {fate}");
    }
    for domain in &answer.domains {
        let _ = writeln!(text, "reported domain: {}", foreign(domain));
    }
    for network in &answer.dropped {
        let _ = writeln!(text, "dropped: it came through the forwarder {network}");
    }
    for why in &answer.refused {
        let _ = writeln!(text, "refused: {why}");
    }
    listed(&mut text, &answer.listed, now);
    text
}

fn judged(answer: &Judged, now: Timestamp) -> String {
    let mut text = format!(
        "{} taken, {} known already, {} skipped, {} refused\n",
        counted(answer.taken, "line"),
        answer.repeated,
        answer.skipped,
        answer.refused
    );
    listed(&mut text, &answer.listed, now);
    text
}

fn listed(text: &mut String, listings: &[Listing], now: Timestamp) {
    for listing in listings {
        let _ = writeln!(
            text,
            "{} is listed as {}, {}",
            listing.network,
            listing.reason.code(),
            until(listing.expires, now)
        );
    }
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::control::examples::{answer, now};

    #[test]
    fn what_came_of_a_complaint() {
        let mut answer: Complained = answer(&Method::POST, route::COMPLAINTS);
        assert_eq!(
            complained(&answer, now()),
            "complaint of 192.0.2.7 at 2026-03-04T11:58:00Z by fbl@example.net via \
             198.51.100.0/24: taken\n\
             reported domain: spam.example\n\
             dropped: it came through the forwarder 203.0.113.0/24\n\
             refused: the message has no Received header\n\
             192.0.2.7/32 is listed as directspam, until 2026-03-07T12:00:00Z (in 3d)\n"
        );
        answer.complaints[0].trap = true;
        answer.complaints[0].incidents = 3;
        answer.complaints[0].fate = Fate::Repeated;
        let text = complained(&answer, now());
        assert!(text.starts_with("trap hit of 192.0.2.7"), "{text}");
        assert!(
            text.contains("(3 incidents)") && text.contains(": known already\n"),
            "{text}"
        );
    }

    #[test]
    fn what_came_of_verdicts() {
        let answer: Judged = answer(&Method::POST, route::VERDICTS);
        assert_eq!(
            judged(&answer, now()),
            "1 line taken, 0 known already, 1 skipped, 1 refused\n"
        );
    }

    #[test]
    fn a_mail_comes_back_only_if_it_is_refused() {
        let socket = PathBuf::from("/s");
        let refused = |kind| ClientError::Refused {
            kind,
            message: "why".to_owned(),
        };
        let lost = ClientError::Lost {
            socket: socket.clone(),
            why: "x".to_owned(),
        };
        for (error, exit) in [
            (refused(ErrorKind::BadRequest), Exit::BadData),
            (refused(ErrorKind::Unavailable), Exit::TryAgain),
            (refused(ErrorKind::Internal), Exit::TryAgain),
            (ClientError::Forbidden { socket }, Exit::TryAgain),
            (lost, Exit::TryAgain),
        ] {
            assert_eq!(piped(&error), exit, "{error}");
        }
    }
}
