//! `flood`: calm or flood, or who decides from now on.

use hyper::Method;
use jiff::Timestamp;

use super::{
    error::{CliError, Exit},
    gate::Gate,
    table::{Align, Table},
    tone::Tone,
    words::{ago, span},
};
use crate::{
    config::FloodMode,
    control::api::{Flood, SetFlood, route},
    flood::Cause,
};

/// What `flood` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// on: there is a flood; off: there is none; auto: as the rates tell. It outlives the daemon.
    #[arg(value_name = "MODE", value_parser = mode)]
    mode: Option<FloodMode>,
}

fn mode(name: &str) -> Result<FloodMode, String> {
    FloodMode::ALL
        .into_iter()
        .find(|mode| mode.as_str() == name)
        .ok_or_else(|| {
            format!(
                "expected {}",
                FloodMode::ALL.map(FloodMode::as_str).join(", ")
            )
        })
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let flood: Flood = match args.mode {
        None => gate.client.get(route::FLOOD).await?,
        Some(mode) => {
            let request = SetFlood { mode };
            let answer = gate.client.send(Method::PUT, route::FLOOD, &request);
            answer.await?
        }
    };
    gate.show(&flood, render)?;
    Ok(Exit::Done)
}

fn render(flood: &Flood, now: Timestamp) -> String {
    let mut facts = Table::new([("", Align::Left), ("", Align::Left)]);
    let mut fact = |name: &str, value: String| facts.row([name.to_owned(), value]);
    fact("state", state(flood, now));
    let mode = flood.mode.as_str();
    fact(
        "mode",
        if flood.mode == flood.configured {
            mode.to_owned()
        } else {
            format!(
                "{mode} (the configuration says {})",
                flood.configured.as_str()
            )
        },
    );
    fact(
        "SYNs",
        format!(
            "{} a second; a flood begins at {} for {}, and ends below {} for {}",
            flood.syns,
            flood.enter_syns,
            span(flood.enter_after),
            flood.leave_syns,
            span(flood.leave_after)
        ),
    );
    let overflows = flood.overflows.map_or_else(
        || "not told by the kernel".to_owned(),
        |rate| format!("{rate} a second"),
    );
    fact(
        "overflows",
        match flood.enter_overflows {
            0 => format!("{overflows}; they begin no flood"),
            enter => format!(
                "{overflows}; a flood begins at {enter}, with {} SYNs",
                flood.leave_syns
            ),
        },
    );
    let reasons: Vec<_> = flood.dropped.iter().map(|reason| reason.code()).collect();
    if !reasons.is_empty() {
        let name = if flood.in_flood {
            "dropped now"
        } else {
            "would drop"
        };
        fact(name, reasons.join(", "));
    }
    facts.render()
}

/// `calm since 2026-03-04T11:57:00Z (3m ago)`.
pub(super) fn state(flood: &Flood, now: Timestamp) -> String {
    let since = format!("since {} ({})", flood.since, ago(flood.since, now));
    format!("{} {since}", tone(flood).paint(name(flood)))
}

/// `calm`, or which flood.
pub(super) fn name(flood: &Flood) -> &'static str {
    match flood.cause {
        None => "calm",
        Some(Cause::Syns) => "flood of SYNs",
        Some(Cause::Overflows) => "flood that the mail server does not keep up with",
        Some(Cause::Forced) => "flood by the operator's word",
    }
}

/// How it stands.
pub(super) fn tone(flood: &Flood) -> Tone {
    if flood.in_flood {
        Tone::Bad
    } else {
        Tone::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::tone::plain,
        control::examples::{answer, now},
    };

    #[test]
    fn a_flood_is_told_with_what_it_is_measured_by() {
        assert_eq!(
            plain(&render(&answer(&Method::GET, route::FLOOD), now())),
            "\
state        flood of SYNs since 2026-03-04T11:57:00Z (3m ago)
mode         auto
SYNs         5210 a second; a flood begins at 1000 for 10s, and ends below 250 for 1m
overflows    3 a second; a flood begins at 10, with 250 SYNs
dropped now  dynamic, generic, nordns, forged
"
        );
    }

    #[test]
    fn a_word_other_than_the_configured_one_is_told() {
        let mut flood: Flood = answer(&Method::PUT, route::FLOOD);
        flood.overflows = None;
        flood.enter_overflows = 0;
        assert_eq!(
            plain(&render(&flood, now())),
            "\
state       calm since 2026-03-04T12:00:00Z (0s ago)
mode        off (the configuration says auto)
SYNs        5210 a second; a flood begins at 1000 for 10s, and ends below 250 for 1m
overflows   not told by the kernel; they begin no flood
would drop  dynamic, generic, nordns, forged
"
        );
    }

    #[test]
    fn every_cause_reads() {
        let mut flood: Flood = answer(&Method::GET, route::FLOOD);
        for (cause, expected) in [
            (None, "calm since "),
            (Some(Cause::Syns), "flood of SYNs since "),
            (
                Some(Cause::Overflows),
                "flood that the mail server does not keep up with since ",
            ),
            (Some(Cause::Forced), "flood by the operator's word since "),
        ] {
            flood.cause = cause;
            let text = plain(&state(&flood, now()));
            assert!(text.starts_with(expected), "{text}");
        }
    }
}
