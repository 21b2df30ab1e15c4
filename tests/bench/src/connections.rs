//! Whether connections are counted exactly, however many come and go.

use anyhow::{Result, ensure};
use gate_tests::{
    churn::{NO_LIMITS, agree, counter, crowd},
    lab::{End, Lab, SMTP},
};

use crate::rows::{Goal, Row};

/// How many connections are compared with the table of sockets at a time.
const ROUND: u32 = 50_000;

/// Opens and ends `connections`; what was counted of them. Every now and then all that are open are
/// compared with the kernel's table of sockets, source by source, and must be the same.
pub(crate) fn row(connections: u32) -> Result<Row> {
    let lab = Lab::new()?;
    let gate = lab.gate().with(NO_LIMITS).start()?;
    for round in 1..=connections.div_ceil(ROUND) {
        let held = crowd(&lab, SMTP, round.into(), ROUND)?;
        agree(&lab, &gate, SMTP, held.len())?;
        for one in held {
            one.end(End::Close)?;
        }
        agree(&lab, &gate, SMTP, 0)?;
    }
    ensure!(
        !gate.log().contains("corrected"),
        "counts had to be corrected"
    );
    let made = connections.next_multiple_of(ROUND);
    Ok(Row::new(
        "connections counted, each opened and closed",
        (counter(&gate, "opened")? as f64, ""),
        ("made", made.into()),
        Goal::Same,
    ))
}
