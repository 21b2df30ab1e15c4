//! The operators' page as a whole, with much to show: in light and in dark nothing is cut off, and that
//! is the picture of the docs.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use fantoccini::Client;
use gate_tests::{
    browser::{Browser, whole_picture},
    dns::{Dns, List},
    lab::{Gate, Lab, connect_all},
};
use serde_json::Value;

use crate::operators::{self, DESK, log_in, wait_for};

/// For how long clients come: the page draws a point for each 5 s.
const TRAFFIC: Duration = Duration::from_secs(32);

/// Those who are dropped, by several reasons, and those who pass.
const DROPPED: [&str; 5] = [
    "20.2.0.7",
    "20.2.0.8",
    "20.4.0.9",
    "203.0.113.9",
    "2a00:1:2::7",
];
const PASSED: [&str; 3] = ["20.3.0.7", "20.3.0.8", "2a00:1:3::7"];

/// Lists for several reasons, and asks for removals.
fn fill(gate: &Gate<'_>) -> Result<()> {
    for (network, reason, comment) in [
        ("20.2.0.7", "nobounce", "1,204 bounces, 3 delivered"),
        ("20.2.0.8", "manual", "ticket 4711"),
        ("20.4.0.0/24", "highspam", "a customer's newsletter"),
        ("2a00:1:2::/64", "manual", "dictionary attack"),
    ] {
        gate.must(&["block", network, "--reason", reason, "--comment", comment])?;
    }
    gate.must(&["allow", "20.3.0.8", "--comment", "our own relay"])?;
    for (address, contact, note) in [
        ("20.2.0.7", "postmaster@example.net", "the queue is mended"),
        ("20.2.0.8", "admin@example.com", "new owner of the address"),
    ] {
        let asked = ["removal", "request", address, "--contact", contact];
        gate.must(&[&asked[..], &["--note", note]].concat())?;
    }
    Ok(())
}

/// Has clients come, now more and now less.
fn come(lab: &Lab) -> Result<()> {
    let end = Instant::now() + TRAFFIC;
    let mut round = 0;
    while Instant::now() < end {
        let dropped = DROPPED.iter().take(1 + round / 3 % DROPPED.len());
        let passed = PASSED.iter().cycle().take(2 + round % 4);
        let attempts: Vec<_> = dropped
            .chain(passed)
            .map(|from| lab.from(from).patience(Duration::from_millis(500)))
            .collect();
        connect_all(&attempts)?;
        thread::sleep(Duration::from_millis(200));
        round += 1;
    }
    Ok(())
}

/// What does not fit into its box, and what is beside the page.
const CUT: &str = "return [...document.querySelectorAll('body *')]
    .filter(one => one.checkVisibility() && !(one instanceof SVGElement))
    .filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0
        || one.getBoundingClientRect().right > innerWidth)
    .map(one => one.outerHTML.slice(0, 200))";

async fn shows_it_all(client: &Client, browser: Browser, name: &str) -> Result<()> {
    log_in(client, DESK).await?;
    for (css, words) in [
        ("#state", "enforce, calm"),
        ("#legend", "passed"),
        ("#legend", "nobounce"),
        ("#legend", "highspam"),
        ("#legend", "feed"),
        ("#sources", "2a00:1:2::7"),
        ("#networks", "203.0.113.0/24"),
        ("#latest", "our own relay"),
        ("#removals", "new owner of the address"),
        ("#feeds", "drop"),
        ("#dnsbl", "one.example in service"),
        ("#dnsbl", "two.example in service"),
    ] {
        wait_for(client, css, words).await?;
    }
    // Each reason has an area in the plot, which covers some of it.
    let areas = "return [...document.querySelectorAll('#plot polygon')]
        .filter(area => area.getBBox().height > 1).map(area => area.textContent)";
    let areas = client.execute(areas, Vec::new()).await?;
    for name in ["passed", "manual", "feed", "highspam", "nobounce"] {
        let all = areas.as_array().expect("a list");
        assert!(all.contains(&name.into()), "{browser:?}, {name}: {areas}");
    }
    let cut = client.execute(CUT, Vec::new()).await?;
    assert_eq!(cut, Value::Array(Vec::new()), "{browser:?}");
    whole_picture(client, name).await
}

#[test]
fn nothing_is_cut_off_where_there_is_much_to_show() -> Result<()> {
    let lab = Lab::new()?;
    let lists = [
        List {
            zone: "one.example",
            lines: "20.5.0.7\n",
        },
        List {
            zone: "two.example",
            lines: "20.5.0.8\n",
        },
    ];
    let dns = Dns::start(&lab, &lists)?;
    let drop = lab.file("drop", "203.0.113.0/24\n20.6.0.0/16\n")?;
    let tables = format!(
        "{}[policy]\nurl = \"https://www.example.org/refused\"\n\
         [[dnsbl.list]]\nsite = \"one.example\"\n[[dnsbl.list]]\nsite = \"two.example\"\n\
         [[feed]]\nname = \"drop\"\npath = \"{}\"\n",
        dns.tables(),
        drop.display()
    );
    let gate = operators::start(&lab, &tables)?;
    fill(&gate)?;
    come(&lab)?;
    for (browser, name) in [
        (Browser::Desktop, "operators"),
        (Browser::Dark, "operators-dark"),
    ] {
        browser.work(&lab, async |client| {
            shows_it_all(client, browser, name).await
        })?;
    }
    Ok(())
}
