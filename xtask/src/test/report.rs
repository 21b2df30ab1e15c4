//! What the steps of a test run came to, as a table.

use std::{fmt, ops::Add, process::ExitCode, time::Duration};

/// Tests, added up over the result lines of libtest.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) ignored: u64,
}

impl Tally {
    /// Adds what `line` says, if it is a result line:
    /// `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; …`.
    pub(super) fn read(&mut self, line: &str) {
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|result| result.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            match count.split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                Some((number, "ignored")) => self.ignored += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            ignored: self.ignored + other.ignored,
        }
    }
}

/// As far as it matters: `12 passed, 0 failed`, and how many were ignored, if any.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        match self.ignored {
            0 => Ok(()),
            ignored => write!(f, ", {ignored} ignored"),
        }
    }
}

/// One step, done.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) time: Duration,
    pub(super) outcome: Outcome,
}

/// What a step came to.
pub(super) enum Outcome {
    /// A check that holds.
    Passed,
    /// Tests that ran; some may have failed.
    Ran(Tally),
    /// It could not be done, or the check does not hold.
    Failed(anyhow::Error),
    /// The option that left it out.
    LeftOut(&'static str),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("ok"),
            Self::Ran(tally) => tally.fmt(f),
            Self::Failed(error) => write!(f, "FAILED: {error:#}"),
            Self::LeftOut(option) => write!(f, "left out ({option})"),
        }
    }
}

/// Prints a line for each step and the sums last; fails if a step did.
pub(super) fn print(steps: &[Step]) -> ExitCode {
    println!();
    for step in steps {
        let seconds = step.time.as_secs_f64();
        println!("{:<14}{seconds:>7.1} s   {}", step.name, step.outcome);
    }
    let sum = sum(steps);
    println!("\n{} passed, {} failed", sum.passed, sum.failed);
    if sum.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// All tests; a step that failed otherwise counts as one.
fn sum(steps: &[Step]) -> Tally {
    let tallies = steps.iter().map(|step| match &step.outcome {
        Outcome::Ran(tally) => *tally,
        Outcome::Failed(_) => Tally {
            failed: 1,
            ..Tally::default()
        },
        Outcome::Passed | Outcome::LeftOut(_) => Tally::default(),
    });
    tallies.fold(Tally::default(), Tally::add)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn tally(passed: u64, failed: u64, ignored: u64) -> Tally {
        Tally {
            passed,
            failed,
            ignored,
        }
    }

    #[test]
    fn result_lines_add_up_and_others_do_not_count() {
        let mut sum = Tally::default();
        for line in [
            "running 7 tests",
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 9 filtered out; finished in 0.00s",
            "test says::9 passed; ... ok",
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ] {
            sum.read(line);
        }
        assert_eq!(sum, tally(7, 3, 1));
        assert_eq!(sum.to_string(), "7 passed, 3 failed, 1 ignored");
    }

    #[test]
    fn a_step_that_fails_without_a_test_counts_as_one() {
        let steps = [
            Outcome::Passed,
            Outcome::Ran(tally(3, 1, 0)),
            Outcome::Failed(anyhow!("no root")),
            Outcome::LeftOut("--no-kernel"),
        ]
        .map(|outcome| Step {
            name: "step",
            time: Duration::ZERO,
            outcome,
        });
        assert_eq!(sum(&steps), tally(3, 2, 0));
    }
}
