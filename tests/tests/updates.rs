//! Invariants 1 and 2 under load: the table changes while clients connect.

use std::time::Duration;

use anyhow::Result;
use gate_tests::lab::{Gate, Lab};

/// A generator of its own (xorshift64, Marsaglia 2003): the test is the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).expect("below a usize")
    }
}

/// Networks that hold the listed source; one of them is listed at every moment.
const AROUND_LISTED: [&str; 6] = [
    "203.0.113.9/32",
    "203.0.113.8/31",
    "203.0.113.0/28",
    "203.0.113.0/24",
    "203.0.112.0/20",
    "203.0.0.0/16",
];

/// Networks that hold the allowed source; one of them is allowed at every moment.
const AROUND_ALLOWED: [&str; 4] = [
    "198.51.100.7/32",
    "198.51.100.0/29",
    "198.51.100.0/24",
    "198.51.0.0/16",
];

/// Networks that come and go as listings, some of them around or beside the two sources.
const OTHERS: [&str; 8] = [
    "198.51.100.7/32",
    "198.51.100.0/25",
    "198.48.0.0/12",
    "198.51.100.8/32",
    "203.0.113.128/25",
    "192.0.2.0/24",
    "100.64.0.0/10",
    "198.51.100.0/24",
];

#[test]
fn through_200_updates_the_allowed_get_in_and_the_listed_do_not() -> Result<()> {
    let lab = Lab::new()?;
    let gate = lab.gate().start()?;
    gate.allow(AROUND_ALLOWED[0])?;
    gate.block(AROUND_LISTED[0])?;
    let impatient = Duration::from_millis(100);
    let allowed = lab.from("198.51.100.7").keep_connecting()?;
    let listed = lab
        .from("203.0.113.9")
        .patience(impatient)
        .keep_connecting()?;

    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut allowing, mut listing) = (0, 0);
    let mut others = [false; OTHERS.len()];
    for _ in 0..200 {
        match random.below(4) {
            0 => {
                listing = replace(
                    &gate,
                    "block",
                    "unblock",
                    &AROUND_LISTED,
                    listing,
                    &mut random,
                )?;
            }
            1 => {
                allowing = replace(
                    &gate,
                    "allow",
                    "disallow",
                    &AROUND_ALLOWED,
                    allowing,
                    &mut random,
                )?;
            }
            _ => {
                let which = random.below(OTHERS.len());
                let command = if others[which] { "unblock" } else { "block" };
                gate.must(&[command, OTHERS[which]])?;
                others[which] = !others[which];
            }
        }
    }
    allowed.stop()?.assert_let_in(100);
    listed.stop()?.assert_kept_out(10);

    let status = gate.json(&["status"])?;
    assert_eq!(status["plan"], status["kernel"], "{status}");
    Ok(())
}

/// Puts another one of `networks` in force before it takes the one in force away.
fn replace(
    gate: &Gate<'_>,
    make: &str,
    end: &str,
    networks: &[&str],
    in_force: usize,
    random: &mut Random,
) -> Result<usize> {
    let next = (in_force + 1 + random.below(networks.len() - 1)) % networks.len();
    gate.must(&[make, networks[next]])?;
    gate.must(&[end, networks[in_force]])?;
    Ok(next)
}
