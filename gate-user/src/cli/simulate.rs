//! `simulate`: what the policy service would have refused of what a Postfix log tells.

mod log;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{self, BufRead as _},
    net::IpAddr,
    path::{Path, PathBuf},
};

use gate_common::Reason;
use hyper::Method;
use serde::Serialize;

use self::log::{Log, Seen};
use super::{
    error::{CliError, Exit},
    gate::Gate,
    input,
    table::{Align, Table},
    words::{counted, foreign},
};
use crate::{
    control::api::{
        CheckMade, CheckOutcome, MAX_STEPS, ReplayDeed, ReplayQuery, ReplayRefusal, ReplayStep,
        Replayed, Verdict, VerdictQuery, Verdicts, VerdictsQuery, route,
    },
    network::Network,
    policy::Check,
};

/// Verdicts that are asked for at a time.
const BATCH: usize = 500;

/// What `simulate` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The log, `-` for standard input: `zcat mail.log.*.gz | gatectl simulate -`.
    #[arg(value_name = "MAILLOG")]
    file: PathBuf,
    /// Senders of taken mail that are shown; 0 for all of them.
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
}

/// What would have been refused, by check and reason.
#[derive(Debug, Serialize)]
struct Why {
    check: Check,
    reason: Option<Reason>,
    clients: u64,
    /// Of the clients that are refused whoever the sender is.
    connections: u64,
    /// Refusals that the log tells of these clients anyhow.
    refused_anyhow: u64,
    messages: u64,
    recipients: u64,
}

/// Mail that was taken and would have been refused.
#[derive(Debug, Serialize)]
struct Hit {
    client_address: IpAddr,
    client_name: Option<String>,
    sender: String,
    messages: u64,
    recipients: u64,
    check: Check,
    reason: Option<Reason>,
    reply: String,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Simulated {
    lines: u64,
    clients: u64,
    connections: u64,
    messages: u64,
    authenticated: u64,
    untimed: u64,
    refused: Vec<Why>,
    hit: Vec<Hit>,
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let log = read(&args.file).map_err(|source| CliError::Read {
        path: args.file.clone(),
        source,
    })?;
    let questions = log.questions();
    let mut verdicts = Vec::with_capacity(questions.len());
    for batch in questions.chunks(BATCH) {
        let requests = batch.iter().map(|(address, sender)| {
            let name = log.clients.get(address).and_then(|seen| seen.name.clone());
            question(*address, name, *sender)
        });
        let body = VerdictsQuery {
            requests: requests.collect(),
        };
        let answer: Verdicts = gate
            .client
            .send(Method::POST, route::VERDICT, &body)
            .await?;
        verdicts.extend(answer.verdicts);
    }
    let judged = judged(&questions, &verdicts);
    let steps = log.steps(|address, sender| judged.contains(&(address, sender)));
    let over = replay(gate, &steps).await?;
    let simulated = simulate(&log, &questions, &verdicts, &steps, &over);
    gate.show(&simulated, |simulated, _| render(simulated, args.limit))?;
    Ok(Exit::Done)
}

/// Of whom nothing is left to ask: whoever is refused whatever is counted, or passes.
fn judged<'a>(
    questions: &[(IpAddr, Option<&'a str>)],
    verdicts: &[Verdict],
) -> BTreeSet<(IpAddr, Option<&'a str>)> {
    let asked = questions.iter().copied().zip(verdicts);
    let judged =
        asked.filter(|(_, verdict)| verdict.exempt.is_some() || objection(verdict).is_some());
    judged.map(|(question, _)| question).collect()
}

/// The steps that are over a limit. What is counted is of a source: its steps are sent together.
async fn replay(gate: &Gate, steps: &[ReplayStep]) -> Result<Vec<ReplayRefusal>, CliError> {
    let mut over = Vec::new();
    let mut sent = 0;
    for length in batches(steps, MAX_STEPS) {
        let body = ReplayQuery {
            steps: steps[sent..sent + length].to_vec(),
        };
        let answer: Replayed = gate
            .client
            .send(Method::POST, route::POLICY_REPLAY, &body)
            .await?;
        over.extend(answer.refused.into_iter().map(|refusal| ReplayRefusal {
            step: sent + refusal.step,
            ..refusal
        }));
        sent += length;
    }
    Ok(over)
}

/// How many steps are sent each time: whole sources, `most` at the most. A source that has more is
/// cut.
fn batches(steps: &[ReplayStep], most: usize) -> Vec<usize> {
    let mut batches: Vec<usize> = Vec::new();
    let of_source = |step: &ReplayStep| Network::source(step.client_address);
    for source in steps.chunk_by(|one, next| of_source(one) == of_source(next)) {
        for part in source.chunks(most) {
            match batches.last_mut() {
                Some(last) if *last + part.len() <= most => *last += part.len(),
                _ => batches.push(part.len()),
            }
        }
    }
    batches
}

fn read(file: &Path) -> io::Result<Log> {
    let mut input = input::open(file)?;
    let mut log = Log::default();
    let mut line = Vec::new();
    // A log may hold anything that a client has sent.
    while input.read_until(b'\n', &mut line)? > 0 {
        log.line(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(log)
}

fn question(address: IpAddr, name: Option<String>, sender: Option<&str>) -> VerdictQuery {
    VerdictQuery {
        client_address: address,
        client_port: None,
        protocol_state: sender.is_none().then(|| "CONNECT".to_owned()),
        sender: sender.map(str::to_owned),
        recipient: None,
        recipient_count: None,
        instance: None,
        reverse_client_name: name,
        sasl_username: None,
        count: false,
    }
}

/// The check that refuses, or the first that would, were it not only observing. What is counted now
/// says nothing of the past.
fn objection(verdict: &Verdict) -> Option<&CheckMade> {
    let of = |outcome| {
        let mut checks = verdict.checks.iter();
        checks.find(move |made| made.outcome == outcome && !made.check.counts())
    };
    of(CheckOutcome::Refused).or_else(|| of(CheckOutcome::Observed))
}

/// What has been found so far.
#[derive(Default)]
struct Findings<'a> {
    why: BTreeMap<(Check, Option<Reason>), Why>,
    clients: BTreeSet<(Check, Option<Reason>, IpAddr)>,
    hit: BTreeMap<(IpAddr, &'a str, Check, Option<Reason>), Hit>,
}

impl<'a> Findings<'a> {
    /// The row of this check and reason, which this client is of as well.
    fn row(&mut self, check: Check, reason: Option<Reason>, client: (IpAddr, &Seen)) -> &mut Why {
        let row = self.why.entry((check, reason)).or_insert(Why {
            check,
            reason,
            clients: 0,
            connections: 0,
            refused_anyhow: 0,
            messages: 0,
            recipients: 0,
        });
        if self.clients.insert((check, reason, client.0)) {
            row.clients += 1;
            row.refused_anyhow += client.1.refused;
        }
        row
    }

    /// Messages of that client and sender are refused.
    fn mail(
        &mut self,
        (check, reason, reply): (Check, Option<Reason>, Option<&str>),
        (address, seen): (IpAddr, &Seen),
        sender: &'a str,
        (messages, recipients): (u64, u64),
    ) {
        let row = self.row(check, reason, (address, seen));
        row.messages += messages;
        row.recipients += recipients;
        let key = (address, sender, check, reason);
        let hit = self.hit.entry(key).or_insert_with(|| Hit {
            client_address: address,
            client_name: seen.name.clone(),
            sender: sender.to_owned(),
            messages: 0,
            recipients: 0,
            check,
            reason,
            reply: reply.unwrap_or_default().to_owned(),
        });
        hit.messages += messages;
        hit.recipients += recipients;
    }
}

fn simulate(
    log: &Log,
    questions: &[(IpAddr, Option<&str>)],
    verdicts: &[Verdict],
    steps: &[ReplayStep],
    over: &[ReplayRefusal],
) -> Simulated {
    let mut findings = Findings::default();
    for ((address, sender), verdict) in questions.iter().zip(verdicts) {
        let (Some(seen), Some(objection)) = (log.clients.get(address), objection(verdict)) else {
            continue;
        };
        let (check, reason) = (objection.check, objection.reason);
        match sender {
            None => {
                let row = findings.row(check, reason, (*address, seen));
                row.connections += seen.connections;
            }
            Some(sender) => {
                let mail = seen.mail.get(*sender).copied().unwrap_or_default();
                let why = (check, reason, objection.reply.as_deref());
                findings.mail(why, (*address, seen), sender, mail);
            }
        }
    }
    for refusal in over {
        let step = steps.get(refusal.step);
        let Some((step, seen)) =
            step.and_then(|step| Some((step, log.clients.get(&step.client_address)?)))
        else {
            continue;
        };
        let client = (step.client_address, seen);
        match &step.deed {
            ReplayDeed::Message { sender, .. } => {
                let why = (refusal.check, None, Some(refusal.reply.as_str()));
                let mail = (1, u64::from(refusal.recipients));
                findings.mail(why, client, sender, mail);
            }
            ReplayDeed::Connect | ReplayDeed::Disconnect => {
                findings.row(refusal.check, None, client).connections += 1;
            }
        }
    }
    let mut hit: Vec<_> = findings.hit.into_values().collect();
    hit.sort_by_key(|hit| std::cmp::Reverse((hit.messages, hit.recipients)));
    let taken = log.clients.values().flat_map(|seen| seen.mail.values());
    Simulated {
        lines: log.lines,
        clients: log.clients.len() as u64,
        connections: log.clients.values().map(|seen| seen.connections).sum(),
        messages: taken.map(|(messages, _)| messages).sum(),
        authenticated: log.authenticated,
        untimed: log.untimed,
        refused: findings.why.into_values().collect(),
        hit,
    }
}

fn render(simulated: &Simulated, limit: usize) -> String {
    let mut text = format!(
        "{}: {}, {}, {} taken\n",
        counted(simulated.lines, "line"),
        counted(simulated.clients, "client"),
        counted(simulated.connections, "connection"),
        counted(simulated.messages, "message"),
    );
    if simulated.untimed > 0 {
        let _ = writeln!(
            text,
            "{} without a time that is understood: not held against the limits",
            counted(simulated.untimed, "line")
        );
    }
    if simulated.refused.is_empty() {
        text.push_str("nothing of it would have been refused\n");
        return text;
    }
    let code = |reason: Option<Reason>| reason.map_or("-", Reason::code).to_owned();
    let mut why = Table::new([
        ("REFUSED BY", Align::Left),
        ("REASON", Align::Left),
        ("CLIENTS", Align::Right),
        ("CONNECTIONS", Align::Right),
        ("REFUSED ANYHOW", Align::Right),
        ("TAKEN MESSAGES", Align::Right),
        ("RECIPIENTS", Align::Right),
    ]);
    for row in &simulated.refused {
        why.row([
            row.check.to_string(),
            code(row.reason),
            row.clients.to_string(),
            row.connections.to_string(),
            row.refused_anyhow.to_string(),
            row.messages.to_string(),
            row.recipients.to_string(),
        ]);
    }
    text.push_str(&why.render());
    if simulated.hit.is_empty() {
        text.push_str("no mail that was taken would have been refused\n");
        return text;
    }
    let shown = if limit == 0 { usize::MAX } else { limit };
    let mut hit = Table::new([
        ("MESSAGES", Align::Right),
        ("RECIPIENTS", Align::Right),
        ("CLIENT", Align::Left),
        ("NAME", Align::Left),
        ("SENDER", Align::Left),
        ("REFUSED BY", Align::Left),
        ("REASON", Align::Left),
    ]);
    for one in simulated.hit.iter().take(shown) {
        let sender = if one.sender.is_empty() {
            "<>"
        } else {
            &one.sender
        };
        hit.row([
            one.messages.to_string(),
            one.recipients.to_string(),
            one.client_address.to_string(),
            foreign(one.client_name.as_deref().unwrap_or("-")).into_owned(),
            foreign(sender).into_owned(),
            one.check.to_string(),
            code(one.reason),
        ]);
    }
    text.push_str("\nMail that was taken and would have been refused:\n");
    text.push_str(&hit.render());
    if let Some(more @ 1..) = simulated.hit.len().checked_sub(shown) {
        let _ = writeln!(text, "and {more} more: see --limit");
    }
    text
}

#[cfg(test)]
mod tests;
