//! The operators' page: who gets in, what it shows as it happens, and what is decided there.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use fantoccini::{Client, Locator};
use gate_tests::{
    browser::{Browser, picture},
    lab::{
        Gate, Lab,
        Outcome::{Connected, TimedOut},
    },
};
use tokio::time::sleep;

use crate::page::text;

/// Where the page is seen from the clients.
const PAGE: &str = "http://10.25.0.1:9025/";
/// The secrets.
const DESK: &str = "desk-desk-desk-desk-desk";
const LOOK: &str = "look-look-look-look-look";
/// How long something may take to show.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gate with the operators' page.
fn start(lab: &Lab) -> Result<Gate<'_>> {
    let mut web = "[web.operators]\nlisten = [\"0.0.0.0:9025\"]\n".to_owned();
    for (name, secret, rights) in [("desk", DESK, "write"), ("look", LOOK, "read")] {
        let file = lab.file(&format!("{name}.token"), secret)?;
        fs::set_permissions(&file, Permissions::from_mode(0o600))?;
        web += &format!(
            "[[web.operators.token]]\nname = \"{name}\"\nfile = \"{}\"\nrights = \"{rights}\"\n",
            file.display()
        );
    }
    lab.gate().set("sample", 1).with(&web).start()
}

/// Shows `token` on the form that the page leads to.
async fn log_in(client: &Client, token: &str) -> Result<()> {
    client.goto(PAGE).await?;
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
async fn wait_for(client: &Client, css: &str, words: &str) -> Result<()> {
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
    let gate = start(&lab)?;
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
        picture(client, "operators").await?;

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

#[test]
fn who_may_only_look_has_nothing_to_decide_with_and_it_fits_a_phone() -> Result<()> {
    let lab = Lab::new()?;
    let gate = start(&lab)?;
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
