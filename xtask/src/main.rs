//! gate's own commands: what a fresh machine needs, builds, tests, and shows.
//!
//! Runs before anything else of gate can be built, hence depends on no other crate of it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod build;
mod demo;
mod dist;
mod docs;
mod load;
mod run;
mod setup;
mod test;

/// gate's build and test commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the build lacks: a compiler and a linker for BPF programs
    Setup,
    /// Build gated and gatectl, after `setup`
    Build(build::Options),
    /// Build, load the gate into the kernel, start gated, and wait until the gate enforces
    BuildAndLoad(load::Options),
    /// Show the gate at work: who gets through and who does not, in network namespaces of its own
    Demo,
    /// Write the list of configuration keys, and make a book of the documents
    Docs,
    /// Measure what a packet and a change cost, beside nftables and ipset
    Bench(bench::Options),
    /// Make the Debian package and the tarball, in target/dist
    Dist(dist::Options),
    /// Check formats and lints, run the unit tests, and the kernel tests on this machine's kernel
    Test(test::Options),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Setup => setup::toolchain(),
        Task::Build(options) => build::build(&options),
        Task::BuildAndLoad(options) => load::build_and_load(&options),
        Task::Demo => demo::demo(),
        Task::Docs => docs::docs(),
        Task::Bench(options) => bench::bench(&options),
        Task::Dist(options) => dist::dist(&options),
        Task::Test(options) => return test::test(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
