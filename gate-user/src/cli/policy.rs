//! `policy`: what mail servers are told about their clients.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    error::{CliError, Exit},
    gate::Gate,
    table::{Align, Table},
    tone::Tone,
    words::foreign,
};
use crate::{
    control::api::{
        CheckMade, CheckOutcome, Exempt, PolicyAction, PolicyState, Verdict, VerdictQuery, route,
    },
    policy::Check,
};

/// What `policy` is asked.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// What was told since the daemon started.
    Status,
    /// What a mail server would be told about a client, and the checks that this went through.
    ///
    /// Nothing is counted or logged. Exit code 0: the client passes; 1: it is refused.
    Test(TestArgs),
}

/// What `policy test` is given.
#[derive(Debug, clap::Args)]
pub(super) struct TestArgs {
    /// Attributes as a mail server sends them: `client_address=192.0.2.7 sender=joe@example.org`.
    ///
    /// Known are `client_address`, `client_port`, `protocol_state`, `sender`, `recipient`,
    /// `recipient_count`, `instance`, `reverse_client_name` and `sasl_username`.
    #[arg(required = true, value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<(String, String)>,
}

fn attribute(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=');
    let (name, value) = pair.ok_or("expected an attribute such as sender=joe@example.org")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) async fn run(gate: &Gate, command: Command) -> Result<Exit, CliError> {
    match command {
        Command::Status => {
            let state: PolicyState = gate.client.get(route::POLICY).await?;
            gate.show(&state, status)?;
            Ok(Exit::Done)
        }
        Command::Test(args) => {
            let query = query(args.attributes)?;
            let verdict: Verdict = gate.client.ask(route::VERDICT, &query).await?;
            gate.show(&verdict, |verdict, _| render(verdict))?;
            Ok(match verdict.action {
                PolicyAction::Dunno => Exit::Done,
                PolicyAction::Refuse => Exit::Listed,
            })
        }
    }
}

/// The attributes as a query.
fn query(attributes: Vec<(String, String)>) -> Result<VerdictQuery, CliError> {
    let mut object = Map::new();
    for (name, value) in attributes {
        let value = match name.as_str() {
            "client_port" | "recipient_count" => value
                .parse::<u32>()
                .map_or(Value::String(value), |number| Value::Number(number.into())),
            // Whether it counts is not the mail server's to say.
            "count" => return Err(CliError::Attributes("count: unknown attribute".to_owned())),
            _ => Value::String(value),
        };
        if object.insert(name.clone(), value).is_some() {
            let message = format!("{name} is there twice: expected it once");
            return Err(CliError::Attributes(message));
        }
    }
    serde_json::from_value(Value::Object(object))
        .map_err(|error| CliError::Attributes(error.to_string()))
}

fn render(verdict: &Verdict) -> String {
    let mut text = format!("{}: {}\n", verdict.client_address, sentence(verdict));
    let mut checks = Table::new([
        ("CHECK", Align::Left),
        ("OUTCOME", Align::Left),
        ("FOUND", Align::Left),
    ])
    .indented("  ");
    for made in &verdict.checks {
        checks.row(row(made));
    }
    text.push_str(&checks.render());
    text
}

fn sentence(verdict: &Verdict) -> String {
    if let Some(reply) = &verdict.reply {
        return format!("{}: {}", Tone::Care.paint("refuse"), foreign(reply));
    }
    let why = match (verdict.exempt, verdict.allowed) {
        (Some(Exempt::Allowed), Some(network)) => format!("allowed through {network}"),
        (Some(Exempt::Allowed), None) => "allowed".to_owned(),
        (Some(Exempt::Authenticated), _) => "it has logged in".to_owned(),
        (Some(Exempt::Off), _) => "the gate is off".to_owned(),
        (None, _) => "no check objects".to_owned(),
    };
    format!("dunno: {why}")
}

fn row(made: &CheckMade) -> [String; 3] {
    let outcome = match made.outcome {
        CheckOutcome::Off => "off",
        CheckOutcome::NotMade => "not made",
        CheckOutcome::Clear => "clear",
        CheckOutcome::UnderWay => "under way",
        CheckOutcome::Observed => "observed",
        CheckOutcome::Refused => "refused",
    };
    let mut found = made.found.clone().unwrap_or_default();
    if let (CheckOutcome::Observed, Some(reply)) = (made.outcome, &made.reply) {
        let _ = write!(found, "; would be: {reply}");
    }
    [
        made.check.name().to_owned(),
        outcome.to_owned(),
        foreign(&found).into_owned(),
    ]
}

fn status(state: &PolicyState, _: Timestamp) -> String {
    let mut facts = Table::new([("", Align::Left), ("", Align::Left)]);
    let mut fact = |name: &str, value: String| facts.row([name.to_owned(), value]);
    fact("requests", state.requests.to_string());
    fact("refused", by_check(&state.refused));
    fact("observed", by_check(&state.observed));
    fact("closed without an answer", state.broken.to_string());
    fact("turned away", state.turned_away.to_string());
    facts.render()
}

fn by_check(counts: &BTreeMap<Check, u64>) -> String {
    let sum: u64 = counts.values().sum();
    if sum == 0 {
        return "none".to_owned();
    }
    let parts = counts.iter().filter(|(_, count)| **count > 0);
    let parts: Vec<_> = parts
        .map(|(check, count)| format!("{check} {count}"))
        .collect();
    format!("{sum}: {}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::{
        cli::tone::plain,
        control::examples::{answer, now},
    };

    fn given(line: &str) -> Result<VerdictQuery, String> {
        let attributes = line.split(' ').map(|text| attribute(text).unwrap());
        query(attributes.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_asked() {
        let query = given(
            "client_address=192.0.2.7 sender=a=b@example.org client_port=9 recipient_count=2 protocol_state=DATA",
        );
        let query = query.unwrap();
        assert_eq!(query.sender.as_deref(), Some("a=b@example.org"));
        assert_eq!(
            (query.client_port, query.recipient_count),
            (Some(9), Some(2))
        );
        assert!(!query.count);
        for (line, expected) in [
            ("sender=a@example.org", "missing field `client_address`"),
            ("client_address=x", "invalid IP address"),
            (
                "client_address=::1 helo=x",
                "unknown field `helo`, expected one of `client_address`",
            ),
            ("client_address=::1 client_port=x", "invalid type"),
            (
                "client_address=::1 sender=a sender=b",
                "sender is there twice",
            ),
            ("client_address=::1 count=true", "count: unknown attribute"),
        ] {
            let error = given(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
        assert!(attribute("192.0.2.7").is_err());
    }

    #[test]
    fn a_refusal_and_how_it_came_about() {
        let verdict: Verdict = answer(&Method::GET, route::VERDICT);
        assert_eq!(
            plain(&render(&verdict)),
            "\
192.0.2.7: refuse: 554 5.7.1 - ERROR: Connection refused. IP name lookup failed for <192.0.2.7>
  CHECK        OUTCOME   FOUND
  listed       observed  listed as feed through 192.0.2.0/24; would be: 554 5.7.1 - ERROR: Mail Refused - <192.0.2.7> - See https://www.example.org/refused#feed - 20260201
  reverse_dns  refused   no PTR
"
        );
    }

    #[test]
    fn who_passes() {
        let mut verdict: Verdict = answer(&Method::GET, route::VERDICT);
        verdict.reply = None;
        verdict.checks.clear();
        for (exempt, allowed, expected) in [
            (None, None, "no check objects"),
            (Some(Exempt::Authenticated), None, "it has logged in"),
            (Some(Exempt::Off), None, "the gate is off"),
            (
                Some(Exempt::Allowed),
                Some("192.0.2.0/30".parse().unwrap()),
                "allowed through 192.0.2.0/30",
            ),
        ] {
            verdict.exempt = exempt;
            verdict.allowed = allowed;
            assert_eq!(render(&verdict), format!("192.0.2.7: dunno: {expected}\n"));
        }
    }

    #[test]
    fn what_was_told() {
        assert_eq!(
            status(&answer(&Method::GET, route::POLICY), now()),
            "\
requests                  120000
refused                   1958: listed 1900, null_sender 58
observed                  3: sender_domain 3
closed without an answer  2
turned away               0
"
        );
    }
}
