//! The operators' page with a token: who shows none is told nothing, and all of it works.

use std::{
    fs::{self, Permissions},
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    process::Stdio,
};

use anyhow::{Context as _, Result, ensure};
use fantoccini::Locator;
use gate_tests::{
    browser::Browser,
    lab::{Gate, Lab},
};

use super::{nginx::Nginx, piece};
use crate::operators::{DESK, log_in_at, wait_for};

pub(super) const DOCUMENT: &str = include_str!("../../../../docs/operators-page.md");

/// Where the page is, from outside.
pub(super) const PAGE: &str = "https://mx.example.org/";

/// A gate with the operators' page and the document's token, and nginx in front.
fn start(lab: &Lab) -> Result<(Gate<'_>, Nginx<'_>)> {
    let file = lab.file("desk.token", DESK)?;
    fs::set_permissions(&file, Permissions::from_mode(0o600))?;
    let token = piece(DOCUMENT, "From then on everybody shows one:")?;
    let token = token.replace("/etc/gate/desk.token", &file.display().to_string());
    let page = table()?;
    let gate = lab.gate().with(&page).with(&token).start()?;
    let nginx = Nginx::start(lab, &location()?)?;
    Ok((gate, nginx))
}

/// The document's table that turns the page on.
pub(super) fn table() -> Result<String> {
    piece(DOCUMENT, "and the API over TCP")
}

/// The document's location for the operators' page.
pub(super) fn location() -> Result<String> {
    piece(DOCUMENT, "a short timeout suits `/live`:")
}

#[test]
fn a_token_or_its_session_opens_the_operators_page() -> Result<()> {
    let lab = Lab::new()?;
    let (gate, nginx) = start(&lab)?;
    gate.block("20.2.0.7")?;
    gate.must(&["removal", "request", "20.2.0.7"])?;
    let jar = lab.dir("nginx")?.join("jar").display().to_string();
    let bearer = format!("Authorization: Bearer {DESK}");
    let secret = format!("token={DESK}");
    let log_in = ["--data", &secret, "--cookie-jar", &jar];
    let decide = ["--json", "{\"id\":1,\"grant\":true}", "--cookie", &jar];
    let decide = |header| [&decide[..], &["--header", header]].concat();
    let elsewhere = decide("Origin: https://elsewhere.example");
    let own = decide("Origin: https://mx.example.org");
    for (path, arguments, expected, answered) in [
        ("", &[][..], 303, "\r\nlocation: login\r\n"),
        ("me", &[], 401, "a token is needed"),
        ("live", &[], 401, "a token is needed"),
        ("metrics", &[], 401, "a token is needed"),
        ("v1/status", &[], 401, "a token is needed"),
        ("v1/status", &["--header", &bearer], 200, "\"version\""),
        ("login", &["--data", "token=wrong"], 401, "no token of this"),
        ("login", &log_in, 303, "; Max-Age=43200; Secure\r\n"),
        ("me", &["--cookie", &jar], 200, "token desk"),
        ("v1/removals/decide", &decide(""), 403, "another site"),
        ("v1/removals/decide", &elsewhere, 403, "another site"),
        ("v1/removals/decide", &own, 200, "token desk"),
    ] {
        let url = format!("{PAGE}{path}");
        let asked = [arguments, &[url.as_str()]].concat();
        let (status, answer) = nginx.ask("20.9.0.7", &asked)?;
        assert_eq!(status, expected, "{asked:?}: {answer}");
        assert!(answer.contains(answered), "{asked:?}: {answer}");
    }
    let in_clear = ["--cookie", &jar, "http://mx.example.org/"];
    assert_eq!(nginx.ask("20.9.0.7", &in_clear)?.0, 303);
    Ok(())
}

#[test]
fn what_happens_is_told_as_it_happens() -> Result<()> {
    let lab = Lab::new()?;
    let (_gate, nginx) = start(&lab)?;
    let bearer = format!("Authorization: Bearer {DESK}");
    let mut curl = nginx.curl("20.9.0.7")?;
    curl.args(["--no-buffer", "--header", &bearer]);
    curl.arg(format!("{PAGE}live")).stdout(Stdio::piped());
    let mut curl = lab.on_clients(|| Ok(curl.spawn()?))?;
    let mut stream = curl.stdout.take().context("it is piped")?;
    let (mut told, mut buffer, mut whole) = (Vec::new(), [0; 1 << 14], 0);
    // A proxy that buffers passes on what fills its buffers, which is hardly ever whole events.
    while whole < 3 {
        let length = stream.read(&mut buffer)?;
        ensure!(length > 0, "it ended: {}", String::from_utf8_lossy(&told));
        told.extend_from_slice(&buffer[..length]);
        whole += usize::from(told.ends_with(b"}\n\n"));
    }
    curl.kill()?;
    curl.wait()?;
    let told = String::from_utf8(told)?;
    let events = told.matches("\ndata: {\"status\":").count();
    assert!(events >= whole, "{told}");
    Ok(())
}

#[test]
fn the_postmaster_works_through_nginx() -> Result<()> {
    let lab = Lab::new()?;
    let (gate, _nginx) = start(&lab)?;
    gate.block("20.2.0.7")?;
    gate.must(&["removal", "request", "20.2.0.7"])?;
    Browser::Desktop.work(&lab, async |client| {
        log_in_at(client, "http://10.25.0.1/", DESK).await?;
        wait_for(client, "#who", "token desk (write)").await?;
        wait_for(client, "#state", "enforce, calm").await?;
        gate.must(&["flood", "on"])?;
        wait_for(client, "#state", "flood since").await?;
        let grant = "button[aria-label='Grant the request of 20.2.0.7']";
        client.find(Locator::Css(grant)).await?.click().await?;
        wait_for(client, "#removals", "granted by token desk").await
    })
}
