//! The lab itself, without a gate: what it says about connections is true.

use anyhow::Result;
use gate_tests::lab::{
    Lab,
    Outcome::{Connected, Refused, TimedOut},
    SUBMISSION,
};

#[test]
fn every_public_address_is_a_clients() -> Result<()> {
    let lab = Lab::new()?;
    for source in [
        "192.0.2.7",
        "1.2.3.4",
        "223.255.255.254",
        "2001:db8::7",
        "2a00:1450::19",
    ] {
        let client = lab.from(source);
        assert_eq!(client.connect()?, Connected, "{source}");
        assert_eq!(client.clone().port(SUBMISSION).connect()?, Connected);
        assert_eq!(client.port(26).connect()?, Refused, "{source}");
    }
    Ok(())
}

#[test]
fn a_connection_that_nobody_answers_times_out() -> Result<()> {
    let lab = Lab::new()?;
    lab.blackhole("192.0.2.0/24")?;
    lab.blackhole("2001:db8::/32")?;
    assert_eq!(lab.connect("192.0.2.7")?, TimedOut);
    assert_eq!(lab.connect("2001:db8::7")?, TimedOut);
    assert_eq!(lab.connect("198.51.100.7")?, Connected);
    assert_eq!(lab.connect("2001:db9::7")?, Connected);
    Ok(())
}

#[test]
fn links_are_ways_of_their_own() -> Result<()> {
    let lab = Lab::new()?;
    let second = lab.add_link()?;
    for link in [lab.link(), &second] {
        for source in ["192.0.2.7", "2001:db8::7"] {
            let outcome = lab.from(source).over(link).connect()?;
            assert_eq!(outcome, Connected, "{source} over {}", link.device());
        }
    }
    Ok(())
}

#[test]
fn a_client_connects_until_it_is_told_to_stop() -> Result<()> {
    let lab = Lab::new()?;
    let client = lab.from("2001:db8::7").keep_connecting()?;
    assert_eq!(lab.connect("192.0.2.7")?, Connected);
    let tally = client.stop()?;
    assert!(tally.connected > 0, "{tally:?}");
    assert_eq!((tally.refused, tally.timed_out), (0, 0), "{tally:?}");
    Ok(())
}
