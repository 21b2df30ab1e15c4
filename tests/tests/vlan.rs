//! Frames with VLAN tags on a guarded interface: a tag hides nobody, and harms nobody.

use anyhow::Result;
use gate_tests::lab::{
    Lab,
    Outcome::{Connected, TimedOut},
    Tags,
};

#[test]
fn a_vlan_tag_hides_nobody() -> Result<()> {
    for attach in ["native", "generic"] {
        let lab = Lab::new()?;
        let gate = lab.gate().set("attach", attach).start()?;
        gate.block("192.0.2.0/24")?;
        gate.block("2001:db8:bad::/48")?;
        for tags in [Tags::Dot1Q, Tags::QinQ] {
            let _tagging = lab.tag(lab.link(), tags)?;
            for (source, expected) in [
                ("192.0.2.7", TimedOut),
                ("2001:db8:bad::7", TimedOut),
                ("198.51.100.7", Connected),
                ("2001:db8::7", Connected),
            ] {
                let outcome = lab.connect(source)?;
                assert_eq!(outcome, expected, "{source}, {tags:?}, {attach}");
            }
        }
    }
    Ok(())
}
