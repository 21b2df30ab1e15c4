//! Limits on connections and SYNs, and courtesy, on the wire.

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use gate_tests::lab::{
    Gate, Held, Lab, Outcome,
    Outcome::{Connected, TimedOut},
    SMTP, forged,
};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(5);

/// Opens and holds as many connections from `from` as are let in, of `number`.
fn hold(lab: &Lab, from: &str, number: usize) -> Result<Vec<Held>> {
    let from = from.parse()?;
    let to = SocketAddr::new(lab.link().server(from), SMTP);
    lab.on_clients(|| {
        (0..number)
            .map(|_| Held::open(from, to, PATIENCE)?.context("nobody answers"))
            .collect()
    })
}

/// Tries once from `from`: the first SYN decides.
fn once(lab: &Lab, from: &str) -> Result<Outcome> {
    let patience = Duration::from_millis(700);
    lab.from(from).patience(patience).connect()
}

/// Waits until `from` connects.
fn reopens(lab: &Lab, from: &str) -> Result<Duration> {
    let begun = Instant::now();
    while once(lab, from)? != Connected {
        ensure!(
            begun.elapsed() < Duration::from_secs(30),
            "{from} stays out"
        );
    }
    Ok(begun.elapsed())
}

fn limited(gate: &Gate<'_>, limit: &str) -> Result<u64> {
    let stats = gate.json(&["stats"])?;
    stats["limited"][limit].as_u64().context("a counter")
}

/// The listing of `network`, waited for.
fn listing(gate: &Gate<'_>, network: &str) -> Result<Value> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let said = gate.json(&["list", "--contains", network])?;
        if said["total"] == 1 {
            return Ok(said["listings"][0].clone());
        }
        ensure!(Instant::now() < deadline, "{network} is not listed");
        thread::sleep(Duration::from_millis(50));
    }
}

/// How many seconds a listing lasts.
fn lasts(listing: &Value) -> Result<i64> {
    let time = |key: &str| -> Result<jiff::Timestamp> {
        Ok(listing[key].as_str().context("a time")?.parse()?)
    };
    Ok(time("expires")?.as_second() - time("since")?.as_second())
}

#[test]
fn with_too_many_connections_open_syns_are_dropped_until_one_closes() -> Result<()> {
    let lab = Lab::new()?;
    let limits = "[limits]\nconnections = 2\nconnections_hard = 3\nrate = \"none\"";
    let gate = lab.gate().with(limits).start()?;
    for who in ["192.0.2.7", "2001:db8:1:2::7"] {
        let mut held = hold(&lab, who, 3)?;
        assert_eq!(once(&lab, who)?, TimedOut, "{who}");
        assert_eq!(once(&lab, "198.51.100.7")?, Connected, "somebody else");
        drop(held.pop());
        reopens(&lab, who)?;
    }
    // Another address of the /64 is the same source, another /64 is not.
    let _held = hold(&lab, "2001:db8:1:2::8", 3)?;
    assert_eq!(once(&lab, "2001:db8:1:2:ffff::9")?, TimedOut);
    assert_eq!(once(&lab, "2001:db8:1:3::9")?, Connected);
    assert!(limited(&gate, "connections_hard")? >= 3);
    assert_eq!(gate.json(&["list"])?["total"], 0);
    Ok(())
}

#[test]
fn after_too_many_connections_in_a_window_syns_are_dropped_until_it_ends() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().with("[limits]\nrate = \"3/10s\"").start()?;
    let begun = Instant::now();
    for _ in 0..3 {
        assert_eq!(once(&lab, "192.0.2.7")?, Connected);
    }
    assert_eq!(once(&lab, "192.0.2.7")?, TimedOut);
    assert_eq!(once(&lab, "192.0.2.8")?, Connected);
    reopens(&lab, "192.0.2.7")?;
    ensure!(begun.elapsed() >= Duration::from_secs(10), "too early");
    assert!(limited(&gate, "rate")? >= 1);
    Ok(())
}

#[test]
fn a_network_may_have_other_limits_and_a_reload_changes_them() -> Result<()> {
    let lab = Lab::new()?;
    let limits = "[limits]\nconnections = 1\nconnections_hard = 2\nrate = \"none\"\n\
                  [[limits.network]]\nnetwork = \"192.0.2.0/24\"\nconnections_hard = 4\n\
                  [[limits.network]]\nnetwork = \"2001:db8::/32\"\n";
    let gate = lab.gate().with(limits).start()?;
    let _held = hold(&lab, "192.0.2.7", 4)?;
    assert_eq!(once(&lab, "192.0.2.7")?, TimedOut, "its own limit");
    let _six = hold(&lab, "2001:db8:1:2::7", 6)?;
    assert_eq!(once(&lab, "2001:db8:1:2::7")?, Connected, "no limit");
    let _two = hold(&lab, "198.51.100.7", 2)?;
    assert_eq!(once(&lab, "198.51.100.7")?, TimedOut, "everybody's");

    gate.edit("connections_hard = 4", "connections_hard = 5")?;
    gate.edit("2001:db8::/32", "198.51.100.0/24")?;
    gate.must(&["reload"])?;
    assert_eq!(once(&lab, "192.0.2.7")?, Connected);
    assert_eq!(once(&lab, "198.51.100.7")?, Connected);
    assert_eq!(once(&lab, "2001:db8:1:2::7")?, TimedOut, "as everybody now");
    Ok(())
}

#[test]
fn a_score_gives_other_limits() -> Result<()> {
    let lab = Lab::new()?;
    // A source that nothing is known of has 50 points: bad under 51, good from 50 on.
    let limits = "[limits]\nconnections = 1\nconnections_hard = 4\nrate = \"none\"\n\
                  bad = { score = 51, connections = 1, connections_hard = 2, rate = \"none\" }\n\
                  [[limits.network]]\nnetwork = \"203.0.113.0/24\"\nconnections_hard = 3\n";
    let gate = lab.gate().with(limits).start()?;
    for who in ["192.0.2.7", "2001:db8:1:2::7"] {
        // Two are let in whenever the look at the score comes.
        let _held = hold(&lab, who, 2)?;
        let deadline = Instant::now() + Duration::from_secs(30);
        while once(&lab, who)? != TimedOut {
            ensure!(Instant::now() < deadline, "{who} is held to no other limit");
            thread::sleep(Duration::from_millis(100));
        }
    }
    let held = hold(&lab, "203.0.113.7", 3)?;
    assert_eq!(once(&lab, "203.0.113.7")?, TimedOut, "its network's");
    drop(held);

    gate.edit("score = 51", "score = 0")?;
    gate.must(&["reload"])?;
    for _ in 0..2 {
        assert_eq!(lab.connect("192.0.2.8")?, Connected);
        thread::sleep(Duration::from_millis(1100));
    }
    let _four = hold(&lab, "192.0.2.7", 4)?;
    assert_eq!(once(&lab, "192.0.2.7")?, TimedOut, "everybody's");
    Ok(())
}

#[test]
fn invariant_1_who_is_allowed_is_held_to_no_limit() -> Result<()> {
    let lab = Lab::new()?;
    let limits = "[limits]\nconnections = 1\nconnections_hard = 1\nsyn_rate = \"1/1h\"";
    let gate = lab.gate().with(limits).start()?;
    gate.allow("192.0.2.0/24")?;
    let _held = hold(&lab, "192.0.2.7", 5)?;
    assert_eq!(once(&lab, "192.0.2.7")?, Connected);
    let _one = hold(&lab, "198.51.100.7", 1)?;
    assert_eq!(once(&lab, "198.51.100.7")?, TimedOut);
    gate.allow("198.51.100.7")?;
    assert_eq!(once(&lab, "198.51.100.7")?, Connected);
    assert_eq!(gate.json(&["list"])?["total"], 0);
    Ok(())
}

#[test]
fn mode_monitor_counts_what_it_would_drop() -> Result<()> {
    let lab = Lab::new()?;
    let limits = "[limits]\nconnections = 1\nconnections_hard = 1";
    let gate = lab.gate().set("mode", "monitor").with(limits).start()?;
    let _held = hold(&lab, "192.0.2.7", 3)?;
    let stats = gate.json(&["stats"])?;
    assert_eq!(stats["would_limit"]["connections_hard"], 2);
    assert_eq!(stats["limited"]["connections_hard"], 0);
    Ok(())
}

#[test]
fn who_reaches_a_limit_again_and_again_is_listed_each_time_for_longer() -> Result<()> {
    let lab = Lab::new()?;
    let limits = "[limits]\nconnections_hard = 2\nconnections = 1\nrate = \"none\"\n\
                  repeat = \"3/1m\"\nlist_for = \"4s\"\nlongest = \"10s\"";
    let gate = lab.gate().with(limits).start()?;
    let reach = |who: &str| -> Result<()> {
        for _ in 0..3 {
            drop(hold(&lab, who, 2)?);
            // Reports are a second apart at least.
            thread::sleep(Duration::from_millis(1100));
        }
        Ok(())
    };
    for (round, seconds) in [(1, 4), (2, 8), (3, 10)] {
        for _ in 0..2 {
            drop(hold(&lab, "192.0.2.7", 2)?);
            thread::sleep(Duration::from_millis(1100));
        }
        let open = hold(&lab, "192.0.2.7", 2)?;
        let is = listing(&gate, "192.0.2.7")?;
        assert_eq!(
            (&is["reason"], &is["origin"]),
            (&"connlimit".into(), &"limits".into())
        );
        let evidence = is["evidence"].as_str().context("evidence")?;
        ensure!(
            evidence.starts_with("connections_hard reached 3 times in 1m"),
            "{evidence}"
        );
        // Parts of a second are rounded up.
        assert!(
            (seconds..=seconds + 1).contains(&lasts(&is)?),
            "round {round}: {is}"
        );
        drop(open);
        assert_eq!(once(&lab, "192.0.2.7")?, TimedOut);
        assert!(gate.json(&["stats"])?["dropped"]["connlimit"].as_u64() >= Some(1));
        reopens(&lab, "192.0.2.7")?;
        // Until the server has noticed that this connection ended, it counts.
        thread::sleep(Duration::from_millis(1100));
    }
    // Nothing is held against whom an operator allows.
    gate.allow("198.51.100.7")?;
    reach("198.51.100.7")?;
    let listed = gate.json(&["list", "--contains", "198.51.100.7"])?;
    assert_eq!(listed["total"], 0, "{listed}");
    Ok(())
}

/// A million forged sources: none of them is listed, none takes a place from a real connection,
/// none takes memory, and real clients connect all the while (invariant 6).
#[test]
fn invariant_6_a_flood_of_forged_sources_lists_nobody_and_pushes_nobody_out() -> Result<()> {
    const SOURCES: u32 = 1_000_000;
    /// By how many bytes gated may grow: fewer than it takes to keep the address of each source.
    const MOST_GROWN: u64 = 3 * SOURCES as u64;
    let lab = Lab::new()?;
    // The one that connects all the while may do so more often than the default has it.
    let limits = "[limits]\nconnections_hard = 3\nconnections = 2\nrate = \"1000/1m\"\n\
                  syn_rate = \"5/1s\"\nsources = 1024";
    let gate = lab.gate().with(limits).start()?;
    let _held: Vec<_> = (1..=50)
        .map(|host| hold(&lab, &format!("192.0.2.{host}"), 3))
        .collect::<Result<_>>()?;
    let before = gate.json(&["connections", "--limit", "0"])?;
    let memory = |gate: &Gate<'_>| -> Result<u64> {
        gate.json(&["status"])?["kernel_memory"]
            .as_u64()
            .context("bytes")
    };
    let memory_before = memory(&gate)?;
    let resident_before = gate.resident()?;
    // What the server answers to forged sources goes nowhere.
    lab.blackhole("203.0.0.0/8")?;
    lab.blackhole("204.0.0.0/8")?;
    let to = SocketAddrV4::new(Ipv4Addr::new(10, 25, 0, 1), SMTP);
    let seen = || -> Result<u64> { gate.json(&["stats"])?["seen"].as_u64().context("seen") };
    let mut first = 0xcb00_0000;
    let mut connected = 0;
    // A busy machine loses some on the way.
    while seen()? < SOURCES.into() {
        let sources = (first..first + SOURCES / 4).map(Ipv4Addr::from_bits);
        first += SOURCES / 4;
        ensure!(first < 0xcc00_0000, "most SYNs are lost on the way");
        thread::scope(|scope| -> Result<()> {
            let flood = scope.spawn(|| lab.on_clients(|| forged::syns(to, sources)));
            while !flood.is_finished() {
                let outcome = lab.connect("198.51.100.7")?;
                connected += 1;
                let stats = || gate.json(&["stats"]).unwrap_or_default();
                assert_eq!(outcome, Connected, "connection {connected}: {}", stats());
            }
            flood.join().expect("it does not panic")
        })?;
    }
    assert_eq!(gate.json(&["list"])?["total"], 0);
    let after = gate.json(&["connections", "--within", "192.0.2.0/24", "--limit", "0"])?;
    assert_eq!(after["total"], before["total"]);
    assert_eq!(once(&lab, "192.0.2.1")?, TimedOut, "its limit holds still");
    assert_eq!(memory(&gate)?, memory_before);
    let grown = gate.resident()?.saturating_sub(resident_before);
    assert!(grown < MOST_GROWN, "gated grew by {grown} bytes");

    // One source that is forged again and again is throttled, and not listed.
    let again = (0..1000).map(|_| Ipv4Addr::new(204, 0, 0, 1));
    lab.on_clients(|| forged::syns(to, again))?;
    assert!(limited(&gate, "syn_rate")? >= 900);
    assert_eq!(gate.json(&["list"])?["total"], 0);
    Ok(())
}

#[test]
fn a_listed_source_is_let_through_so_often_to_be_told_why() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab
        .gate()
        .with("[courtesy]\nmanual = \"2/1h\"\nfeed = \"none\"")
        .start()?;
    gate.block("192.0.2.0/24")?;
    gate.must(&["block", "198.51.100.0/24", "--reason", "feed"])?;
    for _ in 0..2 {
        assert_eq!(once(&lab, "192.0.2.7")?, Connected);
    }
    assert_eq!(once(&lab, "192.0.2.7")?, TimedOut);
    assert_eq!(
        once(&lab, "192.0.2.8")?,
        Connected,
        "each source has its own"
    );
    assert_eq!(
        once(&lab, "198.51.100.7")?,
        TimedOut,
        "no courtesy for a feed's"
    );
    assert_eq!(gate.json(&["stats"])?["courtesy"], 3);
    Ok(())
}
