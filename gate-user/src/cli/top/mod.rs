//! `top`: what the gate does, live on a terminal; elsewhere the sources with the most sampled
//! drops, once.
//!
//! `sample` asks the daemon, `state` keeps what it said (`rates`, and the `rows` of the views),
//! `keys` tells what a key wants, `draw` makes a picture of the state, and `screen` joins them.

mod draw;
mod keys;
mod once;
mod rates;
mod rows;
mod sample;
mod screen;
mod state;
#[cfg(test)]
mod testing;

use std::time::Duration;

use super::{
    error::{CliError, Exit},
    gate::Gate,
    terminal,
};
use crate::control::api::{TopQuery, span};

/// What `top` is given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the sources with the most sampled drops, once; so without a terminal, too.
    #[arg(long)]
    once: bool,
    /// With --once: at most so many.
    #[arg(long, value_name = "N", default_value_t = TopQuery::default().limit)]
    limit: usize,
    /// How often the live view is renewed.
    #[arg(long, value_name = "INTERVAL", default_value = "1s", value_parser = span::parse)]
    interval: Duration,
}

pub(super) async fn run(gate: &Gate, args: Args) -> Result<Exit, CliError> {
    if args.once || gate.json || !terminal::is_interactive() {
        once::run(gate, args.limit).await
    } else {
        screen::run(gate.client.clone(), args.interval).await
    }
}
