//! `complaints`: what is on record one by one.

use jiff::Timestamp;

use super::{
    error::{CliError, Exit},
    gate::Gate,
    list::since,
    table::{Align, Table},
    words::foreign,
};
use crate::{
    control::api::{ComplaintOnRecord, Complaints, ComplaintsQuery, route},
    network::Network,
};

/// What `complaints` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only those of this address or network.
    #[arg(long)]
    network: Option<Network>,
    /// Only those of mail that came at this time or later, or no longer ago than this.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// At most so many; 0 for all.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: u32,
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    let query = ComplaintsQuery {
        network: args.network,
        since: args.since,
        limit: args.limit,
    };
    let answer: Complaints = gate.client.ask(route::COMPLAINTS, &query).await?;
    gate.show(&answer, |answer, _| render(&answer.complaints))?;
    Ok(Exit::Done)
}

fn render(complaints: &[ComplaintOnRecord]) -> String {
    let mut table = Table::new([
        ("AT", Align::Left),
        ("ADDRESS", Align::Left),
        ("KIND", Align::Left),
        ("MESSAGES", Align::Right),
        ("REPORTER", Align::Left),
    ]);
    for one in complaints {
        table.row([
            one.at.to_string(),
            one.address.to_string(),
            if one.trap { "trap" } else { "complaint" }.to_owned(),
            one.incidents.to_string(),
            foreign(&one.reporter).into_owned(),
        ]);
    }
    table.render()
}
