//! How an address stands, as the page tells it.

use anyhow::Result;
use fantoccini::Locator;
use gate_tests::{
    browser::{Browser, picture},
    lab::Lab,
};
use serde_json::Value;

use crate::page::{PAGE, check, start, text};

/// A reply, as a mail server puts it into the mail that it sends back.
const BOUNCE: &str = "host mx.example.org[198.51.100.25] said: 554 5.7.1 - ERROR: Mail Refused - \
                      <20.2.0.7> - See http://10.25.0.1/#manual - 20261126 (in reply to RCPT TO)";

/// The codes that replies name.
const TOPICS: [&str; 13] = [
    "directspam",
    "highspam",
    "nobounce",
    "rollup",
    "dynamic",
    "generic",
    "nordns",
    "forged",
    "dnsbl",
    "feed",
    "connlimit",
    "manual",
    "limits",
];

#[test]
fn an_address_is_told_how_it_stands_and_a_message_is_understood() -> Result<()> {
    let lab = Lab::new()?;
    let gate = start(&lab, "")?;
    gate.must(&[
        "block",
        "20.2.0.0/24",
        "--comment",
        "a secret of ours",
        "--for",
        "3d",
    ])?;
    gate.block("2a00:1:2::/64")?;
    Browser::Desktop.work(&lab, async |client| {
        let headline = check(client, "20.9.0.7").await?;
        assert_eq!(headline, "20.9.0.7 is not listed");
        for asked in ["20.2.0.7", BOUNCE] {
            assert_eq!(check(client, asked).await?, "20.2.0.7 is listed", "{asked}");
            let shown = text(client, ".listings").await?;
            for part in ["manual", "20.2.0.0/24", "Since", "Ends", "not answered"] {
                assert!(shown.contains(part), "{part}: {shown}");
            }
            assert!(!client.source().await?.contains("a secret of ours"));
        }
        picture(client, "public").await?;
        let headline = check(client, "2a00:1:2::7").await?;
        assert_eq!(headline, "2a00:1:2::7 is listed");
        let headline = check(client, "2a00:1:3::7").await?;
        assert_eq!(headline, "2a00:1:3::7 is not listed");
        let headline = check(client, "mail.example.org").await?;
        assert_eq!(headline, "Check an address");
        assert!(text(client, "#notice").await?.contains("no IP address"));
        let unnamed = BOUNCE.replace("20.2.0.7", "a.dyn.example.net");
        let headline = check(client, &unnamed.replace("#manual", "#dynamic")).await?;
        assert_eq!(headline, "Check an address");
        let notice = text(client, "#notice").await?;
        assert!(notice.contains("names the reason dynamic"), "{notice}");
        client.goto(&format!("{PAGE}nothing")).await?;
        assert!(text(client, "#notice").await?.contains("no such page"));
        client
            .find(Locator::Css("#notice a"))
            .await?
            .click()
            .await?;
        assert_eq!(text(client, "main h2").await?, "Check an address");

        for topic in TOPICS {
            client.goto(&format!("{PAGE}#{topic}")).await?;
            let target = text(client, "article:target").await?;
            assert!(target.starts_with(topic), "{topic}: {target}");
            assert!(target.contains("Way out"), "{topic}: {target}");
        }
        Ok(())
    })
}

#[test]
fn it_fits_a_phone_and_is_told_apart_by_keyboard_and_reader() -> Result<()> {
    let lab = Lab::new()?;
    let gate = start(&lab, "")?;
    gate.block("2a00:1111:2222:3333::/64")?;
    Browser::Phone.work(&lab, async |client| {
        let asked = format!(
            "2a00:1111:2222:3333:4444:5555:6666:7777 {}",
            "x".repeat(300)
        );
        check(client, &asked).await?;
        let widths = "return [document.documentElement.scrollWidth, window.innerWidth]";
        let widths = client.execute(widths, Vec::new()).await?;
        assert_eq!(widths[1], 360, "{widths}");
        assert!(widths[0].as_u64() <= widths[1].as_u64(), "{widths}");
        picture(client, "public-phone").await?;

        // Each field has its label, and nothing has an id twice.
        let audit = "return {
            nameless: [...document.querySelectorAll('input:not([type=hidden]), textarea')]
                .filter(field => !field.labels.length).map(field => field.id),
            twice: [...document.querySelectorAll('[id]')].map(one => one.id)
                .filter((id, at, all) => all.indexOf(id) !== at),
            lang: document.documentElement.lang,
            main: document.querySelectorAll('main').length,
            h1: document.querySelectorAll('h1').length,
        }";
        let audit = client.execute(audit, Vec::new()).await?;
        let none = Value::Array(Vec::new());
        assert_eq!((&audit["nameless"], &audit["twice"]), (&none, &none));
        assert_eq!(
            (&audit["lang"], &audit["main"], &audit["h1"]),
            (&"en".into(), &1.into(), &1.into())
        );

        // The first stop of the tabulator leads past the introduction.
        client.goto(PAGE).await?;
        let body = client.find(Locator::Css("body")).await?;
        body.send_keys("\u{e004}").await?;
        let first = client.active_element().await?.text().await?;
        assert_eq!(first, "Check an address");
        Ok(())
    })
}
