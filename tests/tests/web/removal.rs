//! Asking for removal on the page, without any script.

use anyhow::Result;
use gate_tests::{
    browser::Browser,
    lab::{
        Lab,
        Outcome::{Connected, TimedOut},
    },
    mails::list,
};

use crate::page::{check, request, start, text};

#[test]
fn a_request_is_refused_and_granted_by_the_score_without_script() -> Result<()> {
    let lab = Lab::new()?;
    let gate = start(&lab, "")?;
    list(&gate, "20.2.0.7")?;
    assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
    Browser::WithoutScript.work(&lab, async |client| {
        // It does run none.
        client
            .goto("data:text/html,<title>a</title><script>document.title='b'</script>")
            .await?;
        assert_eq!(client.title().await?, "a");

        assert_eq!(check(client, "20.2.0.7").await?, "20.2.0.7 is listed");
        let answer = request(client).await?;
        assert!(answer.starts_with("Refused"), "{answer}");
        assert_eq!(text(client, "main h2").await?, "20.2.0.7 is listed");
        assert_eq!(lab.connect("20.2.0.7")?, TimedOut);

        // Among so much good mail two complaints are nothing.
        let ham = r#"{"address": "20.2.0.7", "verdict": "ham", "count": 100000}"#;
        assert_eq!(gate.pipe(&["verdict", "-"], ham.as_bytes())?.code, 0);
        let answer = request(client).await?;
        assert!(answer.starts_with("Granted"), "{answer}");
        assert_eq!(text(client, "main h2").await?, "20.2.0.7 is not listed");
        Ok(())
    })?;
    assert_eq!(lab.connect("20.2.0.7")?, Connected);
    let history = gate.json(&["history", "20.2.0.7"])?;
    assert_eq!(history["entries"][0]["ended_by"], "web 10.25.0.2");
    let removals = gate.json(&["removal", "list"])?;
    let [granted, refused] = &removals["removals"].as_array().expect("a list")[..] else {
        panic!("{removals}");
    };
    assert_eq!(granted["decision"], "granted");
    assert_eq!(granted["contact"], "admin@example.net");
    assert_eq!(refused["decision"], "refused");
    assert_eq!(refused["asked_by"], "web 10.25.0.2");
    Ok(())
}

#[test]
fn what_the_postmaster_decides_waits_for_him() -> Result<()> {
    let lab = Lab::new()?;
    let gate = start(&lab, "")?;
    gate.block("20.2.0.7")?;
    Browser::Desktop.work(&lab, async |client| {
        check(client, "20.2.0.7").await?;
        let answer = request(client).await?;
        assert!(answer.contains("postmaster"), "{answer}");
        Ok(())
    })?;
    assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
    let waiting = gate.json(&["removal", "list", "--decision", "queued"])?;
    assert_eq!(waiting["removals"][0]["address"], "20.2.0.7", "{waiting}");
    Ok(())
}
