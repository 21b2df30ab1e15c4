//! The page where its port is taken, where systemd holds it, and where the gate turns nobody away.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gate_tests::{
    browser::Browser,
    lab::{
        Lab,
        Outcome::{Connected, TimedOut},
        program,
    },
};

use crate::page::{check, start, text};

/// Listens on port 80 and hands that to `gated`, as systemd does for gate-web.socket (sd_listen_fds(3)).
const WRAPPER: &str = r#"#!/usr/bin/perl
use POSIX ();
use IO::Socket::INET;
$^F = 9;
my $page = IO::Socket::INET->new(LocalAddr => "0.0.0.0:80", Listen => 64) or die "$!";
POSIX::dup2(fileno $page, 3) or die "$!";
@ENV{qw(LISTEN_FDS LISTEN_FDNAMES LISTEN_PID)} = (1, "web", $$);
exec "GATED", @ARGV or die "$!";
"#;

#[test]
fn a_socket_that_systemd_holds_has_the_page() -> Result<()> {
    let lab = Lab::new()?;
    let gated = program("gated")?;
    let wrapper = lab.file("gated", &WRAPPER.replace("GATED", &gated.to_string_lossy()))?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    let gate = lab.gate().program(&wrapper).start()?;
    gate.block("20.2.0.7")?;
    Browser::Desktop.work(&lab, async |client| {
        assert_eq!(check(client, "20.2.0.7").await?, "20.2.0.7 is listed");
        Ok(())
    })
}

#[test]
fn a_page_that_cannot_be_served_keeps_nobody_in_and_comes_later() -> Result<()> {
    let lab = Lab::new()?;
    let other = lab.on_server(|| Ok(TcpListener::bind("0.0.0.0:80")?))?;
    let gate = start(&lab, "")?;
    gate.block("20.2.0.7")?;
    assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
    let warnings = || Ok::<_, anyhow::Error>(gate.json(&["status"])?["warnings"].to_string());
    let told = warnings()?;
    assert!(
        told.contains("cannot listen on 0.0.0.0:80 (web.listen): "),
        "{told}"
    );
    assert!(gate.log().contains("cannot listen; it will be tried again"));
    drop(other);
    let deadline = Instant::now() + Duration::from_secs(20);
    while warnings()?.contains("cannot listen") {
        ensure!(Instant::now() < deadline, "{}", gate.log());
        thread::sleep(Duration::from_millis(100));
    }
    Browser::Desktop.work(&lab, async |client| {
        assert_eq!(check(client, "20.2.0.7").await?, "20.2.0.7 is listed");
        Ok(())
    })
}

#[test]
fn where_nobody_is_turned_away_the_page_does_not_say_so() -> Result<()> {
    let lab = Lab::new()?;
    let gate = start(&lab, "")?;
    gate.block("20.2.0.7")?;
    for mode in ["monitor", "off"] {
        gate.must(&["mode", mode])?;
        assert_eq!(lab.connect("20.2.0.7")?, Connected);
        Browser::Desktop.work(&lab, async |client| {
            assert_eq!(check(client, "20.2.0.7").await?, "20.2.0.7 is listed");
            let shown = text(client, ".listings").await?;
            assert!(shown.contains("turns nobody away"), "{mode}: {shown}");
            Ok(())
        })?;
    }
    Ok(())
}
