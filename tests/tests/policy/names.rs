//! What clients are told for what DNS says of their addresses.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gate_tests::{
    dns::{Dns, Failing, List},
    lab::{Gate, Lab},
};

use crate::{
    postfix::Postfix,
    smtp::{REJECTED, Smtp},
};

const CONFIG: &str = "
[policy]
group = 'postfix'
url = 'https://www.example.org/refused'
[dnsbl]
threshold = 1
[[dnsbl.list]]
site = 'bl.example'
url = 'https://bl.example/?ip={ip}'
trusted = true
";

/// What a client is told that names a recipient of a bounce.
fn told(lab: &Lab, address: &str) -> Result<String> {
    Ok(Smtp::from(lab, address)?.mail("")?.replace(REJECTED, ""))
}

/// Waits until the list answers.
fn ready(gate: &Gate<'_>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let lists = gate.json(&["dnsbl"])?;
        if lists["lists"][0]["health"] == "in_service" {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "not ready: {lists}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn every_row_that_dns_decides_is_seen_on_the_wire() -> Result<()> {
    let lab = Lab::new()?;
    let lists = [List {
        zone: "bl.example",
        lines: "192.0.2.15\n192.0.2.16\n",
    }];
    let dns = Dns::start(&lab, &lists)?;
    for (address, name, resolves_back) in [
        ("192.0.2.11", "mail.example.org", true),
        ("192.0.2.12", "mail.example.net", false),
        ("192.0.2.13", "192-0-2-13.dsl.example.net", true),
        ("192.0.2.14", "host-192-0-2-14.example.net", true),
        ("192.0.2.15", "mx1.example.org", true),
        ("192.0.2.16", "mx2.example.org", true),
        ("2001:db8::11", "mx6.example.org", true),
    ] {
        dns.name(address, name, resolves_back)?;
    }
    dns.fail("113.0.203.in-addr.arpa", Failing::Refusing)?;
    // Nothing is listed for it: here the mail server's clients are judged when they come.
    let tables = dns
        .tables()
        .replace("[lookup]\n", "[lookup]\nenabled = false\n");
    let gate = lab.gate().set("attach", "generic");
    let gate = gate.with(&tables).with(CONFIG).start()?;
    ready(&gate)?;
    let _postfix = Postfix::start(&lab, &gate)?;
    let url = "https://www.example.org/refused";
    for (address, reply) in [
        (
            "192.0.2.10",
            "554 5.7.1 - ERROR: Connection refused. IP name lookup failed for <192.0.2.10>".to_owned(),
        ),
        ("192.0.2.11", "250 2.1.5 Ok".to_owned()),
        ("2001:db8::11", "250 2.1.5 Ok".to_owned()),
        (
            "192.0.2.12",
            "550 5.7.25 - ERROR: Reverse DNS <mail.example.net> does not resolve to <192.0.2.12> (may be forged)".to_owned(),
        ),
        (
            "192.0.2.13",
            format!("554 5.7.1 - ERROR: Mail Refused - <192-0-2-13.dsl.example.net> - See {url}#dynamic"),
        ),
        (
            "192.0.2.14",
            format!("554 5.7.1 - ERROR: Mail Refused - <host-192-0-2-14.example.net> - See {url}#generic"),
        ),
        (
            "192.0.2.15",
            "554 5.7.1 - ERROR: Mail Refused - <192.0.2.15> - See https://bl.example/?ip=192.0.2.15".to_owned(),
        ),
        (
            "203.0.113.7",
            "421 4.7.1 - ERROR: Connection refused. Cannot resolve PTR record for <203.0.113.7>".to_owned(),
        ),
    ] {
        assert_eq!(told(&lab, address)?, reply, "{address}");
    }

    // What operators say goes first: of an address, of a list, of a name.
    gate.allow("192.0.2.10")?;
    gate.must(&["dnsbl", "override", "192.0.2.16"])?;
    gate.must(&["name", "allow", "*.dsl.example.net"])?;
    for address in ["192.0.2.10", "192.0.2.16", "192.0.2.13"] {
        assert_eq!(told(&lab, address)?, "250 2.1.5 Ok", "{address}");
    }
    Ok(())
}

/// A name server that takes its time holds nobody up for longer than the budget; then the mail server
/// is told what the configuration says, and later what DNS has said.
#[test]
fn a_lookup_that_is_under_way_is_not_waited_for() -> Result<()> {
    for (under_way, reply) in [
        ("dunno", "250 2.1.5 Ok"),
        (
            "defer",
            "450 4.7.1 - ERROR: Mail refused - <203.0.113.7> - Not all is known of it yet, try again later",
        ),
    ] {
        let lab = Lab::new()?;
        let dns = Dns::start(&lab, &[])?;
        dns.fail("113.0.203.in-addr.arpa", Failing::Silent)?;
        let tables = dns
            .tables()
            .replace("timeout = \"1s\"", "timeout = \"5s\"")
            .replace("[lookup]\n", "[lookup]\nenabled = false\n");
        let policy = format!(
            "[policy]\ngroup = 'postfix'\nbudget = '1s'\nunder_way = '{under_way}'\n\
             checks.sender_domain = 'off'\n"
        );
        let gate = lab.gate().set("attach", "generic");
        let gate = gate.with(&tables).with(&policy).start()?;
        let _postfix = Postfix::start(&lab, &gate)?;
        let mut client = Smtp::from(&lab, "203.0.113.7")?;
        let asked = Instant::now();
        let said = client.mail("")?.replace(REJECTED, "");
        assert_eq!(said, reply, "{under_way}");
        // Before DNS gives up, after 10 s: the budget counts at each stage that asks.
        ensure!(asked.elapsed() < Duration::from_secs(8), "{asked:?}");
        let deadline = Instant::now() + Duration::from_secs(30);
        while told(&lab, "203.0.113.7")?
            != "421 4.7.1 - ERROR: Connection refused. Cannot resolve PTR record for <203.0.113.7>"
        {
            ensure!(Instant::now() < deadline, "DNS never gives up");
            thread::sleep(Duration::from_millis(500));
        }
    }
    Ok(())
}
