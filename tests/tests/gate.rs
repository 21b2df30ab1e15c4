//! The gate before a real server: who is listed waits in vain, everybody else gets through.

use anyhow::Result;
use gate_tests::lab::{
    Lab,
    Outcome::{Connected, TimedOut},
    SUBMISSION,
};

#[test]
fn a_listed_source_does_not_get_in() -> Result<()> {
    for attach in ["native", "generic"] {
        let lab = Lab::new()?;
        let gate = lab.gate().set("attach", attach).start()?;
        gate.block("192.0.2.0/24")?;
        gate.block("2001:db8:bad::/48")?;
        gate.allow("192.0.2.25")?;

        assert_eq!(lab.connect("192.0.2.7")?, TimedOut, "{attach}");
        assert_eq!(lab.connect("2001:db8:bad::7")?, TimedOut, "{attach}");
        assert_eq!(lab.connect("192.0.2.25")?, Connected, "{attach}: allowed");
        assert_eq!(lab.connect("198.51.100.7")?, Connected, "{attach}");
        assert_eq!(lab.connect("2001:db8::7")?, Connected, "{attach}");
        let unguarded = lab.from("192.0.2.7").port(SUBMISSION).connect()?;
        assert_eq!(unguarded, Connected, "{attach}: port {SUBMISSION}");

        gate.unblock("192.0.2.0/24")?;
        assert_eq!(lab.connect("192.0.2.7")?, Connected, "{attach}: unblocked");
        let interfaces = &gate.json(&["status"])?["interfaces"];
        assert_eq!(interfaces[0]["attach"], attach);
    }
    Ok(())
}

#[test]
fn the_kernel_goes_on_when_gated_is_killed() -> Result<()> {
    // Invariant 5.
    let lab = Lab::new()?;
    let mut gate = lab.gate().start()?;
    gate.block("192.0.2.0/24")?;
    let listed = lab.from("192.0.2.7").keep_connecting()?;
    gate.kill()?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut, "with gated gone");
    gate.start()?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut, "with gated back");
    assert_eq!(listed.stop()?.connected, 0, "invariant 2");
    Ok(())
}
