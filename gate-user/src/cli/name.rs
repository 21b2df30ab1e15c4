//! `name`: the list beside the book that goes by PTR names.

use std::time::Duration;

use gate_common::Reason;
use hyper::Method;
use jiff::Timestamp;

use super::{
    change::reason,
    error::{CliError, Exit},
    gate::Gate,
    table::{Align, Table},
    words::{expiry, foreign, note, term, until},
};
use crate::{
    control::api::{
        AllowName, BlockName, EndName, NameCheck, NameEntry, NameHistory, NameHistoryQuery,
        NameQuery, NameSet, NameVerdict, Names, NamesEnded, PastName, route, span,
    },
    names::{Pattern, check_reason},
};

/// How many past entries are shown if no limit is given.
const LIMIT: u32 = 1000;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List sources by their PTR name.
    Block(BlockArgs),
    /// End the block entries of a pattern.
    Unblock(PatternArgs),
    /// Let sources be by their PTR name, whatever this list has of it.
    Allow(AllowArgs),
    /// End the allow entry of a pattern.
    Disallow(PatternArgs),
    /// The entries in force.
    List,
    /// What the list says of a name.
    Check(CheckArgs),
    /// Entries past and present, the latest first.
    History(HistoryArgs),
}

/// What `name block` is given.
#[derive(Debug, clap::Args)]
pub(super) struct BlockArgs {
    /// The whole name in lower or upper case: `*` stands for any characters, `?` for one.
    pattern: Pattern,
    /// How long, such as 3d; for good if not given.
    #[arg(long = "for", value_name = "DURATION", value_parser = span::parse)]
    duration: Option<Duration>,
    /// Why: dynamic, generic or manual.
    #[arg(long, value_name = "CODE", default_value = "manual", value_parser = name_reason)]
    reason: Reason,
    /// A word to whoever asks later.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Also if the pattern does not end in two literal labels.
    #[arg(long)]
    force: bool,
}

/// What `name allow` is given.
#[derive(Debug, clap::Args)]
pub(super) struct AllowArgs {
    /// The whole name in lower or upper case: `*` stands for any characters, `?` for one.
    pattern: Pattern,
    /// How long, such as 3d; for good if not given.
    #[arg(long = "for", value_name = "DURATION", value_parser = span::parse)]
    duration: Option<Duration>,
    /// A word to whoever asks later.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Also if the pattern does not end in two literal labels.
    #[arg(long)]
    force: bool,
}

/// What `name unblock` and `name disallow` are given.
#[derive(Debug, clap::Args)]
pub(super) struct PatternArgs {
    /// The pattern, exactly as it was entered.
    pattern: Pattern,
}

/// What `name check` is given.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// A PTR name.
    name: String,
}

/// What `name history` is given.
#[derive(Debug, clap::Args)]
pub(super) struct HistoryArgs {
    /// Only those of exactly this pattern.
    pattern: Option<Pattern>,
    /// At most so many, the latest; 0 for all.
    #[arg(long, value_name = "N", default_value_t = LIMIT)]
    limit: u32,
}

fn name_reason(code: &str) -> Result<Reason, String> {
    let reason = reason(code)?;
    check_reason(reason)?;
    Ok(reason)
}

pub(super) async fn run(gate: &Gate, command: Command) -> Result<Exit, CliError> {
    match command {
        Command::Block(args) => {
            let request = BlockName {
                pattern: args.pattern,
                reason: args.reason,
                duration: args.duration,
                comment: args.comment,
                force: args.force,
            };
            let answer = gate.client.send(Method::POST, route::BLOCK_NAME, &request);
            gate.show(&answer.await?, entered)?;
        }
        Command::Allow(args) => {
            let request = AllowName {
                pattern: args.pattern,
                duration: args.duration,
                comment: args.comment,
                force: args.force,
            };
            let answer = gate.client.send(Method::POST, route::ALLOW_NAME, &request);
            gate.show(&answer.await?, entered)?;
        }
        Command::Unblock(args) => end(gate, route::UNBLOCK_NAME, args.pattern).await?,
        Command::Disallow(args) => end(gate, route::DISALLOW_NAME, args.pattern).await?,
        Command::List => {
            let answer: Names = gate.client.get(route::NAMES).await?;
            gate.show(&answer, |answer, _| table(&answer.names))?;
        }
        Command::Check(CheckArgs { name }) => {
            let query = NameQuery { name };
            let answer = gate.client.ask(route::CHECK_NAME, &query).await?;
            gate.show(&answer, |answer, _| checked(answer))?;
        }
        Command::History(HistoryArgs { pattern, limit }) => {
            let query = NameHistoryQuery { pattern, limit };
            let answer: NameHistory = gate.client.ask(route::NAME_HISTORY, &query).await?;
            gate.show(&answer, |answer, _| past(&answer.entries))?;
        }
    }
    Ok(Exit::Done)
}

/// `blocked as dynamic`, or `allowed`.
fn standing(entry: &NameEntry) -> String {
    entry.reason.map_or_else(
        || "allowed".to_owned(),
        |reason| format!("blocked as {}", reason.code()),
    )
}

fn entered(answer: &NameSet, now: Timestamp) -> String {
    let entry = &answer.entry;
    let (pattern, standing) = (&entry.pattern, standing(entry));
    let until = until(entry.expires, now);
    if answer.renewed {
        format!(
            "{pattern} is {standing} since {}, now {until}\n",
            entry.since
        )
    } else {
        format!("{pattern} is {standing}, {until}\n")
    }
}

async fn end(gate: &Gate, path: &str, pattern: Pattern) -> Result<(), CliError> {
    let request = EndName { pattern };
    let answer: NamesEnded = gate.client.send(Method::POST, path, &request).await?;
    gate.show(&answer, |answer, _| {
        let lines = answer.ended.iter();
        let line = |entry| format!("{} is no longer {}\n", request.pattern, standing(entry));
        lines.map(line).collect()
    })
}

fn checked(check: &NameCheck) -> String {
    let name = foreign(&check.name);
    let verdict = match (check.verdict, check.matches.first()) {
        (NameVerdict::Block | NameVerdict::Allow, Some(entry)) => {
            format!("{} through {}", standing(entry), entry.pattern)
        }
        _ => "no entry matches".to_owned(),
    };
    format!("{name}: {verdict}\n{}", table(&check.matches))
}

fn table(entries: &[NameEntry]) -> String {
    let mut table = Table::new([
        ("PATTERN", Align::Left),
        ("REASON", Align::Left),
        ("ORIGIN", Align::Left),
        ("SINCE", Align::Left),
        ("EXPIRES", Align::Left),
        ("NOTE", Align::Left),
    ]);
    for entry in entries {
        table.row([
            entry.pattern.to_string(),
            entry.reason.map_or("allow", Reason::code).to_owned(),
            entry.origin.to_string(),
            entry.since.to_string(),
            expiry(entry.expires),
            note(entry.comment.as_deref(), None),
        ]);
    }
    table.render()
}

fn past(entries: &[PastName]) -> String {
    let mut table = Table::new([
        ("PATTERN", Align::Left),
        ("REASON", Align::Left),
        ("BY", Align::Left),
        ("SINCE", Align::Left),
        ("UNTIL", Align::Left),
        ("END", Align::Left),
        ("NOTE", Align::Left),
    ]);
    for entry in entries {
        let [by, since, until, end] = term(&entry.term);
        table.row([
            entry.pattern.to_string(),
            entry.reason.map_or("allow", Reason::code).to_owned(),
            by,
            since,
            until,
            end,
            note(entry.comment.as_deref(), None),
        ]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::examples::{answer, now};

    #[test]
    fn what_was_entered_is_told() {
        let mut answer: NameSet = answer(&Method::POST, route::BLOCK_NAME);
        assert_eq!(
            entered(&answer, now()),
            "*.dyn.example.net is blocked as dynamic, until 2026-04-03T10:00:00Z (in 29d 22h)\n"
        );
        answer.renewed = true;
        answer.entry.expires = None;
        answer.entry.reason = None;
        assert_eq!(
            entered(&answer, now()),
            "*.dyn.example.net is allowed since 2026-03-04T10:00:00Z, now for good\n"
        );
    }

    #[test]
    fn the_entry_that_decides_for_a_name_comes_first() {
        let mut check: NameCheck = answer(&Method::GET, route::CHECK_NAME);
        assert_eq!(
            checked(&check),
            "\
mail.dyn.example.net: allowed through mail.dyn.example.net
PATTERN               REASON   ORIGIN    SINCE                 EXPIRES               NOTE
mail.dyn.example.net  allow    operator  2026-03-04T11:00:00Z  never                 a customer
*.dyn.example.net     dynamic  operator  2026-03-04T10:00:00Z  2026-04-03T10:00:00Z  ticket 4711
"
        );
        check.verdict = NameVerdict::None;
        check.matches.clear();
        assert_eq!(checked(&check), "mail.dyn.example.net: no entry matches\n");
    }

    #[test]
    fn history_tells_how_each_ended() {
        let answer: NameHistory = answer(&Method::GET, route::NAME_HISTORY);
        assert_eq!(
            past(&answer.entries),
            "\
PATTERN            REASON   BY     SINCE                 UNTIL                 END               NOTE
*.dyn.example.net  dynamic  uid 0  2026-03-04T10:00:00Z  2026-04-03T10:00:00Z  in force          ticket 4711
*.dyn.example.net  generic  uid 0  2026-01-10T08:00:00Z  2026-01-11T09:30:00Z  removed by uid 0
"
        );
    }
}
