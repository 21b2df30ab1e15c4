//! Enough sources list their network, and only as long as there are enough.

use anyhow::Result;
use gate_tests::lab::{
    Lab,
    Outcome::{Connected, TimedOut},
};

use gate_tests::mails::list;

#[test]
fn invariant_1_four_sources_list_their_24_but_for_whom_is_allowed() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    gate.allow("20.2.0.200")?;
    for host in 1..=3 {
        list(&gate, &format!("20.2.0.{host}"))?;
    }
    assert_eq!(lab.connect("20.2.0.5")?, Connected);
    let shown = gate.must(&["rollup", "--dry-run"])?;
    assert!(shown.contains("3 of 4"), "{shown}");
    list(&gate, "20.2.0.4")?;
    for (source, outcome) in [
        ("20.2.0.1", TimedOut),
        ("20.2.0.5", TimedOut),
        ("20.2.0.200", Connected),
        ("20.2.1.5", Connected),
    ] {
        assert_eq!(lab.connect(source)?, outcome, "{source}");
    }
    assert_eq!(gate.json(&["check", "20.2.0.5"])?["reason"], "rollup");
    let queued = gate.json(&["removal", "request", "20.2.0.5"])?;
    assert_eq!(queued["decision"], "queued");
    gate.must(&["removal", "grant", &queued["id"].to_string()])?;
    assert_eq!(lab.connect("20.2.0.5")?, Connected);
    assert_eq!(lab.connect("20.2.0.6")?, TimedOut);
    // Three are left: it stays. Two: the rollup ends, and each stands for itself.
    gate.unblock("20.2.0.1")?;
    assert_eq!(lab.connect("20.2.0.6")?, TimedOut);
    gate.unblock("20.2.0.2")?;
    assert_eq!(lab.connect("20.2.0.6")?, Connected);
    assert_eq!(lab.connect("20.2.0.4")?, TimedOut);
    Ok(())
}

#[test]
fn four_64s_list_their_48() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    for network in 1..=4 {
        // Two addresses of a /64 are one source.
        list(&gate, &format!("2a00:7:1:{network}::1"))?;
        list(&gate, &format!("2a00:7:1:{network}::2"))?;
        let rolled_up = lab.connect("2a00:7:1:ffff::1")? == TimedOut;
        assert_eq!(rolled_up, network == 4, "{network}");
    }
    assert_eq!(lab.connect("2a00:7:2::1")?, Connected);
    Ok(())
}

#[test]
fn a_network_with_good_mail_is_not_rolled_up_and_check_says_why() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    let ham = r#"{"address": "20.2.0.100", "verdict": "ham", "count": 5000}"#;
    assert_eq!(gate.pipe(&["verdict", "-"], ham.as_bytes())?.code, 0);
    for host in 1..=4 {
        list(&gate, &format!("20.2.0.{host}"))?;
    }
    assert_eq!(lab.connect("20.2.0.5")?, Connected);
    let shown = gate.ctl(&["check", "--explain", "20.2.0.5"])?;
    assert!(
        shown
            .stdout
            .contains("not rolled up: 5000 of its 5000 messages"),
        "{}",
        shown.stdout
    );
    Ok(())
}
