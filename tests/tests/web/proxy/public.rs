//! The public page: a visitor is the one whom nginx saw, and nobody posts but the page.

use anyhow::{Context as _, Result};
use gate_tests::lab::{Gate, Lab};
use serde_json::Value;

use super::{nginx::Nginx, piece};

const DOCUMENT: &str = include_str!("../../../../docs/web.md");

/// Where the document has the page, from outside.
const PAGE: &str = "https://www.example.org/refused";

/// A gate with the public page, whose `[web]` has more `keys`, and nginx in front.
fn start<'a>(lab: &'a Lab, keys: &str) -> Result<(Gate<'a>, Nginx<'a>)> {
    let tables = piece(DOCUMENT, "what it says of its clients:")?;
    let tables = tables.replace("[web]\n", &format!("[web]\n{keys}"));
    let gate = lab.gate().with(&tables).start()?;
    let nginx = Nginx::start(lab, &piece(DOCUMENT, "For nginx:")?)?;
    Ok((gate, nginx))
}

#[test]
fn a_visitor_is_counted_by_the_address_that_nginx_saw() -> Result<()> {
    let lab = Lab::new()?;
    let (_gate, nginx) = start(&lab, "looks_per_network = \"2/1h\"\n")?;
    let (status, page) = nginx.ask("20.2.0.7", &[PAGE])?;
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("Why mail is refused"), "{page}");
    let look = format!("{PAGE}?address=20.9.0.7");
    for (from, forged, expected) in [
        ("20.2.0.7", "", 200),
        ("20.2.0.8", "", 200),
        ("20.2.0.9", "", 429),
        // Nobody passes for somebody else, neither to look more often nor to use up another's share.
        ("20.2.0.9", "X-Forwarded-For: 20.3.0.7", 429),
        ("20.2.0.9", "X-Forwarded-For: 20.3.0.7, 127.0.0.1", 429),
        ("20.3.0.7", "X-Forwarded-For: 20.2.0.7", 200),
        ("20.3.0.7", "Forwarded: for=20.2.0.7", 200),
        ("20.3.0.8", "", 429),
        ("fd25::2", "", 200),
    ] {
        let (status, answer) = nginx.ask(from, &["--header", forged, &look])?;
        assert_eq!(status, expected, "{from} {forged}: {answer}");
    }
    Ok(())
}

#[test]
fn a_removal_is_asked_for_by_the_page_alone() -> Result<()> {
    let lab = Lab::new()?;
    let (gate, nginx) = start(&lab, "")?;
    gate.block("20.2.0.7")?;
    let look = format!("{PAGE}?address=20.2.0.7");
    let (_, page) = nginx.ask("20.2.0.7", &[&look])?;
    let token = page.split_once("name=\"token\" value=\"");
    let (token, _) = token
        .and_then(|(_, rest)| rest.split_once('"'))
        .with_context(|| format!("no form: {page}"))?;
    let form = format!("address=20.2.0.7&contact=admin@example.net&token={token}");
    let waiting = || gate.json(&["removal", "list"]);
    let own = "Origin: https://www.example.org";
    let beside = "Sec-Fetch-Site: same-site";
    let elsewhere = "Origin: https://elsewhere.example";
    for (from, header, expected, answered) in [
        ("20.2.0.7", elsewhere, 403, "Another page sent this"),
        ("20.2.0.7", beside, 403, "Another page sent this"),
        ("20.3.0.7", own, 403, "lay open for too long"),
        ("20.2.0.7", own, 200, "with the postmaster"),
    ] {
        assert_eq!(waiting()?["removals"][0], Value::Null, "{from} {header}");
        let (status, answer) = nginx.ask(from, &["--header", header, "--data", &form, &look])?;
        assert_eq!(status, expected, "{from} {header}: {answer}");
        assert!(answer.contains(answered), "{from} {header}: {answer}");
    }
    let waiting = waiting()?;
    assert_eq!(waiting["removals"][0]["asked_by"], "web 20.2.0.7");
    Ok(())
}
