//! `check`: all that is known of an address, who wins, and what the kernel does.

use std::{fmt::Write as _, net::IpAddr};

use gate_common::Mode;
use jiff::Timestamp;

use super::{
    dnsbl_override,
    error::{CliError, Exit},
    explain,
    gate::Gate,
    table::{Align, Table},
    tone::Tone,
    words::{expiry, maybe, note, until},
};
use crate::{
    control::api::{
        Check, CheckQuery, Explanation, KernelVerdict, Match, MatchKind, ModeState, route,
    },
    plan::{Enforcement, Verdict},
};

/// What `check` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The addresses.
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<IpAddr>,
    /// Also how it came about: score, evidence, listings past and present, and the way out.
    #[arg(long)]
    explain: bool,
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let mut exit = Exit::Done;
    for address in args.addresses {
        let query = CheckQuery { address };
        let check: Check = if args.explain {
            let explanation: Explanation = gate.client.ask(route::EXPLAIN, &query).await?;
            gate.show(&explanation, |answer, now| {
                render(&answer.check, now) + &explain::render(answer, now)
            })?;
            explanation.check
        } else {
            let check = gate.client.ask(route::CHECK, &query).await?;
            gate.show(&check, render)?;
            check
        };
        if check.listed {
            exit = Exit::Listed;
        }
    }
    if !gate.json && exit == Exit::Listed {
        let ModeState { mode, .. } = gate.client.get(route::MODE).await?;
        if mode != Mode::Enforce {
            eprintln!("note: in mode {} nothing is dropped", mode.as_str());
        }
    }
    Ok(exit)
}

fn render(check: &Check, now: Timestamp) -> String {
    let mut text = format!("{}: {}\n", check.address, sentence(check, now));
    let _ = writeln!(text, "  kernel: {}", kernel(check));
    let mut matches = Table::new([
        ("KIND", Align::Left),
        ("NETWORK", Align::Left),
        ("REASON", Align::Left),
        ("ACTION", Align::Left),
        ("ORIGIN", Align::Left),
        ("SINCE", Align::Left),
        ("EXPIRES", Align::Left),
        ("NOTE", Align::Left),
    ])
    .indented("  ");
    for found in &check.matches {
        matches.row(row(found));
    }
    text.push_str(&matches.render());
    for entry in &check.overrides {
        let _ = writeln!(text, "  {}", dnsbl_override::line(entry, now));
    }
    text
}

/// The verdict and why.
fn sentence(check: &Check, now: Timestamp) -> String {
    let listed = match (check.network, check.reason, &check.origin) {
        (Some(network), Some(reason), Some(origin)) => format!(
            "listed as {} through {network} by {origin}, {}",
            reason.code(),
            until(check.expires, now)
        ),
        _ => "not listed".to_owned(),
    };
    if !check.allowed {
        return match check.verdict {
            Verdict::Pass if check.listed => {
                format!("{}, {listed}, which is observed only", word(check.verdict))
            }
            verdict => format!("{}, {listed}", word(verdict)),
        };
    }
    let shelter = check.matches.first().map(|first| match first.kind {
        MatchKind::Own => format!("never blocked ({})", first.network),
        _ => format!("allowed through {}", first.network),
    });
    let shelter = shelter.unwrap_or_else(|| "allowed".to_owned());
    let pass = word(Verdict::Pass);
    if check.listed {
        format!("{pass}, {shelter} although {listed}")
    } else {
        format!("{pass}, {shelter}")
    }
}

/// A verdict in its colour.
fn word(verdict: Verdict) -> String {
    Tone::from(verdict).paint(verdict.as_str())
}

/// What the kernel does, and whether that is what the plan says.
fn kernel(check: &Check) -> String {
    let Some(kernel) = &check.kernel else {
        return "the gate is not on the wire".to_owned();
    };
    let mut text = match kernel.verdict {
        KernelVerdict::Pass => word(Verdict::Pass),
        KernelVerdict::Drop => word(Verdict::Drop),
    };
    if let Some(network) = kernel.network {
        let _ = write!(text, " through {network}");
    }
    if let Some(reason) = kernel.reason {
        let _ = write!(text, " ({})", reason.code());
    }
    if (kernel.verdict == KernelVerdict::Drop) != (check.verdict == Verdict::Drop) {
        text.push_str(", which is not what the plan says: see gatectl status");
    }
    text
}

fn row(found: &Match) -> [String; 8] {
    let nothing = || "-".to_owned();
    let kind = match found.kind {
        MatchKind::Listing => "listing",
        MatchKind::Allow => "allow",
        MatchKind::Own => "own",
    };
    [
        kind.to_owned(),
        found.network.to_string(),
        found
            .reason
            .map_or_else(nothing, |reason| reason.code().to_owned()),
        found
            .enforcement
            .map_or("pass", Enforcement::as_str)
            .to_owned(),
        found
            .origin
            .as_ref()
            .map_or_else(nothing, ToString::to_string),
        maybe(found.since),
        expiry(found.expires),
        note(found.comment.as_deref(), found.evidence.as_deref()),
    ]
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::{
        cli::tone::plain,
        control::examples::{answer, now},
    };

    fn documented() -> Check {
        answer(&Method::GET, route::CHECK)
    }

    #[test]
    fn a_listed_address() {
        assert_eq!(
            plain(&render(&documented(), now())),
            "\
192.0.2.7: drop, listed as manual through 192.0.2.0/24 by operator, until 2026-03-07T10:00:00Z (in 2d 22h)
  kernel: drop through 192.0.2.0/24 (manual)
  KIND     NETWORK       REASON  ACTION  ORIGIN     SINCE                 EXPIRES               NOTE
  listing  192.0.2.0/24  manual  drop    operator   2026-03-04T10:00:00Z  2026-03-07T10:00:00Z  ticket 4711
  listing  192.0.2.0/23  feed    drop    feed:drop  2026-02-01T00:00:00Z  never                 SBL256894
  override: what bl.example says of 192.0.2.0/24 does not count, until 2026-04-03T10:00:00Z (in 29d 22h): a partner
"
        );
    }

    #[test]
    fn an_address_that_nothing_lists() {
        let clean = Check {
            address: "2001:db8::1".parse().unwrap(),
            listed: false,
            verdict: Verdict::Pass,
            network: None,
            reason: None,
            origin: None,
            since: None,
            expires: None,
            comment: None,
            allowed: false,
            kernel: None,
            matches: Vec::new(),
            overrides: Vec::new(),
        };
        assert_eq!(
            plain(&render(&clean, now())),
            "2001:db8::1: pass, not listed\n  kernel: the gate is not on the wire\n"
        );
    }

    #[test]
    fn who_wins_is_told() {
        let listed = "listed as manual through 192.0.2.0/24 by operator, for good";
        let with = |verdict, shelter: Option<MatchKind>| {
            let mut check = documented();
            check.expires = None;
            check.verdict = verdict;
            check.allowed = shelter.is_some();
            if let Some(kind) = shelter {
                let mut first = check.matches[0].clone();
                first.kind = kind;
                first.network = "192.0.2.7/32".parse().unwrap();
                check.matches.insert(0, first);
            }
            plain(&sentence(&check, now()))
        };
        for (verdict, shelter, expected) in [
            (Verdict::Drop, None, format!("drop, {listed}")),
            (Verdict::Reject, None, format!("reject, {listed}")),
            (
                Verdict::Pass,
                None,
                format!("pass, {listed}, which is observed only"),
            ),
            (
                Verdict::Pass,
                Some(MatchKind::Allow),
                format!("pass, allowed through 192.0.2.7/32 although {listed}"),
            ),
            (
                Verdict::Pass,
                Some(MatchKind::Own),
                format!("pass, never blocked (192.0.2.7/32) although {listed}"),
            ),
        ] {
            assert_eq!(with(verdict, shelter), expected);
        }
    }

    #[test]
    fn a_kernel_that_disagrees_with_the_plan_is_told() {
        let mut check = documented();
        check.verdict = Verdict::Pass;
        assert_eq!(
            plain(&kernel(&check)),
            "drop through 192.0.2.0/24 (manual), which is not what the plan says: see gatectl status"
        );
        check.verdict = Verdict::Reject;
        let answer = check.kernel.as_mut().unwrap();
        (answer.verdict, answer.network, answer.reason) = (KernelVerdict::Pass, None, None);
        assert_eq!(kernel(&check), Tone::Good.paint("pass"));
    }
}
