//! `dnsbl`: third-party lists.

use super::{
    dnsbl_lists, dnsbl_override,
    error::{CliError, Exit},
    gate::Gate,
};

/// What `dnsbl` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// What each list says of an address now, those on hold too; nothing is listed for it.
    ///
    /// Exit code 0: they do not list it; 1: they do; 2: error.
    Test(dnsbl_lists::TestArgs),
    /// Let what lists say of a network not count; with --end, count again.
    Override(dnsbl_override::Args),
    /// The overrides in force.
    Overrides(dnsbl_override::ListArgs),
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    match args.command {
        None => dnsbl_lists::show(gate).await,
        Some(Command::Test(args)) => dnsbl_lists::test(gate, args).await,
        Some(Command::Override(args)) => dnsbl_override::run(gate, args).await,
        Some(Command::Overrides(args)) => dnsbl_override::list(gate, args).await,
    }
}
