//! Connections, counted for each source: the same as the kernel's own table of sockets has.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use gate_tests::lab::{End, Gate, Held, Lab, SMTP};

const PATIENCE: Duration = Duration::from_secs(5);

/// What the gate says that sources have open.
fn counted(gate: &Gate<'_>) -> Result<BTreeMap<IpAddr, u64>> {
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

/// Waits until the gate counts what the server's table of sockets has on `port`.
fn agree(lab: &Lab, gate: &Gate<'_>, port: u16) -> Result<BTreeMap<IpAddr, u64>> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let (sockets, counted) = (lab.sockets(port)?, counted(gate)?);
        if sockets == counted {
            return Ok(counted);
        }
        ensure!(
            Instant::now() < deadline,
            "sockets: {sockets:?}\ncounted: {counted:?}"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

fn opened(gate: &Gate<'_>) -> Result<u64> {
    let status = gate.json(&["status"])?;
    status["connections"]["opened"].as_u64().context("opened")
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

/// Opens and ends `connections`, one after the other, but for up to `held` at a time.
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
        let one = Held::open(from, to(from), PATIENCE)?.context("nobody answers")?;
        open.push(one);
        if open.len() > held {
            let place = usize::try_from(next(&mut state))? % open.len();
            let how = if next(&mut state).is_multiple_of(2) {
                End::Close
            } else {
                End::Reset
            };
            open.swap_remove(place).end(how)?;
        }
    }
    Ok(open)
}

#[test]
fn counts_are_those_of_the_table_of_sockets_under_churn() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    let to = |from: IpAddr| SocketAddr::new(lab.link().server(from), SMTP);
    let mut total = 0;
    for round in 1..=3 {
        let held = lab.on_clients(|| {
            thread::scope(|scope| {
                let churns: Vec<_> = (1..=4u64)
                    .map(|seed| {
                        let seed = seed * 1000 + round;
                        scope.spawn(move || churn(to, seed, 500, 20))
                    })
                    .collect();
                let mut held = Vec::new();
                for churn in churns {
                    held.extend(churn.join().expect("it does not panic")?);
                }
                Ok(held)
            })
        })?;
        total += 2000;
        let counts = agree(&lab, &gate, SMTP)?;
        assert_eq!(counts.values().sum::<u64>(), held.len() as u64);
        assert_eq!(opened(&gate)?, total);
        for one in held {
            one.end(End::Close)?;
        }
        assert_eq!(agree(&lab, &gate, SMTP)?, BTreeMap::new());
    }
    Ok(())
}
