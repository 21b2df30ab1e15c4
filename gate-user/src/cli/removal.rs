//! `removal`: requests to end a listing, and the postmaster's word on them.

use std::{fmt::Write as _, net::IpAddr};

use hyper::Method;

use super::{
    error::{CliError, Exit},
    gate::Gate,
    table::{Align, Table},
    words::foreign,
};
use crate::control::api::{
    DecideRemoval, Decision, Removal, RemovalRequest, Removals, RemovalsQuery, route,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Ask that an address be no longer listed; the rules decide.
    Request(RequestArgs),
    /// Requests and what became of them, the latest first.
    List(ListArgs),
    /// One request in full.
    Show(NumberArgs),
    /// Grant a request that is queued or refused.
    Grant(NumberArgs),
    /// Deny a request that is queued.
    Deny(NumberArgs),
}

/// What `removal request` is given.
#[derive(Debug, clap::Args)]
pub(super) struct RequestArgs {
    /// The address.
    address: IpAddr,
    /// How whoever asks is reached.
    #[arg(long, value_name = "ADDRESS")]
    contact: Option<String>,
    /// What they say.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// What `removal list` is given.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only those that are granted, refused or queued.
    #[arg(long, value_parser = decision)]
    decision: Option<Decision>,
    /// At most so many; 0 for all.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: u32,
}

/// The number of a request.
#[derive(Debug, clap::Args)]
pub(super) struct NumberArgs {
    /// Its number.
    id: i64,
}

fn decision(text: &str) -> Result<Decision, String> {
    let found = Decision::ALL.into_iter().find(|is| is.as_str() == text);
    found.ok_or_else(|| "expected granted, refused or queued".to_owned())
}

pub(super) async fn run(gate: &Gate, command: Command) -> Result<Exit, CliError> {
    match command {
        Command::Request(args) => {
            let request = RemovalRequest {
                address: args.address,
                contact: args.contact,
                note: args.note,
            };
            let answer = gate.client.send(Method::POST, route::REMOVALS, &request);
            gate.show(&answer.await?, |answer, _| one(answer))?;
        }
        Command::List(args) => {
            let query = RemovalsQuery {
                id: None,
                decision: args.decision,
                limit: args.limit,
            };
            let answer: Removals = gate.client.ask(route::REMOVALS, &query).await?;
            gate.show(&answer, |answer, _| all(&answer.removals))?;
        }
        Command::Show(NumberArgs { id }) => {
            let query = RemovalsQuery {
                id: Some(id),
                ..RemovalsQuery::default()
            };
            let answer: Removals = gate.client.ask(route::REMOVALS, &query).await?;
            let Some(removal) = answer.removals.first() else {
                eprintln!("gatectl: there is no removal request {id}");
                return Ok(Exit::Error);
            };
            gate.show(removal, |answer, _| one(answer))?;
        }
        Command::Grant(NumberArgs { id }) => decide(gate, id, true).await?,
        Command::Deny(NumberArgs { id }) => decide(gate, id, false).await?,
    }
    Ok(Exit::Done)
}

async fn decide(gate: &Gate, id: i64, grant: bool) -> Result<(), CliError> {
    let request = DecideRemoval { id, grant };
    let answer = gate
        .client
        .send(Method::POST, route::DECIDE_REMOVAL, &request);
    gate.show(&answer.await?, |answer, _| one(answer))
}

fn one(removal: &Removal) -> String {
    let Removal {
        id,
        address,
        decision,
        at,
        score,
        ..
    } = removal;
    let mut text = format!("request {id}: {address}: {decision}\n");
    for line in &removal.explanation {
        let _ = writeln!(text, "  {}", foreign(line));
    }
    let _ = writeln!(text, "  {}", foreign(&removal.evidence));
    let _ = writeln!(
        text,
        "  asked {at} by {} at a score of {score}",
        foreign(&removal.asked_by)
    );
    for (what, said) in [("contact", &removal.contact), ("note", &removal.note)] {
        if let Some(said) = said {
            let _ = writeln!(text, "  {what}: {}", foreign(said));
        }
    }
    match (&removal.decided, &removal.decided_by) {
        (Some(at), Some(by)) => drop(writeln!(text, "  decided {at} by {}", foreign(by))),
        _ => text.push_str("  the postmaster decides: gatectl removal grant or deny\n"),
    }
    text
}

fn all(removals: &[Removal]) -> String {
    let mut table = Table::new([
        ("ID", Align::Right),
        ("AT", Align::Left),
        ("ADDRESS", Align::Left),
        ("DECISION", Align::Left),
        ("SCORE", Align::Right),
        ("CONTACT", Align::Left),
    ]);
    for removal in removals {
        table.row([
            removal.id.to_string(),
            removal.at.to_string(),
            removal.address.to_string(),
            removal.decision.to_string(),
            removal.score.to_string(),
            removal
                .contact
                .as_deref()
                .map_or("-".into(), foreign)
                .into_owned(),
        ]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::examples::answer;

    #[test]
    fn a_removal_tells_its_decision_and_why() {
        let removal: Removal = answer(&Method::POST, route::REMOVALS);
        let text = one(&removal);
        assert!(
            text.starts_with("request 7: 192.0.2.7: refused\n"),
            "{text}"
        );
        assert!(text.contains("the score is 18, below 25"), "{text}");
        let decided: Removal = answer(&Method::POST, route::DECIDE_REMOVAL);
        assert!(one(&decided).contains("decided 2026-03-04T12:00:00Z by uid 0"));
    }
}
