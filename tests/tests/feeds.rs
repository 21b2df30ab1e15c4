//! Feeds that are fetched over HTTPS, from a server of the lab to the kernel.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gate_tests::{
    feed_server::FeedServer,
    lab::{
        Gate, Lab,
        Outcome::{Connected, TimedOut},
    },
};

/// Waits until so many listings are in force.
fn wait_for(gate: &Gate<'_>, listings: u64) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while gate.json(&["list"])?["total"] != listings {
        ensure!(Instant::now() < deadline, "{}", gate.log());
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

#[test]
fn a_network_on_a_list_that_is_fetched_is_dropped_by_the_kernel() -> Result<()> {
    let lab = Lab::new()?;
    let list = "; Spamhaus DROP List\n192.0.2.0/24 ; SBL1\n2001:db8::/32 ; SBL2\n";
    let server = FeedServer::start(&lab, list)?;
    let feed = server.feed(&lab, "web", "format = 'drop-txt'\n")?;
    let gate = lab.gate().with(&feed).start()?;
    wait_for(&gate, 2)?;
    for (client, outcome) in [
        ("192.0.2.7", TimedOut),
        ("2001:db8::7", TimedOut),
        ("198.51.100.7", Connected),
    ] {
        assert_eq!(lab.connect(client)?, outcome, "{client}");
    }
    let check = gate.ctl(&["check", "192.0.2.7"])?.stdout;
    assert!(
        check.contains("feed:web") && check.contains("SBL1"),
        "{check}"
    );

    let feeds = gate.json(&["feeds"])?;
    let fetch = &feeds["feeds"][0]["fetch"];
    assert_eq!(
        (&fetch["http"], &fetch["failures"]),
        (&200.into(), &0.into()),
        "{feeds}"
    );
    for shown in [feeds.to_string(), gate.must(&["feeds"])?, gate.log()] {
        assert!(
            shown.contains("web") && !shown.contains("secret"),
            "{shown}"
        );
    }

    // The same list again, and another one.
    gate.must(&["feeds", "reload", "web"])?;
    assert_eq!(server.answered(), [200, 304]);
    server.set("; Spamhaus DROP List\n198.51.100.0/24 ; SBL3\n");
    gate.must(&["feeds", "reload", "web"])?;
    assert_eq!(server.answered(), [200, 304, 200]);
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    assert_eq!(lab.connect("198.51.100.7")?, TimedOut);
    Ok(())
}

#[test]
fn invariant_7_a_list_outlives_its_server_and_restarts() -> Result<()> {
    let lab = Lab::new()?;
    let server = FeedServer::start(&lab, "192.0.2.0/24\n")?;
    let mut gate = lab.gate().with(&server.feed(&lab, "web", "")?).start()?;
    wait_for(&gate, 1)?;
    server.end(&lab)?;
    let said = gate.ctl(&["feeds", "reload", "web"])?;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.stdout.contains("failed") && said.stdout.contains("last good"),
        "{said:?}"
    );
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    let status = gate.must(&["status"])?;
    assert!(
        status.contains("feed web: the list could not be fetched: no answer")
            && status.contains("the last good state lapses at"),
        "{status}"
    );

    // The kernel goes on; and a start without a network.
    gate.stop()?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    gate.start()?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);

    // As after a reboot: nothing in the kernel, nobody to fetch from, and even the book is lost. The
    // copy is all there is, and it is in force when the daemon has started.
    gate.must(&["detach", "--yes"])?;
    gate.wait()?;
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    for entry in fs::read_dir(gate.state())? {
        let path = entry?.path();
        if path.is_file() {
            fs::remove_file(path)?;
        }
    }
    gate.start()?;
    wait_for(&gate, 1)?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    assert_eq!(gate.json(&["feeds"])?["feeds"][0]["in_force"], "last_good");
    Ok(())
}

#[test]
fn invariant_7_a_list_that_lists_the_world_lists_nobody() -> Result<()> {
    let lab = Lab::new()?;
    let server = FeedServer::start(&lab, "192.0.2.0/24\n")?;
    let gate = lab.gate().with(&server.feed(&lab, "web", "")?).start()?;
    wait_for(&gate, 1)?;
    let slash_8s: String = (1..=13).fold(String::new(), |list, n| list + &format!("{n}.0.0.0/8\n"));
    for (list, why) in [
        ("0.0.0.0/0\n", "0.0.0.0/0 is wider than /8"),
        (slash_8s.as_str(), "max_share_v4"),
        (
            "<html><body>Please log in</body></html>\n",
            "1 of 1 lines are bad",
        ),
        (
            "# Entries : 2 subnets, 512 unique IPs\n198.51.100.0/24\n",
            "the list itself says 2",
        ),
        ("", "it is empty"),
    ] {
        server.set(list);
        let said = gate.ctl(&["feeds", "reload", "web"])?;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stdout.contains(why), "{why}: {said:?}");
        assert_eq!(lab.connect("192.0.2.7")?, TimedOut, "{why}");
        assert_eq!(lab.connect("198.51.100.7")?, Connected, "{why}");
        assert_eq!(lab.connect("1.1.1.1")?, Connected, "{why}");
    }
    Ok(())
}
