//! `simulate`: what the policy service would have refused of what a Postfix log tells.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    io::{self, BufRead as _},
    net::IpAddr,
    path::{Path, PathBuf},
};

use gate_common::Reason;
use hyper::Method;
use serde::Serialize;

use super::{
    error::{CliError, Exit},
    gate::Gate,
    input,
    table::{Align, Table},
    words::{counted, foreign},
};
use crate::{
    control::api::{
        CheckMade, CheckOutcome, Verdict, VerdictQuery, Verdicts, VerdictsQuery, route,
    },
    policy::{
        Check,
        maillog::{self, Client, Event},
    },
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

/// What a log tells of one client.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Seen {
    name: Option<String>,
    connections: u64,
    refused: u64,
    /// Messages that were taken, and their recipients, by sender.
    mail: BTreeMap<String, (u64, u64)>,
}

/// What a log tells.
#[derive(Debug, Default)]
struct Log {
    lines: u64,
    clients: BTreeMap<IpAddr, Seen>,
    /// Messages whose sender has not been told yet.
    open: HashMap<String, IpAddr>,
    /// Messages of clients that have logged in: nobody asks about them.
    authenticated: u64,
}

impl Log {
    fn line(&mut self, line: &str) {
        self.lines += 1;
        match maillog::read(line) {
            None => {}
            Some(Event::Connected(client)) => self.client(client).connections += 1,
            Some(Event::Refused(client)) => self.client(client).refused += 1,
            Some(Event::Received {
                authenticated: true,
                ..
            }) => self.authenticated += 1,
            Some(Event::Received { id, client, .. }) => {
                self.client(client);
                self.open.insert(id.to_owned(), client.address);
            }
            // A message that is tried again is told again; the first time counts.
            Some(Event::Queued {
                id,
                sender,
                recipients,
            }) => {
                if let Some(address) = self.open.remove(id) {
                    let seen = self.clients.entry(address).or_default();
                    let (messages, all) = seen.mail.entry(sender.to_owned()).or_default();
                    *messages += 1;
                    *all += u64::from(recipients);
                }
            }
            Some(Event::Removed { id }) => {
                self.open.remove(id);
            }
        }
    }

    fn client(&mut self, client: Client<'_>) -> &mut Seen {
        let seen = self.clients.entry(client.address).or_default();
        if seen.name.is_none() {
            seen.name = client.name.map(str::to_owned);
        }
        seen
    }

    /// What is to be asked: about each client, and about each of its senders.
    fn questions(&self) -> Vec<(IpAddr, Option<&str>)> {
        let mut questions = Vec::new();
        for (address, seen) in &self.clients {
            questions.push((*address, None));
            questions.extend(
                seen.mail
                    .keys()
                    .map(|sender| (*address, Some(sender.as_str()))),
            );
        }
        questions
    }
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
    let simulated = simulate(&log, &questions, &verdicts);
    gate.show(&simulated, |simulated, _| render(simulated, args.limit))?;
    Ok(Exit::Done)
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

/// The check that refuses, or the first that would, were it not only observing.
fn objection(verdict: &Verdict) -> Option<&CheckMade> {
    let of = |outcome| {
        verdict
            .checks
            .iter()
            .find(move |made| made.outcome == outcome)
    };
    of(CheckOutcome::Refused).or_else(|| of(CheckOutcome::Observed))
}

fn simulate(log: &Log, questions: &[(IpAddr, Option<&str>)], verdicts: &[Verdict]) -> Simulated {
    let mut why: BTreeMap<(Check, Option<Reason>), Why> = BTreeMap::new();
    let mut hit = Vec::new();
    let mut last = None;
    for ((address, sender), verdict) in questions.iter().zip(verdicts) {
        let (Some(seen), Some(objection)) = (log.clients.get(address), objection(verdict)) else {
            continue;
        };
        let key = (objection.check, objection.reason);
        let row = why.entry(key).or_insert(Why {
            check: key.0,
            reason: key.1,
            clients: 0,
            connections: 0,
            refused_anyhow: 0,
            messages: 0,
            recipients: 0,
        });
        // The questions about a client follow each other.
        if last != Some((*address, key)) {
            row.clients += 1;
            row.refused_anyhow += seen.refused;
            last = Some((*address, key));
        }
        match sender {
            None => row.connections += seen.connections,
            Some(sender) => {
                let (messages, recipients) = seen.mail.get(*sender).copied().unwrap_or_default();
                row.messages += messages;
                row.recipients += recipients;
                hit.push(Hit {
                    client_address: *address,
                    client_name: seen.name.clone(),
                    sender: (*sender).to_owned(),
                    messages,
                    recipients,
                    check: objection.check,
                    reason: objection.reason,
                    reply: objection.reply.clone().unwrap_or_default(),
                });
            }
        }
    }
    hit.sort_by_key(|hit| std::cmp::Reverse((hit.messages, hit.recipients)));
    let taken = log.clients.values().flat_map(|seen| seen.mail.values());
    Simulated {
        lines: log.lines,
        clients: log.clients.len() as u64,
        connections: log.clients.values().map(|seen| seen.connections).sum(),
        messages: taken.map(|(messages, _)| messages).sum(),
        authenticated: log.authenticated,
        refused: why.into_values().collect(),
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
mod tests {
    use super::*;
    use crate::control::api::PolicyAction;

    const LOG: &str = "\
Nov 22 10:00:00 mx1 postfix/smtpd[1]: connect from dsl.example[192.0.2.7]
Nov 22 10:00:00 mx1 postfix/smtpd[1]: 4A: client=dsl.example[192.0.2.7]
Nov 22 10:00:01 mx1 postfix/qmgr[2]: 4A: from=<joe@example.org>, size=9, nrcpt=2 (queue active)
Nov 22 10:00:01 mx1 postfix/qmgr[2]: 4A: from=<joe@example.org>, size=9, nrcpt=2 (queue active)
Nov 22 10:00:02 mx1 postfix/qmgr[2]: 4A: removed
Nov 22 10:00:03 mx1 postfix/smtpd[1]: connect from dsl.example[192.0.2.7]
Nov 22 10:00:03 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from dsl.example[192.0.2.7]: 550 5.1.1 x
Nov 22 10:00:04 mx1 postfix/smtpd[1]: connect from unknown[198.51.100.7]
Nov 22 10:00:04 mx1 postfix/smtpd[1]: 4B: client=unknown[198.51.100.7]
Nov 22 10:00:05 mx1 postfix/qmgr[2]: 4B: from=<a@gone.example>, size=9, nrcpt=1 (queue active)
Nov 22 10:00:06 mx1 postfix/smtpd[1]: 4C: client=unknown[198.51.100.7]
Nov 22 10:00:06 mx1 postfix/qmgr[2]: 4C: from=<>, size=9, nrcpt=1 (queue active)
Nov 22 10:00:07 mx1 postfix/smtpd[1]: 4D: client=x[203.0.113.7], sasl_username=joe
Nov 22 10:00:07 mx1 postfix/qmgr[2]: 4D: from=<own@example.net>, size=9, nrcpt=1 (queue active)
";

    fn log() -> Log {
        let mut log = Log::default();
        LOG.lines().for_each(|line| log.line(line));
        log
    }

    fn verdict(address: IpAddr, refused: Option<(Check, Option<Reason>)>) -> Verdict {
        let checks = refused.map(|(check, reason)| CheckMade {
            check,
            // One that only observes counts as if it refused.
            outcome: match check {
                Check::SenderDomain => CheckOutcome::Observed,
                _ => CheckOutcome::Refused,
            },
            found: Some("x".to_owned()),
            reason,
            reply: Some("554 5.7.1 x".to_owned()),
        });
        Verdict {
            client_address: address,
            action: match refused {
                Some(_) => PolicyAction::Refuse,
                None => PolicyAction::Dunno,
            },
            reply: refused.map(|_| "554 5.7.1 x".to_owned()),
            check: refused.map(|(check, _)| check),
            exempt: None,
            allowed: None,
            checks: checks.into_iter().collect(),
        }
    }

    #[test]
    fn what_a_log_tells() {
        let log = log();
        assert_eq!((log.lines, log.authenticated, log.open.len()), (14, 1, 0));
        let questions = log.questions();
        let asked: Vec<_> = questions.iter().map(|(_, sender)| *sender).collect();
        let expected = [
            None,
            Some("joe@example.org"),
            None,
            Some(""),
            Some("a@gone.example"),
        ];
        assert_eq!(asked, expected);
        let first = question(questions[0].0, None, questions[0].1);
        assert_eq!(first.protocol_state.as_deref(), Some("CONNECT"));
        let null = question(questions[3].0, None, questions[3].1);
        assert_eq!(
            (null.sender.as_deref(), null.protocol_state),
            (Some(""), None)
        );
    }

    #[test]
    fn what_would_have_been_refused_and_whom_that_hits() {
        let log = log();
        let questions = log.questions();
        let verdicts: Vec<_> = questions
            .iter()
            .map(|(address, sender)| match sender {
                Some("a@gone.example") => verdict(*address, Some((Check::SenderDomain, None))),
                _ if address.to_string() == "192.0.2.7" => {
                    verdict(*address, Some((Check::PtrClass, Some(Reason::Dynamic))))
                }
                _ => verdict(*address, None),
            })
            .collect();
        let simulated = simulate(&log, &questions, &verdicts);
        assert_eq!(
            render(&simulated, 1),
            "\
14 lines: 2 clients, 3 connections, 3 messages taken
REFUSED BY     REASON   CLIENTS  CONNECTIONS  REFUSED ANYHOW  TAKEN MESSAGES  RECIPIENTS
ptr_class      dynamic        1            2               1               1           2
sender_domain  -              1            0               0               1           1

Mail that was taken and would have been refused:
MESSAGES  RECIPIENTS  CLIENT     NAME         SENDER           REFUSED BY  REASON
       1           2  192.0.2.7  dsl.example  joe@example.org  ptr_class   dynamic
and 1 more: see --limit
"
        );
        let none: Vec<_> = questions
            .iter()
            .map(|(address, _)| verdict(*address, None))
            .collect();
        let text = render(&simulate(&log, &questions, &none), 0);
        assert!(
            text.ends_with("nothing of it would have been refused\n"),
            "{text}"
        );
    }
}
