//! `gatectl`: what an operator types in, requests to the daemon out, and its answers as text or
//! as the JSON of docs/control-api.md.
//!
//! One file a group of commands: its arguments, its requests, and how its answers read, which is
//! a pure function of the answer and the time. Errors go to stderr.

mod change;
mod check;
mod complaints;
mod confirm;
mod connections;
mod dnsbl;
mod dnsbl_lists;
mod dnsbl_override;
mod error;
mod evidence;
mod explain;
mod export;
mod feeds;
mod flood;
mod gate;
mod import;
mod input;
mod intake;
mod list;
mod lookup;
mod metrics;
mod mode;
mod name;
mod policy;
mod removal;
mod replay;
mod rollup;
mod simulate;
mod stats;
mod status;
mod table;
mod terminal;
mod tone;
mod top;
mod upkeep;
mod words;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand};

use self::{
    error::{CliError, Exit},
    gate::Gate,
};
use crate::config::Paths;

/// Ask and command the gate.
#[derive(Debug, Parser)]
#[command(
    name = "gatectl",
    version,
    after_help = "Exit codes: 0 done (check: no address is listed), 1 check, lookup, dnsbl test: an \
                  address is listed, policy test: refused, 2 error; complaint and verdict as in sysexits.h: 64 usage, 65 refused, 66 no \
                  such file, 75 try again. Times are UTC. docs/control-api.md documents what \
                  --json prints."
)]
struct Cli {
    /// The daemon's socket.
    #[arg(
        long,
        global = true,
        env = "GATE_SOCKET",
        value_name = "PATH",
        default_value_os_t = Paths::default().control_socket()
    )]
    socket: PathBuf,

    /// Print JSON, one value a line.
    #[arg(long, global = true)]
    json: bool,

    #[command(flatten)]
    color: colorchoice_clap::Color,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// How the gate stands.
    Status,
    /// All that is known of an address, who wins, and what the kernel does.
    ///
    /// Exit code 0: no listing covers any of the addresses; 1: one does, even if an allow entry
    /// lets it pass; 2: error.
    Check(check::Args),
    /// List a network.
    Block(change::BlockArgs),
    /// End the listings of a network; those of feeds stay.
    Unblock(change::UnblockArgs),
    /// Let a network pass, whatever lists it. `list --allow` shows the entries.
    Allow(change::AllowArgs),
    /// End the operator's allow entry of a network.
    Disallow(change::DisallowArgs),
    /// Listings in force, or with --allow the allow entries.
    List(list::Args),
    /// Listings and allow entries, past and present, of a network, around it and in it.
    History(list::HistoryArgs),
    /// The block list that goes by PTR names.
    #[command(subcommand)]
    Name(name::Command),
    /// Third-party DNS block lists: how they stand, what they say of an address, and what of that
    /// does not count.
    Dnsbl(dnsbl::Args),
    /// What the kernel counted.
    Stats(stats::Args),
    /// Metrics for Prometheus, as GET /metrics answers them; docs/metrics.md tells them all.
    Metrics,
    /// What the gate does, live: rates by reason, the sources with the most sampled drops,
    /// connections. Where it is no terminal, those sources once.
    Top(top::Args),
    /// The sources with the most connections to guarded ports open.
    Connections(connections::Args),
    /// Show or set the mode.
    Mode(mode::Args),
    /// Whether there is a flood, or who decides that from now on.
    Flood(flood::Args),
    /// How the feeds stand, or read one now.
    Feeds(feeds::Args),
    /// List all networks of a file, in one transaction.
    Import(import::Args),
    /// What is planned to be dropped, for other programs.
    Export(export::Args),
    /// Give the daemon a log of what was seen of sources: complaints, trap hits, verdicts, bounces.
    Evidence(evidence::Args),
    /// Complaints on record, those that came last first.
    Complaints(complaints::Args),
    /// Look at every network that may be rolled up, and list or end what is to be.
    Rollup(rollup::Args),
    /// Requests to end a listing.
    #[command(subcommand)]
    Removal(removal::Command),
    /// What a log of evidence would have listed; the book is not touched.
    Replay(replay::Args),
    /// Hand a complaint in: an ARF report, or mail with spam attached.
    ///
    /// Exit code 0: taken, now or before; 65: refused; 75: to be tried again. Fit for a Postfix
    /// alias.
    Complaint(intake::ComplaintArgs),
    /// Hand verdicts of a spam filter in, or bounces: lines of JSON.
    ///
    /// Exit codes as for `complaint`; 65 also if any line is refused.
    Verdict(intake::VerdictArgs),
    /// Ask DNS about an address now: its reverse name, and the DNSBLs; and list or end what follows.
    ///
    /// Exit code 0: nothing is listed for it; 1: something is; 2: error.
    Lookup(lookup::Args),
    /// What mail servers are told about their clients.
    #[command(subcommand)]
    Policy(policy::Command),
    /// What the policy service would have refused of what a Postfix log tells, why, and whom that
    /// would have hit.
    ///
    /// By what is known of the clients now; checks that only observe count as if they refused. Limits
    /// are held against the log's own times and connections.
    Simulate(simulate::Args),
    /// Read the configuration again.
    Reload,
    /// Take the gate off the wire: nothing is blocked any more, and gated ends.
    Detach(upkeep::DetachArgs),
    /// End every listing.
    Flush(upkeep::FlushArgs),
}

/// The command line of `gatectl`, for manual pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// `gatectl`: parses the command line, does what it says, and tells how it went.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error, std::env::args_os()),
    };
    cli.color.write_global();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let gate = Gate::new(cli.socket, cli.json, Box::new(terminal::output()));
    let done = match runtime {
        Ok(runtime) => runtime.block_on(run(&gate, cli.command)),
        Err(error) => Err(CliError::Output(error)),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("gatectl: {error}");
            Exit::Error.into()
        }
    }
}

/// Shows what is wrong with the command line, or the help that it asks for.
fn misused(error: &clap::Error, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // Nobody is there to be told if this fails.
    let _ = error.print();
    if !error.use_stderr() {
        return Exit::Done.into();
    }
    // A mail server's pipe takes the codes of sysexits.h alone.
    let piped = arguments
        .into_iter()
        .any(|argument| argument == "complaint" || argument == "verdict");
    if piped { Exit::Usage } else { Exit::Error }.into()
}

async fn run(gate: &Gate, command: Command) -> Result<Exit, CliError> {
    match command {
        Command::Status => status::run(gate).await,
        Command::Check(args) => check::run(gate, args).await,
        Command::Block(args) => change::block(gate, args).await,
        Command::Unblock(args) => change::unblock(gate, args).await,
        Command::Allow(args) => change::allow(gate, args).await,
        Command::Disallow(args) => change::disallow(gate, args).await,
        Command::List(args) => list::run(gate, args).await,
        Command::History(args) => list::history(gate, args).await,
        Command::Name(command) => name::run(gate, command).await,
        Command::Dnsbl(args) => dnsbl::run(gate, args).await,
        Command::Stats(args) => stats::run(gate, args).await,
        Command::Metrics => metrics::run(gate).await,
        Command::Top(args) => top::run(gate, args).await,
        Command::Connections(args) => connections::run(gate, args).await,
        Command::Mode(args) => mode::run(gate, args).await,
        Command::Flood(args) => flood::run(gate, args).await,
        Command::Feeds(args) => feeds::run(gate, args).await,
        Command::Import(args) => import::run(gate, args).await,
        Command::Export(args) => export::run(gate, args).await,
        Command::Evidence(args) => evidence::run(gate, args).await,
        Command::Complaints(args) => complaints::run(gate, args).await,
        Command::Rollup(args) => rollup::run(gate, args).await,
        Command::Removal(command) => removal::run(gate, command).await,
        Command::Replay(args) => replay::run(gate, args).await,
        Command::Complaint(args) => intake::complaint(gate, args).await,
        Command::Verdict(args) => intake::verdict(gate, args).await,
        Command::Lookup(args) => lookup::run(gate, args).await,
        Command::Policy(command) => policy::run(gate, command).await,
        Command::Simulate(args) => simulate::run(gate, args).await,
        Command::Reload => upkeep::reload(gate).await,
        Command::Detach(args) => upkeep::detach(gate, args).await,
        Command::Flush(args) => upkeep::flush(gate, args).await,
    }
}

#[cfg(test)]
mod tests;
