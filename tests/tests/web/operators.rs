//! The operators' page: who gets in, what it shows as it happens, and what is decided there.

use std::{
    fmt::Write as _,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use fantoccini::{Client, Locator};
use gate_tests::{
    browser::{Browser, picture},
    dns::{Dns, List},
    lab::{
        Gate, Lab,
        Outcome::{Connected, TimedOut},
    },
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::time::sleep;

use crate::page::text;

/// Where the page is seen from the clients.
pub(crate) const PAGE: &str = "http://10.25.0.1:9025/";
/// The secrets.
pub(crate) const DESK: &str = "desk-desk-desk-desk-desk";
const LOOK: &str = "look-look-look-look-look";
/// How long something may take to show.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gate with the operators' page, and with `tables`.
pub(crate) fn start<'a>(lab: &'a Lab, tables: &str) -> Result<Gate<'a>> {
    let mut web = "[web.operators]\nlisten = [\"0.0.0.0:9025\"]\n".to_owned();
    for (name, secret, rights) in [("desk", DESK, "write"), ("look", LOOK, "read")] {
        let file = lab.file(&format!("{name}.token"), secret)?;
        fs::set_permissions(&file, Permissions::from_mode(0o600))?;
        write!(
            web,
            "[[web.operators.token]]\nname = \"{name}\"\nfile = \"{}\"\nrights = \"{rights}\"\n",
            file.display()
        )?;
    }
    lab.gate().set("sample", 1).with(&web).with(tables).start()
}

/// Shows `token` on the form that the page leads to.
pub(crate) async fn log_in(client: &Client, token: &str) -> Result<()> {
    log_in_at(client, PAGE, token).await
}

/// The same where the page is at `page`.
pub(crate) async fn log_in_at(client: &Client, page: &str, token: &str) -> Result<()> {
    client.goto(page).await?;
    let field = client.find(Locator::Css("#token")).await?;
    field.send_keys(token).await?;
    client
        .find(Locator::Css("form button"))
        .await?
        .click()
        .await?;
    Ok(())
}

/// Waits until what `css` selects says `words`.
pub(crate) async fn wait_for(client: &Client, css: &str, words: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        // A row may be replaced while it is read.
        let shown = text(client, css).await.unwrap_or_default();
        if shown.contains(words) {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "{css} does not say `{words}`: {shown}"
        );
        sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn an_operator_sees_drops_as_they_happen_and_grants_a_removal() -> Result<()> {
    let lab = Lab::new()?;
    let gate = start(&lab, "")?;
    gate.must(&[
        "block",
        "20.2.0.7",
        "--reason",
        "nobounce",
        "--comment",
        "<b>bounces</b>",
    ])?;
    gate.must(&["removal", "request", "20.2.0.7", "--note", "mended"])?;
    Browser::Desktop.work(&lab, async |client| {
        log_in(client, "a wrong token, a wrong one").await?;
        wait_for(client, ".problem", "that is no token of this gate").await?;
        log_in(client, DESK).await?;
        wait_for(client, "#state", "enforce, calm").await?;
        wait_for(client, "#who", "token desk (write)").await?;
        wait_for(client, "#stats tr[data-name=dropped] td", "0").await?;
        // What somebody wrote is shown as it is.
        wait_for(client, "#latest", "<b>bounces</b>").await?;

        assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
        wait_for(client, "#stats", "dropped: nobounce").await?;
        wait_for(client, "#sources", "20.2.0.7").await?;
        wait_for(client, "#networks", "20.2.0.0/24").await?;
        wait_for(client, "#legend", "nobounce").await?;

        client
            .find(Locator::Css("#latest button"))
            .await?
            .click()
            .await?;
        wait_for(client, "#explanation", "way out of 20.2.0.7/32").await?;
        client
            .find(Locator::Css("#explanation button"))
            .await?
            .click()
            .await?;
        let grant = "button[aria-label='Grant the request of 20.2.0.7']";
        client.find(Locator::Css(grant)).await?.click().await?;
        wait_for(client, "#decided", "The request of 20.2.0.7 is granted.").await?;
        assert_eq!(lab.connect("20.2.0.7")?, Connected);
        wait_for(client, "#removals", "granted by token desk").await?;

        client
            .find(Locator::Css("#logout button"))
            .await?
            .click()
            .await?;
        client.goto(PAGE).await?;
        assert!(client.current_url().await?.path().ends_with("/login"));
        Ok(())
    })?;
    let history = gate.json(&["history", "20.2.0.7"])?;
    assert_eq!(history["entries"][0]["ended_by"], "token desk", "{history}");
    Ok(())
}

/// What the page has loaded that is none of the gate's.
const FOREIGN: &str = "return performance.getEntriesByType('resource').map(one => one.name)
    .filter(name => new URL(name).origin !== location.origin)";

#[test]
fn feeds_lists_flood_and_fill_are_shown_and_a_request_is_denied() -> Result<()> {
    let lab = Lab::new()?;
    let lists = [List {
        zone: "one.example",
        lines: "198.51.100.7\n",
    }];
    let dns = Dns::start(&lab, &lists)?;
    let networks = lab.file("networks", "203.0.113.0/24\n203.0.112.0/24\n")?;
    let tables = format!(
        "{}[[dnsbl.list]]\nsite = \"one.example\"\n[[feed]]\nname = \"mine\"\npath = \"{}\"\n",
        dns.tables(),
        networks.display()
    );
    let gate = start(&lab, &tables)?;
    gate.block("20.2.0.7")?;
    gate.must(&["removal", "request", "20.2.0.7", "--note", "mended"])?;
    Browser::Desktop.work(&lab, async |client| {
        log_in(client, DESK).await?;
        wait_for(client, "#feeds", "mine ok").await?;
        wait_for(client, "#dnsbl", "one.example in service").await?;
        let row = |name: &str| format!("#gate-state tr[data-name='{name}'] td");
        wait_for(client, &row("drift"), "0 missing, 0 extra").await?;
        wait_for(client, &row("index"), " %)").await?;
        wait_for(client, &row("blocked, IPv4"), "3 of 2,097,152 (0 %)").await?;

        wait_for(client, "#state", "calm").await?;
        gate.must(&["flood", "on"])?;
        wait_for(client, "#state", "flood since").await?;
        gate.must(&["flood", "auto"])?;
        wait_for(client, "#state", "calm").await?;

        let deny = "button[aria-label='Deny the request of 20.2.0.7']";
        client.find(Locator::Css(deny)).await?.click().await?;
        wait_for(client, "#decided", "The request of 20.2.0.7 is refused.").await?;
        wait_for(client, "#removals", "refused by token desk").await?;

        let foreign = client.execute(FOREIGN, Vec::new()).await?;
        assert_eq!(foreign, Value::Array(Vec::new()));
        Ok(())
    })?;
    assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
    let removals = gate.json(&["removal", "list"])?;
    assert_eq!(removals["removals"][0]["decided_by"], "token desk");
    Ok(())
}

#[test]
fn the_page_tells_that_gated_is_gone_and_asks_who_it_is_when_it_is_back() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = start(&lab, "")?;
    Browser::Desktop.work(&lab, async |client| {
        log_in(client, DESK).await?;
        wait_for(client, "#state", "enforce, calm").await?;
        gate.stop()?;
        wait_for(client, "#state", "no connection to gated").await?;
        gate.start()?;
        // Sessions are not stored.
        wait_for(client, "label", "Token").await?;
        Ok(())
    })
}

#[test]
fn a_gated_that_hangs_is_told_of_and_what_has_the_focus_keeps_it() -> Result<()> {
    let lab = Lab::new()?;
    let gate = start(&lab, "")?;
    gate.block("20.2.0.7")?;
    let signal = |signal| -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(gate.pid())?).context("no process")?;
        Ok(kill_process(pid, signal)?)
    };
    Browser::Desktop.work(&lab, async |client| {
        log_in(client, DESK).await?;
        wait_for(client, "#latest", "20.2.0.7").await?;
        // What says what it said is not replaced, so that a click on it is not lost.
        let row = "window.row = document.querySelector(\"#latest tr\")";
        client.execute(row, Vec::new()).await?;
        gate.must(&["flood", "on"])?;
        wait_for(client, "#state", "flood since").await?;
        let stays = client.execute("return window.row.isConnected", Vec::new());
        assert_eq!(stays.await?, true);
        gate.must(&["flood", "auto"])?;

        let focus = "document.querySelector(\"#latest button\").focus()";
        client.execute(focus, Vec::new()).await?;
        gate.block("20.2.0.8")?;
        wait_for(client, "#latest", "20.2.0.8").await?;
        let focused = "return document.activeElement.getAttribute(\"aria-label\")";
        let focused = client.execute(focused, Vec::new()).await?;
        assert_eq!(focused, "Explain 20.2.0.7/32");

        wait_for(client, "#state", "enforce, calm").await?;
        signal(Signal::STOP)?;
        let told = wait_for(client, "#state", "no connection to gated").await;
        signal(Signal::CONT)?;
        told?;
        wait_for(client, "#state", "enforce, calm").await?;
        Ok(())
    })
}

#[test]
fn who_may_only_look_has_nothing_to_decide_with_and_it_fits_a_phone() -> Result<()> {
    let lab = Lab::new()?;
    let gate = start(&lab, "")?;
    gate.must(&["block", "2a00:1111:2222:3333::/64", "--reason", "nobounce"])?;
    gate.must(&[
        "removal",
        "request",
        "2a00:1111:2222:3333::7",
        "--note",
        &"x".repeat(300),
    ])?;
    Browser::Phone.work(&lab, async |client| {
        log_in(client, LOOK).await?;
        wait_for(client, "#who", "token look (read)").await?;
        wait_for(client, "#removals", "queued").await?;
        assert!(
            client
                .find(Locator::Css("button[aria-label^=Grant]"))
                .await
                .is_err()
        );

        let widths = "return [document.documentElement.scrollWidth, window.innerWidth]";
        let widths = client.execute(widths, Vec::new()).await?;
        assert_eq!(widths[1], 360, "{widths}");
        assert!(widths[0].as_u64() <= widths[1].as_u64(), "{widths}");
        picture(client, "operators-phone").await?;

        // Nor may it by the API.
        let post = "return fetch('v1/flush', {method: 'POST'}).then(answer => answer.status)";
        assert_eq!(client.execute(post, Vec::new()).await?, 403);
        Ok(())
    })?;
    assert_eq!(gate.json(&["list"])?["total"], 1);
    Ok(())
}
