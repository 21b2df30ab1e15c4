//! The daemon's own costs: what a small gate keeps resident, and what evidence takes.

use std::fs;

use anyhow::Result;
use gate_tests::{
    evidence::{Costs, measure},
    lab::Lab,
};

use crate::{
    lists::List,
    rows::{Goal, Row},
};

/// What `gated` keeps resident with the networks of `list`.
pub(crate) fn small_gate(list: &List) -> Result<Row> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    let file = gate.state().join("list");
    fs::write(&file, list.text())?;
    let file = file.display().to_string();
    gate.must(&["import", &file])?;
    let what = format!("gated, resident, {} networks", list.networks.len());
    Ok(Row::new(
        what,
        (mib(gate.resident()?), "MiB"),
        ("limit", 30.0),
        Goal::AtMost(1.0),
    ))
}

/// What evidence costs with so many sources on record.
pub(crate) fn rows(sources: u32) -> Result<Vec<Row>> {
    let Costs {
        drop,
        reports,
        verdicts,
        database,
        resident,
    } = measure(sources)?;
    let row = |what: &str, value, limit, goal| {
        let what = format!("{what}, {sources} sources on record");
        Row::new(what, value, ("limit", limit), goal)
    };
    let (most, least) = (Goal::AtMost(1.0), Goal::AtLeast(1.0));
    let drop = drop.as_secs_f64() * 1000.0;
    Ok(vec![
        row("complaint to kernel drop", (drop, "ms"), 50.0, most),
        row("ARF reports, one thread", (reports, "/s"), 5_000.0, least),
        row("verdicts in batches", (verdicts, "/s"), 20_000.0, least),
        row("database", (mib(database), "MiB"), 300.0, most),
        row("gated, resident", (mib(resident), "MiB"), 200.0, most),
    ])
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
