//! `check --explain`: how it came that an address is listed, or is not.

use std::fmt::Write as _;

use gate_common::Reason;
use jiff::Timestamp;

use super::{
    list, lookup, rollup,
    table::{Align, Table},
    words::{ago, counted, foreign},
};
use crate::control::api::{Age, Explanation, Traffic};

pub(super) fn render(answer: &Explanation, now: Timestamp) -> String {
    let mut text = score(answer);
    section(
        &mut text,
        "evidence",
        &evidence(answer, now),
        "none on record",
    );
    let dns = answer.dns.as_ref();
    let dns = dns.map(|dns| lookup::finding(dns, "    ", now));
    section(&mut text, "dns", &dns.unwrap_or_default(), "not on record");
    section(&mut text, "traffic", &traffic(answer.traffic), "none");
    let history = indented(&list::past(&answer.history));
    section(&mut text, "listings", &history, "never listed");
    let rollups = rollup::states(&answer.rollup, "    ");
    section(&mut text, "rollup", &rollups, "not of a source");
    let mut ways = String::new();
    for way in &answer.way_out {
        let (network, reason, why) = (way.network, way.reason.code(), foreign(&way.why));
        let decision = way.decision;
        let _ = writeln!(
            ways,
            "    {network} {reason}: a request would be {decision}: {why}"
        );
    }
    section(&mut text, "way out", &ways, "nothing lists it");
    text
}

/// What mail servers told of it.
fn traffic(traffic: Traffic) -> String {
    let Traffic {
        connections,
        messages,
        recipients,
        refused,
    } = traffic;
    if connections + messages + recipients + refused == 0 {
        return String::new();
    }
    format!(
        "    {}, {} and {} let through, {} refused within a week\n",
        counted(connections, "connection"),
        counted(messages, "message"),
        counted(recipients, "recipient"),
        counted(refused, "request"),
    )
}

fn section(text: &mut String, title: &str, lines: &str, none: &str) {
    if lines.is_empty() {
        let _ = writeln!(text, "  {title}: {none}");
    } else {
        let _ = writeln!(text, "  {title}:");
        text.push_str(lines);
    }
}

fn indented(lines: &str) -> String {
    lines
        .lines()
        .fold(String::new(), |text, line| text + "    " + line + "\n")
}

fn score(answer: &Explanation) -> String {
    let reason = answer.reason.map(Reason::code);
    let verdict = reason.map_or_else(
        || format!("it lists from below {} on", answer.minimum),
        |reason| format!("below {}: {reason}", answer.minimum),
    );
    let mut text = format!(
        "  score of {}: {}, {verdict}\n",
        answer.source, answer.score
    );
    let mut table = Table::new([
        ("PART", Align::Left),
        ("WEIGHT", Align::Right),
        ("POINTS", Align::Right),
        ("DETAIL", Align::Left),
    ])
    .indented("    ");
    for component in &answer.components {
        table.row([
            component.part.as_str().to_owned(),
            component.weight.to_string(),
            component.points.to_string(),
            foreign(&component.detail).into_owned(),
        ]);
    }
    text.push_str(&table.render());
    text
}

fn evidence(answer: &Explanation, now: Timestamp) -> String {
    let mut table = Table::new([
        ("KIND", Align::Left),
        ("AGE", Align::Left),
        ("MESSAGES", Align::Right),
        ("LAST", Align::Left),
    ])
    .indented("    ");
    for one in &answer.evidence {
        let age = match one.age {
            Age::Day => "a day",
            Age::Week => "a week",
            Age::Older => "older",
        };
        table.row([
            one.kind.as_str().to_owned(),
            age.to_owned(),
            one.count.to_string(),
            ago(one.last, now),
        ]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::control::{
        api::route,
        examples::{answer, now},
    };

    #[test]
    fn an_explanation_tells_score_evidence_and_way_out() {
        let mut explanation: Explanation = answer(&Method::GET, route::EXPLAIN);
        let text = render(&explanation, now());
        for part in [
            "score of 192.0.2.7/32: 18, below 25: directspam",
            "2 reports by 2 reporters",
            "complaint  a day",
            "12 connections, 9 messages and 40 recipients let through, 3 requests refused",
            "192.0.2.0/24  2 of 4",
            "a request would be refused: the score is 18",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        explanation.evidence.clear();
        explanation.way_out.clear();
        let text = render(&explanation, now());
        assert!(text.contains("way out: nothing lists it"), "{text}");
    }
}
