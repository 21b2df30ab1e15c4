//! What should never happen, and what the gate does then.

use gate_common::{Config, Mode, Reason};
use gate_tests::{
    packet::Packet,
    table::{V4, gate},
    xdp::{Gate, Outcome},
};

/// The ring buffer of aya-log.
const LOGS: &str = "AYA_LOGS";

#[test]
fn a_config_that_is_not_of_this_version_turns_the_gate_off() {
    let mut gate = gate(Mode::Enforce);
    let cpus = gate.per_cpu(V4.family).len();
    let good = Config::new(Mode::Enforce, 0, [25, 0, 0, 0, 0, 0, 0, 0]);
    let listed = Packet::syn(V4.listed).frame();
    let cut = Packet::syn(V4.listed).keep(7).frame();
    for bad in [
        Config {
            abi: good.abi + 1,
            ..good
        },
        Config { mode: 3, ..good },
    ] {
        gate.write_config(&bad);
        for _ in 0..200 {
            assert_eq!(gate.judge(&listed), Outcome::Seen(V4.family));
        }
        assert_eq!(gate.judge(&cut), Outcome::Ignored);
    }
    // Powers of two up to 400, on each CPU.
    let lines = gate.records(LOGS).len();
    assert!(
        (1..=9 * cpus).contains(&lines),
        "{lines} lines for 400 SYNs"
    );

    gate.write_config(&good);
    assert_eq!(gate.judge(&listed), V4.dropped());
    assert_eq!(
        gate.records(LOGS).len(),
        0,
        "nothing to say of what is right"
    );
}

#[test]
fn invariant_2_a_reason_of_the_future_blocks() {
    let mut gate = Gate::load();
    // The counters have 16 slots: this is counted as 4, and reported as itself.
    gate.list_as("192.0.2.0/24", 20);
    gate.configure(Mode::Enforce, 1, &[25]);
    let outcome = gate.judge(&Packet::syn(V4.listed).frame());
    assert_eq!(outcome, Outcome::Dropped(V4.family, Reason::Rollup));
    assert_eq!(gate.records(LOGS).len(), 1);
    let reasons: Vec<u8> = gate.events().iter().map(|event| event.what).collect();
    assert_eq!(reasons, [20]);
}
