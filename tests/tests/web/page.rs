//! The page of a lab's gate, and what is done there again and again.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use fantoccini::{Client, Locator};
use gate_tests::lab::{Gate, Lab};
use tokio::time::sleep;

/// How long the next page may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// Where the server is seen from the clients.
pub(crate) const PAGE: &str = "http://10.25.0.1/";

/// A gate with the page.
pub(crate) fn start<'a>(lab: &'a Lab, tables: &str) -> Result<Gate<'a>> {
    let web = "[policy]\nurl = \"http://10.25.0.1/\"\n\
               [web]\nlisten = [\"0.0.0.0:80\", \"[::]:80\"]\n\
               organisation = \"Example Mail\"\ncontact = \"postmaster@example.org\"\n";
    lab.gate().with(web).with(tables).start()
}

/// The text of what `css` selects first, once it is there.
pub(crate) async fn text(client: &Client, css: &str) -> Result<String> {
    let wait = client.wait().at_most(DEADLINE);
    let element = wait.for_element(Locator::Css(css)).await;
    Ok(element.with_context(|| format!("no {css}"))?.text().await?)
}

/// Presses the button of the form that `css` selects, and waits until the page has gone for which
/// that was.
async fn send(client: &Client, css: &str) -> Result<()> {
    let button = client.find(Locator::Css(&format!("{css} button"))).await?;
    button.click().await?;
    let deadline = Instant::now() + DEADLINE;
    while button.tag_name().await.is_ok() {
        ensure!(Instant::now() < deadline, "{css}: no other page comes");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Puts `asked` into the form and sends it; the headline of the answer.
pub(crate) async fn check(client: &Client, asked: &str) -> Result<String> {
    client.goto(PAGE).await?;
    let field = client.find(Locator::Css("#address")).await?;
    field.send_keys(asked).await?;
    send(client, "form[method=get]").await?;
    text(client, "main h2").await
}

/// Asks for removal of what is shown; what is answered.
pub(crate) async fn request(client: &Client) -> Result<String> {
    let contact = client.find(Locator::Css("#contact")).await?;
    contact.send_keys("admin@example.net").await?;
    let note = client.find(Locator::Css("#note")).await?;
    note.send_keys("we have mended it").await?;
    send(client, "form[method=post]").await?;
    text(client, "#notice").await
}
