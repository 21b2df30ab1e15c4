//! `dnsbl override` and `dnsbl overrides`: what the operator lets not count of what DNSBLs say.

use std::time::Duration;

use hyper::Method;
use jiff::Timestamp;

use super::{
    error::{CliError, Exit},
    gate::Gate,
    table::{Align, Table},
    words::{expiry, note, term, until},
};
use crate::{
    config::ListName,
    control::api::{
        EndOverride, Override, OverrideHistory, OverrideHistoryQuery, OverrideSet, Overrides,
        OverridesEnded, PastOverride, SetOverride, route, span,
    },
    network::Network,
};

/// How many past overrides are shown if no limit is given.
const LIMIT: u32 = 1000;

/// What `dnsbl override` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An address, or a network such as 192.0.2.0/24.
    network: Network,
    /// Only what this list says, by its public name; every list if not given.
    #[arg(long, value_name = "NAME")]
    list: Option<ListName>,
    /// How long, such as 30d; for good if not given.
    #[arg(long = "for", value_name = "DURATION", value_parser = span::parse)]
    duration: Option<Duration>,
    /// A word to whoever asks later.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Also if the network is wider than /8 (IPv6: /16).
    #[arg(long)]
    force: bool,
    /// End the overrides of exactly this network instead: that of the list, or all.
    #[arg(long, conflicts_with_all = ["duration", "comment", "force"])]
    end: bool,
}

/// What `dnsbl overrides` is given.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Also those that have ended, the latest first.
    #[arg(long)]
    history: bool,
    /// Only those of exactly this network (with --history).
    #[arg(long, value_name = "NETWORK", requires = "history")]
    network: Option<Network>,
    /// At most so many, the latest; 0 for all (with --history).
    #[arg(long, value_name = "N", default_value_t = LIMIT, requires = "history")]
    limit: u32,
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let Args { network, list, .. } = args;
    if args.end {
        let request = EndOverride { network, list };
        let answer = gate
            .client
            .send(Method::POST, route::END_OVERRIDE, &request);
        gate.show(&answer.await?, |answer, _| ended(answer))?;
    } else {
        let request = SetOverride {
            network,
            list,
            duration: args.duration,
            comment: args.comment,
            force: args.force,
        };
        let answer = gate.client.send(Method::POST, route::OVERRIDES, &request);
        gate.show(&answer.await?, entered)?;
    }
    Ok(Exit::Done)
}

pub(super) async fn list(gate: &Gate, args: ListArgs) -> Result<Exit, CliError> {
    let ListArgs { network, limit, .. } = args;
    if args.history {
        let query = OverrideHistoryQuery { network, limit };
        let answer: OverrideHistory = gate.client.ask(route::OVERRIDE_HISTORY, &query).await?;
        gate.show(&answer, |answer, _| past(&answer.entries))?;
    } else {
        let answer: Overrides = gate.client.get(route::OVERRIDES).await?;
        gate.show(&answer, |answer, _| in_force(&answer.overrides))?;
    }
    Ok(Exit::Done)
}

/// `what One says of 192.0.2.0/24`.
fn what(list: Option<&ListName>, network: Network) -> String {
    let list = list.map_or("any list", ListName::as_str);
    format!("what {list} says of {network}")
}

fn entered(answer: &OverrideSet, now: Timestamp) -> String {
    let entry = &answer.entry;
    let what = what(entry.list.as_ref(), entry.network);
    let until = until(entry.expires, now);
    if answer.renewed {
        let since = entry.since;
        format!("{what} does not count since {since}, now {until}\n")
    } else {
        format!("{what} does not count, {until}\n")
    }
}

fn ended(answer: &OverridesEnded) -> String {
    let ended = answer.ended.iter();
    let line = |entry: &Override| {
        let what = what(entry.list.as_ref(), entry.network);
        format!("{what} counts again\n")
    };
    ended.map(line).collect()
}

/// How an override stands below the answer of `check`: in one line, without its end.
pub(super) fn line(entry: &Override, now: Timestamp) -> String {
    let what = what(entry.list.as_ref(), entry.network);
    let until = until(entry.expires, now);
    let note = note(entry.comment.as_deref(), None);
    let note = if note.is_empty() {
        note
    } else {
        format!(": {note}")
    };
    format!("override: {what} does not count, {until}{note}")
}

fn list_of(list: Option<&ListName>) -> String {
    list.map_or("all", ListName::as_str).to_owned()
}

fn in_force(overrides: &[Override]) -> String {
    let mut table = Table::new([
        ("NETWORK", Align::Left),
        ("LIST", Align::Left),
        ("ORIGIN", Align::Left),
        ("SINCE", Align::Left),
        ("EXPIRES", Align::Left),
        ("NOTE", Align::Left),
    ]);
    for entry in overrides {
        table.row([
            entry.network.to_string(),
            list_of(entry.list.as_ref()),
            entry.origin.to_string(),
            entry.since.to_string(),
            expiry(entry.expires),
            note(entry.comment.as_deref(), None),
        ]);
    }
    table.render()
}

fn past(entries: &[PastOverride]) -> String {
    let mut table = Table::new([
        ("NETWORK", Align::Left),
        ("LIST", Align::Left),
        ("BY", Align::Left),
        ("SINCE", Align::Left),
        ("UNTIL", Align::Left),
        ("END", Align::Left),
        ("NOTE", Align::Left),
    ]);
    for entry in entries {
        let [by, since, until, end] = term(&entry.term);
        table.row([
            entry.network.to_string(),
            list_of(entry.list.as_ref()),
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
    fn an_override_tells_what_it_does_and_until_when() {
        let mut answer: OverrideSet = answer(&Method::POST, route::OVERRIDES);
        assert_eq!(
            entered(&answer, now()),
            "what bl.example says of 192.0.2.0/24 does not count, \
             until 2026-04-03T10:00:00Z (in 29d 22h)\n"
        );
        assert_eq!(
            line(&answer.entry, now()),
            "override: what bl.example says of 192.0.2.0/24 does not count, \
             until 2026-04-03T10:00:00Z (in 29d 22h): a partner"
        );
        answer.renewed = true;
        answer.entry.list = None;
        answer.entry.expires = None;
        answer.entry.comment = None;
        assert_eq!(
            entered(&answer, now()),
            "what any list says of 192.0.2.0/24 does not count since 2026-03-04T10:00:00Z, now for \
             good\n"
        );
        assert_eq!(
            line(&answer.entry, now()),
            "override: what any list says of 192.0.2.0/24 does not count, for good"
        );
    }

    #[test]
    fn what_ends_is_told() {
        let answer: OverridesEnded = answer(&Method::POST, route::END_OVERRIDE);
        assert_eq!(
            ended(&answer),
            "what bl.example says of 192.0.2.0/24 counts again\n"
        );
    }

    #[test]
    fn overrides_are_a_table() {
        let answer: Overrides = answer(&Method::GET, route::OVERRIDES);
        assert_eq!(
            in_force(&answer.overrides),
            "\
NETWORK        LIST        ORIGIN    SINCE                 EXPIRES               NOTE
192.0.2.0/24   bl.example  operator  2026-03-04T10:00:00Z  2026-04-03T10:00:00Z  a partner
2001:db8::/32  all         operator  2026-03-01T06:00:00Z  never
"
        );
    }

    #[test]
    fn history_tells_how_each_ended() {
        let answer: OverrideHistory = answer(&Method::GET, route::OVERRIDE_HISTORY);
        assert_eq!(
            past(&answer.entries),
            "\
NETWORK       LIST        BY     SINCE                 UNTIL                 END               NOTE
192.0.2.0/24  bl.example  uid 0  2026-03-04T10:00:00Z  2026-04-03T10:00:00Z  in force          a partner
192.0.2.0/24  all         uid 0  2026-01-10T08:00:00Z  2026-01-11T09:30:00Z  expired by gated
"
        );
    }
}
