//! `connections`: the sources with the most connections open.

use jiff::Timestamp;

use super::{
    error::{CliError, Exit},
    gate::Gate,
    table::{Align, Table},
    words::counted,
};
use crate::{
    control::api::{Connections, ConnectionsQuery, CountedBy, route},
    network::Network,
};

/// What `connections` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only sources in this network.
    #[arg(long, value_name = "NETWORK")]
    within: Option<Network>,
    /// At most so many; 0: all.
    #[arg(long, value_name = "N", default_value_t = ConnectionsQuery::default().limit)]
    limit: usize,
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let query = ConnectionsQuery {
        within: args.within,
        limit: args.limit,
    };
    let connections: Connections = gate.client.ask(route::CONNECTIONS, &query).await?;
    gate.show(&connections, render)?;
    Ok(Exit::Done)
}

fn render(connections: &Connections, _now: Timestamp) -> String {
    let mut table = Table::new([
        ("SOURCE", Align::Left),
        ("OPEN", Align::Right),
        ("OPENED", Align::Right),
    ]);
    for one in &connections.sources {
        table.row([
            one.source.to_string(),
            one.open.to_string(),
            one.opened.to_string(),
        ]);
    }
    let by = match connections.counted_by {
        CountedBy::Kernel => "counted by the kernel",
        CountedBy::Sockets => "counted in the kernel's table of sockets, from time to time",
    };
    let total = counted(connections.total as u64, "source");
    format!("{total}, {by}\n{}", table.render())
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::control::examples::{answer, now};

    #[test]
    fn sources_are_a_table() {
        let connections: Connections = answer(&Method::GET, route::CONNECTIONS);
        assert_eq!(
            render(&connections, now()),
            "\
2 sources, counted by the kernel
SOURCE             OPEN  OPENED
192.0.2.7/32         12      31
2001:db8:1:2::/64     0       1
"
        );
    }
}
