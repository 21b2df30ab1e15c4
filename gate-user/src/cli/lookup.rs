//! `lookup`: ask DNS about an address now, and what follows.

use std::{fmt::Write as _, net::IpAddr};

use hyper::Method;
use jiff::Timestamp;

use super::{
    error::{CliError, Exit},
    gate::Gate,
    list,
    table::{Align, Table},
    words::{ago, foreign},
};
use crate::control::api::{DnsFinding, LookedUp, Lookup, PtrState, route};

/// What `lookup` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The address.
    address: IpAddr,
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let request = Lookup {
        address: args.address,
    };
    let answer: LookedUp = gate
        .client
        .send(Method::POST, route::LOOKUP, &request)
        .await?;
    gate.show(&answer, render)?;
    Ok(if answer.listings.is_empty() {
        Exit::Done
    } else {
        Exit::Listed
    })
}

fn render(answer: &LookedUp, now: Timestamp) -> String {
    let mut text = format!("{}\n", answer.dns.address);
    text.push_str(&finding(&answer.dns, "  ", now));
    if answer.listings.is_empty() {
        text.push_str("  nothing follows from it\n");
    } else {
        text.push_str(&list::listings(&answer.listings));
    }
    text
}

/// What DNS said, a line each, and the lists as a table.
pub(super) fn finding(dns: &DnsFinding, indent: &'static str, now: Timestamp) -> String {
    let mut text = String::new();
    match &dns.ptr {
        None => {
            let _ = writeln!(text, "{indent}PTR: cannot be told now");
        }
        Some(ptr) => {
            let name = ptr.name.as_deref().map_or("".into(), foreign);
            let said = match (ptr.state, ptr.class) {
                (PtrState::Missing, _) => "none".to_owned(),
                (PtrState::Forged, _) => format!("{name}, which does not resolve back"),
                (PtrState::Confirmed, None) => name.into_owned(),
                (PtrState::Confirmed, Some(class)) => {
                    let why = ptr.evidence.as_deref().map_or("".into(), foreign);
                    format!("{name}: {class} ({why})")
                }
            };
            let _ = writeln!(text, "{indent}PTR: {said}, {}", ago(ptr.at, now));
        }
    }
    let mut table = Table::new([
        ("LIST", Align::Left),
        ("ANSWER", Align::Left),
        ("WEIGHT", Align::Right),
        ("AT", Align::Left),
    ])
    .indented(indent);
    for one in &dns.dnsbl {
        let mut said = if one.listed {
            let codes: Vec<_> = one.codes.iter().map(ToString::to_string).collect();
            format!("listed {}", codes.join(" "))
        } else {
            "not listed".to_owned()
        };
        if let Some(text) = &one.text {
            said = format!("{said}: {}", foreign(text));
        }
        if one.overridden {
            said.push_str(", overridden");
        }
        table.row([
            foreign(&one.list).into_owned(),
            said,
            one.weight.to_string(),
            ago(one.at, now),
        ]);
    }
    if !dns.dnsbl.is_empty() {
        text.push_str(&table.render());
    }
    text
}
