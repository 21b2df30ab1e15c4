//! `rollup`: a look at every network that may be rolled up.

use std::fmt::Write as _;

use hyper::Method;

use super::{
    error::{CliError, Exit},
    gate::Gate,
    table::{Align, Table},
    words::foreign,
};
use crate::control::api::{RollUp, RolledUp, RollupState, route};

/// What `rollup` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only tell what would be done.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let dry_run = args.dry_run;
    let request = RollUp { dry_run };
    let answer = gate.client.send(Method::POST, route::ROLLUP, &request);
    let answer: RolledUp = answer.await?;
    gate.show(&answer, |answer, _| render(answer, dry_run))?;
    Ok(Exit::Done)
}

fn render(answer: &RolledUp, dry_run: bool) -> String {
    let mut text = String::new();
    let would = if dry_run { "would be" } else { "is" };
    for network in &answer.entered {
        let _ = writeln!(text, "{network} {would} listed");
    }
    for network in &answer.left {
        let _ = writeln!(text, "{network} {would} listed no longer");
    }
    text.push_str(&states(&answer.networks, ""));
    if text.is_empty() {
        text.push_str("no network is rolled up, or half way to it\n");
    }
    text
}

/// How networks stand, a line each.
pub(super) fn states(states: &[RollupState], indent: &'static str) -> String {
    let mut table = Table::new([
        ("NETWORK", Align::Left),
        ("LISTED", Align::Left),
        ("RECENT", Align::Right),
        ("STATE", Align::Left),
    ])
    .indented(indent);
    for state in states {
        let needed = state
            .needed
            .map_or_else(|| "-".to_owned(), |count| count.to_string());
        let standing = match (&state.objection, state.rolled_up) {
            (Some(objection), _) => format!("not rolled up: {}", foreign(objection)),
            (None, true) => "rolled up".to_owned(),
            (None, false) => "not rolled up".to_owned(),
        };
        table.row([
            state.network.to_string(),
            format!("{} of {needed}", state.listed),
            state.recent.to_string(),
            standing,
        ]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::examples::answer;

    #[test]
    fn a_dry_run_says_would() {
        let answer: RolledUp = answer(&Method::POST, route::ROLLUP);
        assert!(render(&answer, true).starts_with("192.0.2.0/24 would be listed\n"));
        assert!(render(&answer, false).starts_with("192.0.2.0/24 is listed\n"));
    }
}
