//! `dnsbl` and `dnsbl test`: how the DNS block lists stand, and what they say of an address.

use std::{fmt::Write as _, net::IpAddr};

use super::{
    error::{CliError, Exit},
    gate::Gate,
    table::{Align, Table},
    tone::Tone,
    words::foreign,
};
use crate::control::api::{CheckQuery, DnsblHealth, DnsblList, DnsblLists, DnsblTest, route};

/// What `dnsbl test` is given.
#[derive(Debug, clap::Args)]
pub(super) struct TestArgs {
    /// The address.
    address: IpAddr,
}

pub(super) async fn show(gate: &Gate) -> Result<Exit, CliError> {
    let answer: DnsblLists = gate.client.get(route::DNSBL).await?;
    gate.show(&answer, |answer, _| render(&answer.lists))?;
    Ok(Exit::Done)
}

pub(super) async fn test(gate: &Gate, args: TestArgs) -> Result<Exit, CliError> {
    let query = CheckQuery {
        address: args.address,
    };
    let answer: DnsblTest = gate.client.ask(route::DNSBL_TEST, &query).await?;
    gate.show(&answer, |answer, _| tested(answer))?;
    Ok(if answer.listed {
        Exit::Listed
    } else {
        Exit::Done
    })
}

fn render(lists: &[DnsblList]) -> String {
    if lists.is_empty() {
        return "no DNSBL is configured\n".to_owned();
    }
    let mut table = Table::new([
        ("NAME", Align::Left),
        ("WEIGHT", Align::Right),
        ("HEALTH", Align::Left),
        ("A MINUTE", Align::Right),
        ("ANSWERED", Align::Right),
        ("LISTED", Align::Right),
        ("FAILED", Align::Right),
        ("NOT ASKED", Align::Right),
        ("LATEST", Align::Right),
        ("CACHE", Align::Right),
        ("LATENCY", Align::Right),
    ]);
    for list in lists {
        let (tone, health) = match list.health {
            DnsblHealth::Untested => (Tone::Care, "untested"),
            DnsblHealth::InService => (Tone::Good, "in service"),
            DnsblHealth::OnHold => (Tone::Bad, "on hold"),
        };
        let trusted = if list.trusted { " trusted" } else { "" };
        table.row([
            list.name.clone(),
            format!("{}{trusted}", list.weight),
            tone.paint(health),
            list.per_minute.to_string(),
            list.answered.to_string(),
            list.listed.to_string(),
            list.failed.to_string(),
            list.not_asked.to_string(),
            share(list.latest_listed, list.latest_sources),
            share(list.cached, list.questions),
            list.latency_us.map_or("-".to_owned(), latency),
        ]);
    }
    let mut text = table.render();
    for list in lists {
        let DnsblList {
            name, next_test, ..
        } = list;
        match (&list.why, list.since, &list.failed_test) {
            (Some(why), Some(since), _) => {
                let why = foreign(why);
                let _ = writeln!(
                    text,
                    "{name}: on hold since {since}: it {why}; the next test is at {next_test}"
                );
            }
            (_, _, Some(failed)) => {
                let failed = foreign(failed);
                let _ = writeln!(
                    text,
                    "{name}: failed its last test: it {failed}; the next is at {next_test}"
                );
            }
            _ => {}
        }
    }
    text
}

fn tested(answer: &DnsblTest) -> String {
    let DnsblTest {
        address,
        sum,
        threshold,
        ..
    } = answer;
    if answer.lists.is_empty() {
        return format!("{address}: no DNSBL is asked about such addresses\n");
    }
    let mut table = Table::new([
        ("NAME", Align::Left),
        ("COUNTS", Align::Right),
        ("CODES", Align::Left),
        ("SAYS", Align::Left),
    ]);
    for list in &answer.lists {
        let codes: Vec<_> = list.codes.iter().map(ToString::to_string).collect();
        let counts = if list.counts {
            list.weight.to_string()
        } else {
            "-".to_owned()
        };
        let filtered = || match (list.counts, list.codes.is_empty()) {
            (true, _) => "listed",
            (false, true) => "not listed",
            (false, false) => "listed, with codes that its filter leaves out",
        };
        let says = match (&list.problem, &list.text) {
            (Some(problem), _) => foreign(problem).into_owned(),
            (None, Some(text)) => format!("{}: {}", filtered(), foreign(text)),
            (None, None) => filtered().to_owned(),
        };
        let codes = if codes.is_empty() {
            "-".to_owned()
        } else {
            codes.join(" ")
        };
        table.row([list.name.clone(), counts, codes, says]);
    }
    let outcome = if answer.listed {
        "listed"
    } else if sum >= threshold {
        "not listed: it takes two zones, or one that is trusted"
    } else {
        "not listed"
    };
    format!(
        "{}{address}: {outcome}: weight {sum}, threshold {threshold}\n",
        table.render()
    )
}

/// `83 %`, rounded down; `-` of nothing.
fn share(part: u64, whole: u64) -> String {
    let percent = part.saturating_mul(100).checked_div(whole);
    percent.map_or("-".to_owned(), |percent| format!("{percent} %"))
}

/// `12.3 ms`.
fn latency(micros: u64) -> String {
    format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::{cli::tone::plain, control::examples::answer};

    #[test]
    fn lists_are_a_table_and_what_is_wrong_follows() {
        let mut answer: DnsblLists = answer(&Method::GET, route::DNSBL);
        assert_eq!(
            plain(&render(&answer.lists)),
            "\
NAME            WEIGHT  HEALTH      A MINUTE  ANSWERED  LISTED  FAILED  NOT ASKED  LATEST  CACHE  LATENCY
zen.example  2 trusted  in service       180     45120   31022      12          3    67 %   41 %  12.3 ms
bl.example           1  on hold            0       210       4       0          0       -    3 %   8.0 ms
bl.example: on hold since 2026-03-04T11:50:00Z: it does not answer us (127.255.255.254: asked through an open resolver); the next test is at 2026-03-04T12:10:00Z
"
        );
        answer.lists.truncate(1);
        answer.lists[0].failed_test = Some("does not answer: no answer in time".to_owned());
        let text = plain(&render(&answer.lists));
        let expected = "zen.example: failed its last test: it does not answer: no answer in time; \
                        the next is at 2026-03-04T12:30:00Z\n";
        assert!(text.ends_with(expected), "{text}");
        assert_eq!(render(&[]), "no DNSBL is configured\n");
    }

    #[test]
    fn an_address_is_told_list_by_list() {
        let mut answer: DnsblTest = answer(&Method::GET, route::DNSBL_TEST);
        assert_eq!(
            tested(&answer),
            "\
NAME         COUNTS  CODES                 SAYS
zen.example       2  127.0.0.2 127.0.0.10  listed: sent spam: https://zen.example/?ip=192.0.2.7
bl.example        -  -                     on hold: does not answer us (127.255.255.254: asked through an open resolver)
192.0.2.7: listed: weight 2, threshold 2
"
        );
        answer.listed = false;
        let text = tested(&answer);
        assert!(
            text.ends_with(
                "not listed: it takes two zones, or one that is trusted: weight 2, threshold 2\n"
            ),
            "{text}"
        );
        answer.lists[0].counts = false;
        answer.lists[0].text = None;
        assert!(tested(&answer).contains("listed, with codes that its filter leaves out"));
        answer.lists.clear();
        assert!(tested(&answer).contains("no DNSBL is asked about such addresses"));
    }
}
