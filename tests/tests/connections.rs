//! Connections, counted for each source: the same as the kernel's own table of sockets has.

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use aya::maps::{Array, Map, MapData};
use gate_common::{ABI_VERSION, Config, names};
use gate_tests::{
    churn::{NO_LIMITS, PATIENCE, agree, counted, counter, crowd},
    lab::{End, Gate, Held, Lab, Outcome::Connected, SMTP, forged, program},
};

/// Connections from `from`, held.
fn hold(lab: &Lab, from: &str, port: u16, number: usize) -> Result<Vec<Held>> {
    let from = from.parse()?;
    let to = SocketAddr::new(lab.link().server(from), port);
    lab.on_clients(|| {
        (0..number)
            .map(|_| Held::open(from, to, PATIENCE)?.context("nobody answers"))
            .collect()
    })
}

/// How many connections a churn makes; more of them by `GATE_CHURN`.
fn churned() -> u32 {
    let more = std::env::var("GATE_CHURN").ok();
    more.and_then(|more| more.parse().ok()).unwrap_or(6000)
}

#[test]
fn counts_are_those_of_the_table_of_sockets_under_churn() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().with(NO_LIMITS).start()?;
    let each = churned() / 3;
    for round in 1..=3 {
        let held = crowd(&lab, SMTP, round, each)?;
        agree(&lab, &gate, SMTP, held.len())?;
        assert_eq!(counter(&gate, "opened")?, round * u64::from(each));
        for one in held {
            one.end(End::Close)?;
        }
        agree(&lab, &gate, SMTP, 0)?;
    }
    assert_eq!(counter(&gate, "uncounted")?, 0);
    ensure!(!gate.log().contains("corrected"), "{}", gate.log());
    Ok(())
}

/// An IPv4 socket, and one that takes both families, have other addresses for the same client.
#[test]
fn sockets_of_either_family_count() -> Result<()> {
    const PORT: u16 = 2525;
    let lab = Lab::new()?;
    let gate = lab
        .gate()
        .set("ports", vec![25, PORT])
        .with(NO_LIMITS)
        .start()?;
    let listener = lab.on_server(|| Ok(TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT))?))?;
    let plain = hold(&lab, "192.0.2.7", PORT, 2)?;
    let mapped = hold(&lab, "192.0.2.7", SMTP, 3)?;
    let v6 = hold(&lab, "2001:db8:1:2::7", SMTP, 1)?;
    let same_network = hold(&lab, "2001:db8:1:2:3::8", SMTP, 1)?;
    let counts = counted(&gate)?;
    let expected: BTreeMap<IpAddr, u64> =
        [("192.0.2.7".parse()?, 5), ("2001:db8:1:2::".parse()?, 2)].into();
    assert_eq!(counts, expected);
    // A port that nobody guards counts nothing.
    let other = hold(&lab, "192.0.2.8", gate_tests::lab::SUBMISSION, 1)?;
    assert_eq!(counted(&gate)?, expected);
    drop((plain, mapped, v6, same_network, other));
    // It has accepted nobody: those that waited go with it.
    drop(listener);
    agree(&lab, &gate, SMTP, 0)?;
    ensure!(!gate.log().contains("corrected"), "{}", gate.log());
    Ok(())
}

#[test]
fn invariant_6_a_handshake_that_is_not_completed_counts_nothing() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().with(NO_LIMITS).start()?;
    let to = SocketAddrV4::new(Ipv4Addr::new(10, 25, 0, 1), SMTP);
    // The clients' side answers a SYN-ACK that it knows nothing of with a reset, which nobody on
    // the way to a forged source would: the server does not find its way there.
    lab.blackhole("198.51.100.0/24")?;
    let sources = (0..=255).map(|host| Ipv4Addr::new(198, 51, 100, host));
    lab.on_clients(|| forged::syns(to, sources))?;
    let said = gate.json(&["connections"])?;
    assert_eq!((&said["total"], counter(&gate, "opened")?), (&0.into(), 0));
    assert_eq!(gate.json(&["stats"])?["seen"], 256);
    Ok(())
}

#[test]
fn a_server_that_is_killed_leaves_no_count_behind() -> Result<()> {
    let mut lab = Lab::new()?;
    {
        let gate = lab.gate().with(NO_LIMITS).start()?;
        let held = hold(&lab, "192.0.2.7", SMTP, 20)?;
        assert_eq!(counter(&gate, "open")?, 20);
        // The kernel goes on counting.
        drop(gate);
        std::mem::forget(held);
    }
    lab.kill_greeter();
    let gate = lab.gate().with(NO_LIMITS).start()?;
    agree(&lab, &gate, SMTP, 0)?;
    ensure!(!gate.log().contains("corrected"), "{}", gate.log());
    Ok(())
}

#[test]
fn gates_side_by_side_count_their_own() -> Result<()> {
    let (one, other) = (Lab::new()?, Lab::new()?);
    let gate_of_one = one.gate().with(NO_LIMITS).start()?;
    let gate_of_other = other.gate().with(NO_LIMITS).start()?;
    let _held = hold(&one, "192.0.2.7", SMTP, 3)?;
    let _other = hold(&other, "192.0.2.8", SMTP, 2)?;
    let alone = |source: &str, number| Ok::<_, anyhow::Error>([(source.parse()?, number)].into());
    assert_eq!(counted(&gate_of_one)?, alone("192.0.2.7", 3)?);
    assert_eq!(counted(&gate_of_other)?, alone("192.0.2.8", 2)?);
    assert_eq!(counter(&gate_of_other, "opened")?, 2);
    Ok(())
}

#[test]
fn invariant_5_counts_go_on_without_the_daemon() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().with(NO_LIMITS).start()?;
    let mut held = hold(&lab, "192.0.2.7", SMTP, 10)?;
    gate.kill()?;
    held.extend(hold(&lab, "192.0.2.8", SMTP, 5)?);
    for one in held.drain(..3) {
        one.end(End::Reset)?;
    }
    gate.start()?;
    let counts = agree(&lab, &gate, SMTP, 12)?;
    assert_eq!(
        counts,
        [("192.0.2.7".parse()?, 7), ("192.0.2.8".parse()?, 5)].into()
    );
    assert_eq!(counter(&gate, "opened")?, 15);
    ensure!(!gate.log().contains("corrected"), "{}", gate.log());
    // A program of another version, with maps of its own, begins with what is open.
    gate.kill()?;
    pretend_another_version(&gate)?;
    gate.start()?;
    assert_eq!(counted(&gate)?, counts);
    assert_eq!(counter(&gate, "opened")?, 0, "new maps");
    for one in held {
        one.end(End::Close)?;
    }
    agree(&lab, &gate, SMTP, 0)?;
    Ok(())
}

/// Makes what is pinned look as if a gate of another version had left it.
fn pretend_another_version(gate: &Gate<'_>) -> Result<()> {
    let pin = gate.pins().join("map").join(names::CONFIG);
    let map = Map::from_map_data(MapData::from_pin(pin)?)?;
    let mut map = Array::<_, [u8; size_of::<Config>()]>::try_from(map)?;
    let mut config: Config = bytemuck::pod_read_unaligned(&map.get(&0, 0)?);
    config.abi = ABI_VERSION + 1;
    Ok(map.set(0, bytemuck::cast::<_, [u8; size_of::<Config>()]>(config), 0)?)
}

#[test]
fn connections_older_than_the_gate_count_and_their_end_is_noticed() -> Result<()> {
    let lab = Lab::new()?;
    let held = hold(&lab, "192.0.2.7", SMTP, 4)?;
    let v6 = hold(&lab, "2001:db8:1:2::7", SMTP, 2)?;
    let gate = lab.gate().with(NO_LIMITS).start()?;
    let older: BTreeMap<IpAddr, u64> =
        [("192.0.2.7".parse()?, 4), ("2001:db8:1:2::".parse()?, 2)].into();
    assert_eq!(counted(&gate)?, older);
    let newer = hold(&lab, "192.0.2.7", SMTP, 1)?;
    assert_eq!(counted(&gate)?[&"192.0.2.7".parse::<IpAddr>()?], 5);
    drop((held, v6));
    // Nobody tells the gate: it finds out by comparing.
    let left = agree(&lab, &gate, SMTP, 1)?;
    assert_eq!(left, [("192.0.2.7".parse()?, 1)].into());
    drop(newer);
    agree(&lab, &gate, SMTP, 0)?;
    Ok(())
}

#[test]
fn a_detached_gate_counts_no_more() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().with(NO_LIMITS).start()?;
    let link = gate.pins().join("link").join(names::CONNS);
    let programs = gate.pins().join("prog").join(names::CONNS);
    ensure!(link.exists() && programs.exists());
    gate.must(&["detach", "--yes"])?;
    gate.wait()?;
    ensure!(!gate.pins().exists(), "something is still pinned");
    let _held = hold(&lab, "192.0.2.7", SMTP, 2)?;
    gate.start()?;
    assert_eq!(counter(&gate, "opened")?, 0);
    assert_eq!(counter(&gate, "open")?, 2, "it is in the table of sockets");
    Ok(())
}

/// A `gated` without the right to mount a cgroup file system, in a namespace where none is mounted.
fn without_a_cgroup(lab: &Lab) -> Result<PathBuf> {
    let gated = program("gated")?;
    let script = format!(
        "#!/bin/sh\nexec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin {} \"$@\"\n",
        gated.display()
    );
    let script = lab.file("gated-without", &script)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(script)
}

#[test]
fn without_a_cgroup_the_table_of_sockets_serves() -> Result<()> {
    let lab = Lab::new()?;
    let script = without_a_cgroup(&lab)?;
    let limits = "[limits]\nconnections_hard = 3\nconnections = 2\n";
    let gate = lab.gate().program(&script).with(limits).start()?;
    let status = gate.json(&["status"])?;
    assert_eq!(status["connections"]["counted_by"], "sockets", "{status}");
    let warning = status["warnings"][0].as_str().context("a warning")?;
    ensure!(warning.contains("no cgroup v2"), "{warning}");

    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    let held = hold(&lab, "192.0.2.7", SMTP, 3)?;
    let counts = agree(&lab, &gate, SMTP, 3)?;
    assert_eq!(counts, [("192.0.2.7".parse()?, 3)].into());
    let fourth = lab.from("192.0.2.7").patience(Duration::from_millis(800));
    assert_eq!(fourth.connect()?, gate_tests::lab::Outcome::TimedOut);
    drop(held);
    agree(&lab, &gate, SMTP, 0)?;
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    Ok(())
}

/// Without the programs, who has been connected for long has opened nothing for the daemon's start.
#[test]
fn a_restart_without_a_cgroup_opens_no_connection() -> Result<()> {
    let lab = Lab::new()?;
    let script = without_a_cgroup(&lab)?;
    let limits = "[limits]\nrate = \"5/10m\"\nconnections = 0\nconnections_hard = 0\n";
    let held = hold(&lab, "192.0.2.7", SMTP, 5)?;
    let mut gate = lab.gate().program(&script).with(limits).start()?;
    for _ in 0..2 {
        agree(&lab, &gate, SMTP, held.len())?;
        assert_eq!(lab.connect("192.0.2.7")?, Connected);
        gate.stop()?;
        gate.start()?;
    }
    Ok(())
}
