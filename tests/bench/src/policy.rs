//! What a decision of the policy service costs, beside postfwd's.

use std::time::Duration;

use anyhow::Result;
use gate_tests::{
    mail_servers::{Served, ask},
    policy::{Asked, gate, postfwd},
};

use crate::rows::{Goal, Row};

/// Requests on each of 100 connections, for each round of the benchmark.
const REQUESTS: u32 = 300;
/// postfwd is asked less: it takes longer.
const OF_POSTFWD: u32 = 20;

/// Mail servers' processes that ask at once, and for how long.
const PROCESSES: u32 = 500;
const TIME: Duration = Duration::from_mins(1);

/// Whether each request of many processes is answered.
pub(crate) fn crowd() -> Result<Row> {
    let Served { asked, answered } = ask(PROCESSES, TIME)?;
    Ok(Row::new(
        format!("requests answered, {PROCESSES} processes, one minute"),
        (answered as f64, ""),
        ("asked", asked as f64),
        Goal::Same,
    ))
}

/// Decisions on one core, against the goal and against postfwd, and how long one takes.
pub(crate) fn rows(rounds: usize) -> Result<Vec<Row>> {
    let rounds = rounds as u32;
    let Asked { per_core, p99 } = gate(rounds * REQUESTS)?;
    let other = postfwd(rounds * OF_POSTFWD)?;
    let decisions = "policy decisions, one core, 100 connections";
    Ok(vec![
        Row::new(
            decisions,
            (per_core, "/s"),
            ("limit", 50_000.0),
            Goal::AtLeast(1.0),
        ),
        Row::new(
            decisions,
            (per_core, "/s"),
            ("postfwd", other.per_core),
            Goal::AtLeast(20.0),
        ),
        Row::new(
            "99 of 100 policy decisions",
            (p99.as_secs_f64() * 1000.0, "ms"),
            ("limit", 2.0),
            Goal::AtMost(1.0),
        ),
    ])
}
