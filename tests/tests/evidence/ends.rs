//! How listings end: by themselves, on request, by the postmaster's word.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use gate_tests::lab::{
    Gate, Lab,
    Outcome::{Connected, TimedOut},
};

use gate_tests::mails::{complain, list, report};

/// `gatectl removal request ADDRESS`; the decision.
fn ask(gate: &Gate<'_>, address: &str) -> Result<String> {
    let answer = gate.json(&["removal", "request", address, "--contact", "a@example.net"])?;
    Ok(answer["decision"].as_str().unwrap_or_default().to_owned())
}

/// Waits until `source` passes again.
fn wait_for(lab: &Lab, source: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while lab.connect(source)? != Connected {
        ensure!(Instant::now() < deadline, "{source} is still listed");
    }
    Ok(())
}

#[test]
fn a_listing_ends_after_its_quiet_time_and_a_repeat_lasts_twice_as_long() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().with("[listing]\nquiet = \"4s\"").start()?;
    list(&gate, "20.2.0.7")?;
    assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
    wait_for(&lab, "20.2.0.7")?;
    complain(&gate, &report("20.2.0.7", "three@example.org"))?;
    let history = gate.json(&["history", "20.2.0.7"])?;
    let time = |entry: usize, key: &str| -> Result<jiff::Timestamp> {
        let text = history["entries"][entry][key].as_str().unwrap_or_default();
        Ok(text.parse()?)
    };
    let lasts = |entry| Ok::<_, anyhow::Error>(time(entry, "expires")? - time(entry, "since")?);
    assert_eq!(history["entries"][1]["cause"], "expired");
    let (first, second) = (lasts(1)?.get_seconds(), lasts(0)?.get_seconds());
    assert!((3..=5).contains(&first), "{history}");
    assert!((7..=8).contains(&second), "{history}");
    assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
    wait_for(&lab, "20.2.0.7")
}

#[test]
fn a_request_is_refused_and_granted_by_the_score() -> Result<()> {
    let lab = Lab::new()?;
    let limits = "[removal]\nper_network = 3\nper_contact = 4";
    let gate = lab.gate().with(limits).start()?;
    list(&gate, "20.2.0.7")?;
    assert_eq!(ask(&gate, "20.2.0.7")?, "refused");
    assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
    let shown = gate.must(&["removal", "list"])?;
    assert!(
        shown.contains("20.2.0.7") && shown.contains("refused"),
        "{shown}"
    );

    // Among so much good mail two complaints are nothing.
    let ham = r#"{"address": "20.2.0.7", "verdict": "ham", "count": 100000}"#;
    assert_eq!(gate.pipe(&["verdict", "-"], ham.as_bytes())?.code, 0);
    assert_eq!(
        lab.connect("20.2.0.7")?,
        TimedOut,
        "a listing does not end by itself at once"
    );
    assert_eq!(ask(&gate, "20.2.0.7")?, "granted");
    assert_eq!(lab.connect("20.2.0.7")?, Connected);
    let history = gate.json(&["history", "20.2.0.7"])?;
    assert!(history["entries"][0]["ended"].is_string(), "{history}");

    // Limits hold for the /24.
    list(&gate, "20.2.0.8")?;
    assert_eq!(ask(&gate, "20.2.0.8")?, "refused");
    let said = gate.ctl(&["removal", "request", "20.2.0.8"])?;
    assert!(
        said.code == 2 && said.stderr.contains("try again later"),
        "{said:?}"
    );
    // And for whoever asks, wherever.
    list(&gate, "20.3.0.7")?;
    assert_eq!(ask(&gate, "20.3.0.7")?, "refused");
    let again = [
        "removal",
        "request",
        "20.3.0.7",
        "--contact",
        "a@example.net",
    ];
    let said = gate.ctl(&again)?;
    assert!(
        said.code == 2 && said.stderr.contains("4 requests for a@example.net"),
        "{said:?}"
    );
    Ok(())
}

#[test]
fn bounces_list_until_the_postmaster_says_so() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    let bounces = r#"{"address": "20.2.0.7", "verdict": "bounce-undeliverable", "count": 100}"#;
    assert_eq!(gate.pipe(&["verdict", "-"], bounces.as_bytes())?.code, 0);
    assert_eq!(gate.json(&["check", "20.2.0.7"])?["reason"], "nobounce");
    assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
    let queued = gate.json(&["removal", "request", "20.2.0.7", "--note", "mended"])?;
    assert_eq!(queued["decision"], "queued");
    assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
    let number = queued["id"].to_string();
    gate.must(&["removal", "deny", &number])?;
    assert_eq!(lab.connect("20.2.0.7")?, TimedOut);
    let shown = gate.must(&["removal", "show", &number])?;
    assert!(
        shown.contains("mended") && shown.contains("refused"),
        "{shown}"
    );
    gate.must(&["removal", "grant", &number])?;
    assert_eq!(lab.connect("20.2.0.7")?, Connected);
    Ok(())
}
