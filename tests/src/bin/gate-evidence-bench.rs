//! `gate-evidence-bench [SOURCES]`: what evidence costs on this machine, beside its goals. As root,
//! and in a release build, with `gated` and `gatectl` of the same build beside it.

use anyhow::{Context as _, Result};
use gate_tests::evidence::{Costs, measure};

fn main() -> Result<()> {
    let sources = std::env::args().nth(1).map_or(Ok(1_000_000), |text| {
        text.parse().context("SOURCES is a number of sources")
    })?;
    let Costs {
        drop,
        reports,
        verdicts,
        database,
        resident,
    } = measure(sources)?;
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    println!("{sources} sources on record");
    for (what, value, goal) in [
        (
            "complaint to kernel drop, median",
            format!("{drop:.1?}"),
            "50 ms or less",
        ),
        (
            "ARF reports, parsed, stored and scored",
            format!("{reports:.0}/s"),
            "5000/s or more",
        ),
        (
            "verdicts, in batches of 5000",
            format!("{verdicts:.0}/s"),
            "20000/s or more",
        ),
        ("database", mib(database), "300 MiB or less for 1000000"),
        ("gated, resident", mib(resident), "200 MiB or less"),
    ] {
        println!("{what:40}{value:>12}    goal: {goal}");
    }
    Ok(())
}
