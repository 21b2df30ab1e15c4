//! What the lab runs inside its namespaces: the greeter, and clients that connect to it. And the
//! demo, which makes a lab.

use std::{
    io::Read as _,
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use gate_tests::{
    demo,
    lab::{greeter, probe},
};

/// The helper of gate's test lab.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Show the gate at work, in a lab
    Demo,
    /// Greet SMTP clients until standard input ends
    Greet {
        /// TCP ports
        #[arg(required = true)]
        ports: Vec<u16>,
    },
    /// Connect once; say what became of it
    Connect(Connection),
    /// Connect again and again until standard input ends; say how often it came to what
    KeepConnecting(Connection),
}

#[derive(Args)]
struct Connection {
    /// Source address
    from: IpAddr,
    /// The greeter's address and port
    to: SocketAddr,
    /// Milliseconds after which an unanswered connection has timed out
    patience: u64,
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Demo => demo::demo(),
        Task::Greet { ports } => greeter::serve(&ports),
        Task::Connect(Connection { from, to, patience }) => {
            println!(
                "{}",
                probe::probe(from, to, Duration::from_millis(patience))?
            );
            Ok(())
        }
        Task::KeepConnecting(connection) => keep_connecting(&connection),
    }
}

fn keep_connecting(&Connection { from, to, patience }: &Connection) -> Result<()> {
    static STOP: AtomicBool = AtomicBool::new(false);
    thread::spawn(|| {
        // Ended or unreadable: either way nobody is there to stop this later.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        STOP.store(true, Ordering::Relaxed);
    });
    println!("ready");
    let tally = probe::keep_probing(from, to, Duration::from_millis(patience), &STOP)?;
    println!("{tally}");
    Ok(())
}
