//! The sources with the most sampled drops, as a table.

use jiff::Timestamp;

use super::super::{
    error::{CliError, Exit},
    gate::Gate,
    table::{Align, Table},
    words::ago,
};
use crate::control::api::{Top, TopQuery, route};

/// Why there are none.
pub(super) const NOT_SAMPLED: &str = "drops are not sampled: `sample` is 0 in the configuration";

/// Shows at most `limit` of them.
pub(super) async fn run(gate: &Gate, limit: usize) -> Result<Exit, CliError> {
    let query = TopQuery { limit };
    let top: Top = gate.client.ask(route::TOP, &query).await?;
    gate.show(&top, render)?;
    Ok(Exit::Done)
}

fn render(top: &Top, now: Timestamp) -> String {
    if top.sample == 0 {
        return format!("{NOT_SAMPLED}\n");
    }
    let mut table = Table::new([
        ("ADDRESS", Align::Left),
        ("DROPS", Align::Right),
        ("REASON", Align::Left),
        ("LAST", Align::Left),
    ]);
    for source in &top.sources {
        let about = if top.sample == 1 { "" } else { "~" };
        table.row([
            source.address.to_string(),
            format!("{about}{}", source.drops),
            source.reason.code().to_owned(),
            ago(source.last, now),
        ]);
    }
    format!(
        "since {} ({}), from one drop of {}\n{}",
        top.since,
        ago(top.since, now),
        top.sample,
        table.render()
    )
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::control::examples::{answer, now};

    #[test]
    fn sources_are_a_table() {
        let mut top: Top = answer(&Method::GET, route::TOP);
        assert_eq!(
            render(&top, now()),
            "\
since 2026-03-04T06:00:00Z (6h ago), from one drop of 100
ADDRESS    DROPS  REASON  LAST
192.0.2.7  ~5300  manual  1m 59s ago
"
        );
        top.sample = 0;
        assert_eq!(
            render(&top, now()),
            "drops are not sampled: `sample` is 0 in the configuration\n"
        );
    }
}
