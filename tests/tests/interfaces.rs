//! Where the gate stands: what a reload or a start makes of the configured interfaces.

use std::time::Duration;

use anyhow::Result;
use gate_tests::lab::{
    Lab, Link,
    Outcome::{Connected, TimedOut},
};
use serde_json::Value;

const SOURCE: &str = "192.0.2.7";

#[test]
fn while_an_interface_cannot_be_had_the_former_one_stays_guarded() -> Result<()> {
    let lab = Lab::new()?;
    let second = lab.add_link()?;
    let mut gate = lab.gate().start()?;
    gate.block(SOURCE)?;
    let over = |link: &Link| lab.from(SOURCE).over(link).connect();

    gate.edit(lab.link().device(), "nosuch0")?;
    gate.must(&["reload"])?;
    let status = gate.json(&["status"])?;
    let interface = &status["interfaces"][0];
    assert_eq!(interface["attach"], Value::Null, "{status}");
    let problem = interface["problem"].as_str().unwrap_or_default();
    assert!(problem.contains("does not exist"), "{status}");
    assert_eq!(over(lab.link())?, TimedOut, "after a reload");

    gate.kill()?;
    let error = gate.start().expect_err("nosuch0 is not there");
    assert!(error.to_string().contains("nosuch0"), "{error}");
    assert_eq!(over(lab.link())?, TimedOut, "after a start that failed");

    gate.edit("nosuch0", second.device())?;
    gate.start()?;
    assert_eq!(over(&second)?, TimedOut);
    assert_eq!(over(lab.link())?, Connected, "no longer named");
    Ok(())
}

#[test]
fn a_start_changes_how_the_gate_is_attached() -> Result<()> {
    let lab = Lab::new()?;
    let mut gate = lab.gate().set("attach", "generic").start()?;
    gate.block(SOURCE)?;
    for (from, to) in [("generic", "native"), ("native", "generic")] {
        gate.edit(from, to)?;
        gate.stop()?;
        gate.start()?;
        let status = gate.json(&["status"])?;
        assert_eq!(status["interfaces"][0]["attach"], to, "{status}");
        assert_eq!(lab.connect(SOURCE)?, TimedOut, "{to}");
    }
    Ok(())
}

#[test]
fn a_mode_that_cannot_be_had_leaves_the_former_one_in_force() -> Result<()> {
    let lab = Lab::new()?;
    // The loopback driver has no native XDP.
    let mut gate = lab.gate().only_on("lo").set("attach", "generic").start()?;
    let link = gate.pins().join("link/lo");
    assert!(link.exists(), "it is pinned");
    gate.edit("generic", "native")?;
    gate.stop()?;
    let error = gate.start().expect_err("no native XDP");
    assert!(error.to_string().contains("has no native XDP"), "{error}");
    assert!(link.exists(), "it was taken off");
    Ok(())
}

#[test]
fn detach_takes_every_interface_off_before_it_returns() -> Result<()> {
    let lab = Lab::new()?;
    let second = lab.add_link()?;
    let mut gate = lab.gate().on(&second).start()?;
    gate.block(SOURCE)?;
    gate.must(&["detach", "--yes"])?;
    for link in [lab.link(), &second] {
        let outcome = lab
            .from(SOURCE)
            .over(link)
            .patience(Duration::from_millis(500))
            .connect()?;
        assert_eq!(outcome, Connected, "over {}", link.device());
    }
    gate.wait()
}
