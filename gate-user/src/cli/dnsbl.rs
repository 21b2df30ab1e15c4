//! `dnsbl`: third-party lists.

use super::{
    dnsbl_lists,
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
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    match args.command {
        None => dnsbl_lists::show(gate).await,
        Some(Command::Test(args)) => dnsbl_lists::test(gate, args).await,
    }
}
