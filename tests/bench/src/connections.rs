//! Whether connections are counted exactly, however many come and go.

use anyhow::{Result, ensure};
use gate_tests::{
    churn::{NO_LIMITS, agree, counter, crowd},
    lab::{End, Lab, SMTP},
    snmp,
};

use crate::rows::{Goal, Row};

/// How many connections are compared with the table of sockets at a time.
const ROUND: u32 = 50_000;

/// Opens and ends `connections`; what was counted of them, beside what the kernel says that the server
/// has taken. That may be a few fewer than the clients made: one whose last part of the handshake finds
/// the server's queue full, and who resets then, has had a connection that the server never had.
///
/// Every now and then all that are open are compared with the kernel's table of sockets, source by
/// source, and must be the same.
pub(crate) fn row(connections: u32) -> Result<Row> {
    let lab = Lab::new()?;
    let gate = lab.gate().with(NO_LIMITS).start()?;
    let taken = || lab.on_server(|| snmp::tcp("PassiveOpens"));
    let before = taken()?;
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
    let counted = counter(&gate, "opened")?;
    let taken = taken()? - before;
    ensure!(
        taken + u64::from(made) / 1000 >= u64::from(made),
        "of {made} connections the server took {taken}"
    );
    Ok(Row::new(
        format!("connections counted, of {made} opened and closed"),
        (counted as f64, ""),
        ("taken", taken as f64),
        Goal::Same,
    ))
}
