//! Every text of both pages can be read, in light and in dark, as the browser has computed its colors.

use anyhow::{Result, ensure};
use fantoccini::{Client, Locator};
use gate_tests::{
    browser::Browser,
    dns::{Dns, List},
    lab::Lab,
};
use serde_json::Value;

use crate::{
    operators::{self, DESK, log_in, wait_for},
    page::{check, request, start},
};

/// Whether the page is the light or the dark one, and each of its texts stands out; it has so many
/// texts at least.
async fn stands_out(client: &Client, browser: Browser, least: u64) -> Result<()> {
    let found = client
        .execute(include_str!("contrast.js"), Vec::new())
        .await?;
    let at = client.current_url().await?;
    ensure!(
        found["weak"] == Value::Array(Vec::new()),
        "{browser:?}, {at}: {:#}",
        found["weak"]
    );
    ensure!(
        found["texts"].as_u64() >= Some(least),
        "{browser:?}, {at}: {found}"
    );
    let is_dark = found["ground"].as_f64() < Some(0.2);
    ensure!(is_dark == (browser == Browser::Dark), "{at}: {found}");
    Ok(())
}

#[test]
fn every_text_of_the_public_page_stands_out() -> Result<()> {
    for browser in [Browser::Desktop, Browser::Dark] {
        let lab = Lab::new()?;
        let gate = start(&lab, "")?;
        gate.block("20.2.0.7")?;
        browser.work(&lab, async |client| {
            check(client, "20.9.0.7").await?;
            stands_out(client, browser, 40).await?;
            check(client, "mail.example.org").await?;
            stands_out(client, browser, 40).await?;
            check(client, "20.2.0.7").await?;
            stands_out(client, browser, 40).await?;
            request(client).await?;
            stands_out(client, browser, 40).await
        })?;
    }
    Ok(())
}

#[test]
fn every_text_of_the_operators_page_stands_out() -> Result<()> {
    for browser in [Browser::Desktop, Browser::Dark] {
        let lab = Lab::new()?;
        let lists = [List {
            zone: "one.example",
            lines: "198.51.100.7\n",
        }];
        let dns = Dns::start(&lab, &lists)?;
        // One list that is there and one that is not, so that there is something good and bad.
        let tables = format!(
            "{}[[dnsbl.list]]\nsite = \"one.example\"\n[[feed]]\nname = \"missing\"\npath = \"/no\"\n",
            dns.tables()
        );
        let gate = operators::start(&lab, &tables)?;
        gate.must(&["block", "20.2.0.7", "--reason", "nobounce"])?;
        gate.must(&["removal", "request", "20.2.0.7", "--note", "mended"])?;
        browser.work(&lab, async |client| {
            log_in(client, "a wrong token, a wrong one").await?;
            wait_for(client, ".problem", "that is no token of this gate").await?;
            stands_out(client, browser, 5).await?;
            log_in(client, DESK).await?;
            lab.connect("20.2.0.7")?;
            wait_for(client, "#sources", "20.2.0.7").await?;
            wait_for(client, "#legend", "nobounce").await?;
            wait_for(client, "#warnings", "missing").await?;
            wait_for(client, "#dnsbl", "in service").await?;
            stands_out(client, browser, 60).await?;
            let explain = client.find(Locator::Css("#latest button")).await?;
            explain.click().await?;
            wait_for(client, "#explanation", "way out of 20.2.0.7/32").await?;
            stands_out(client, browser, 60).await?;
            let close = client.find(Locator::Css("#explanation button")).await?;
            close.click().await?;
            let deny = "button[aria-label='Deny the request of 20.2.0.7']";
            client.find(Locator::Css(deny)).await?.click().await?;
            wait_for(client, "#decided", "is refused.").await?;
            stands_out(client, browser, 60).await
        })?;
    }
    Ok(())
}
