//! Churn: many clients that open connections and end them, either way and in any order, and what the
//! gate has counted of it beside the kernel's own table of sockets.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::lab::{End, Gate, Held, Lab};

/// How long a client waits for an answer.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Counted, and nobody held to anything.
pub const NO_LIMITS: &str = "[limits]\nconnections = 0\nconnections_hard = 0\nrate = \"none\"\nsyn_rate = \"none\"\ncompare = \"1s\"";

/// What the gate says that sources have open.
///
/// # Errors
/// The gate does not answer as documented.
pub fn counted(gate: &Gate<'_>) -> Result<BTreeMap<IpAddr, u64>> {
    let said = gate.json(&["connections", "--limit", "0"])?;
    let sources = said["sources"].as_array().context("sources")?;
    let mut counts = BTreeMap::new();
    for one in sources {
        let network = one["source"].as_str().context("source")?;
        let (address, _) = network.split_once('/').context("a network")?;
        let open = one["open"].as_u64().context("open")?;
        if open > 0 {
            counts.insert(address.parse()?, open);
        }
    }
    Ok(counts)
}

/// Waits until the server has `open` connections on `port` left and the gate counts what its table
/// of sockets has: who is gone is there until the server has noticed.
///
/// # Errors
/// They do not come to agree.
pub fn agree(lab: &Lab, gate: &Gate<'_>, port: u16, open: usize) -> Result<BTreeMap<IpAddr, u64>> {
    let open = u64::try_from(open)?;
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let (sockets, counted) = (lab.sockets(port)?, counted(gate)?);
        if sockets == counted && counted.values().sum::<u64>() == open {
            return Ok(counted);
        }
        ensure!(
            Instant::now() < deadline,
            "open: {open}\nsockets: {sockets:?}\ncounted: {counted:?}"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// One of the status's counters of connections.
///
/// # Errors
/// There is none of that name.
pub fn counter(gate: &Gate<'_>, name: &str) -> Result<u64> {
    let status = gate.json(&["status"])?;
    status["connections"][name].as_u64().context("a counter")
}

/// Opens `connections` by four clients at once, from 64 IPv4 addresses and 64 IPv6 networks, and ends
/// all but 80, which are held in the end. `round` makes another sequence.
///
/// # Errors
/// A client is not answered.
///
/// # Panics
/// A client panics.
pub fn crowd(lab: &Lab, port: u16, round: u64, connections: u32) -> Result<Vec<Held>> {
    let to = |from: IpAddr| SocketAddr::new(lab.link().server(from), port);
    lab.on_clients(|| {
        thread::scope(|scope| {
            let clients: Vec<_> = (1..=4)
                .map(|client| {
                    let seed = client << 32 | round;
                    scope.spawn(move || churn(to, seed, connections / 4, 20))
                })
                .collect();
            let mut held = Vec::new();
            for client in clients {
                held.extend(client.join().expect("it does not panic")?);
            }
            Ok(held)
        })
    })
}

/// Opens `connections` from here and there, and ends them in any order and either way, but for
/// `held` that are held at a time, and in the end.
fn churn(
    to: impl Fn(IpAddr) -> SocketAddr,
    seed: u64,
    connections: u32,
    held: usize,
) -> Result<Vec<Held>> {
    let mut state = seed;
    let mut open = Vec::new();
    for _ in 0..connections {
        let from = somebody(&mut state);
        open.push(Held::open(from, to(from), PATIENCE)?.context("nobody answers")?);
        if open.len() > held {
            let place = usize::try_from(next(&mut state))? % open.len();
            let close = next(&mut state).is_multiple_of(2);
            let how = if close { End::Close } else { End::Reset };
            open.swap_remove(place).end(how)?;
        }
    }
    Ok(open)
}

/// A generator that needs no seed to be kept: the same numbers every time (Marsaglia's xorshift).
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// One of 64 IPv4 addresses, or one of 1024 addresses in 64 IPv6 networks.
fn somebody(state: &mut u64) -> IpAddr {
    let [a, b, ..] = next(state).to_le_bytes();
    if a & 0x40 == 0 {
        IpAddr::from([192, 0, 2, a & 0x3f])
    } else {
        let network = u16::from(a & 0x3f);
        IpAddr::from([0x2001, 0xdb8, 1, network, 0, 0, 0, u16::from(b & 0xf) + 1])
    }
}
