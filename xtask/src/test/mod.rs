//! `cargo xtask test`: everything that must hold before a change lands, on this machine's kernel.
//!
//! Each step runs even where an earlier one failed. Out: a table of the steps, and as the last
//! line the sums of all test runs.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::{
    build,
    dist::{self, Programs},
    docs,
    run::{HOST_PACKAGES, cargo, line, root_dir, run, say},
    setup,
};

mod kernel;
mod report;

use report::{Outcome, Step, Tally};

/// What to test.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave out the tests that need root and the kernel
    #[arg(long)]
    no_kernel: bool,
    /// And make what is handed out: install, upgrade and remove the optimized package, run what is in
    /// the tarball, build and load the source as the README says, and make the book
    #[arg(long, conflicts_with = "no_kernel")]
    full: bool,
}

/// Runs all steps and prints what they came to; fails if one of them did.
pub(crate) fn test(options: &Options) -> ExitCode {
    let mut steps = vec![
        step("toolchain", || {
            check(setup::toolchain().and_then(|()| setup::lints()))
        }),
        step("formats", || {
            check(run(cargo().args(["fmt", "--all", "--check"])))
        }),
        step("lints", || check(lints())),
        step("unit tests", || unit_tests().map(Outcome::Ran)),
    ];
    let programs = if options.full {
        Programs::Optimized
    } else {
        Programs::Debug
    };
    let as_root: [(_, &dyn Fn() -> Result<Tally>); 2] = [
        ("kernel tests", &kernel_tests),
        ("package tests", &|| package_tests(programs)),
    ];
    for (name, tests) in as_root {
        steps.push(if options.no_kernel {
            Step {
                name,
                time: Duration::ZERO,
                outcome: Outcome::LeftOut("--no-kernel"),
            }
        } else {
            step(name, || tests().map(Outcome::Ran))
        });
    }
    if options.full {
        steps.push(step("handed out", || handed_out_tests().map(Outcome::Ran)));
        steps.push(step("book", || check(docs::docs())));
    }
    report::print(&steps)
}

/// Does `work` as the step `name`.
fn step(name: &'static str, work: impl FnOnce() -> Result<Outcome>) -> Step {
    say(name);
    let start = Instant::now();
    let outcome = work().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        Outcome::Failed(error)
    });
    Step {
        name,
        time: start.elapsed(),
        outcome,
    }
}

fn check(result: Result<()>) -> Result<Outcome> {
    result.map(|()| Outcome::Passed)
}

fn lints() -> Result<()> {
    let mut clippy = cargo();
    clippy.args(["clippy", "--locked", "--workspace", "--all-targets"]);
    run(clippy.args(["--", "--deny", "warnings"]))
}

/// The tests that need neither root nor a kernel: all but the integration tests of gate-tests.
fn unit_tests() -> Result<Tally> {
    let mut tests = cargo_test();
    tests.args(["--lib", "--bins"]);
    for name in integration_tests("gate-user/tests")? {
        tests.args(["--test", &name]);
    }
    Ok(count(&mut tests)? + count(cargo_test().arg("--doc"))?)
}

/// The integration tests of gate-tests, as root.
fn kernel_tests() -> Result<Tally> {
    setup::test_tools()?;
    // Most of their time they wait for a connection that is not answered.
    tests_as_root(&integration_tests("tests/tests")?, 8, &[])
}

/// Runs the integration tests of these names, so many at a time, with these variables set.
fn tests_as_root(names: &[String], at_once: u8, variables: &[(&str, &Path)]) -> Result<Tally> {
    let runner = kernel::runner()?;
    // They run these, and cargo does not know it.
    build::programs(&["gated", "gatectl"], false)?;
    let mut tests = cargo_test();
    for name in names {
        tests.args(["--test", name]);
    }
    tests.args(["--", "--test-threads", &at_once.to_string()]);
    if let Some((variable, sudo)) = runner {
        tests.env(variable, sudo);
    }
    count(tests.envs(variables.iter().copied()))
}

/// `cargo test`, of what its caller names.
fn cargo_test() -> Command {
    let mut tests = cargo();
    tests.args(["test", "--locked", "--no-fail-fast"]);
    tests.args(HOST_PACKAGES);
    tests
}

/// The tests of the packages, as root.
fn package_tests(programs: Programs) -> Result<Tally> {
    let packages = dist::packages_for_tests(programs)?;
    tests_on_a_machine(&["packages".to_owned()], &packages)
}

/// The tests of what is handed out besides packages, as root: the tarball, and the source, which the tests
/// of the packages have had built with optimizations already.
fn handed_out_tests() -> Result<Tally> {
    let directory = dist::tarball_for_tests()?;
    tests_on_a_machine(&integration_tests("tests/full")?, &directory)
}

/// Runs the integration tests of these names, as root, of what is in `packages`, in a Debian that boots
/// beside this machine's system.
fn tests_on_a_machine(names: &[String], packages: &Path) -> Result<Tally> {
    setup::test_tools()?;
    let machine = setup::machine()?;
    let variables = [
        ("GATE_MACHINE", machine.as_path()),
        ("GATE_PACKAGES", packages),
    ];
    // Each boots a system.
    tests_as_root(names, 2, &variables)
}

/// The names of the integration tests in the directory `dir` of the workspace: files, and
/// directories with a `main.rs`.
fn integration_tests(dir: &str) -> Result<Vec<String>> {
    let dir = root_dir().join(dir);
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let is_test = path.extension().is_some_and(|extension| extension == "rs")
            || path.join("main.rs").exists();
        if is_test && let Some(name) = path.file_stem() {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Runs `cargo test` with its output in the terminal, and adds up what it says.
///
/// # Errors
/// It failed for another reason than a failing test.
fn count(tests: &mut Command) -> Result<Tally> {
    let mut child = tests
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("running `{}`", line(tests)))?;
    let output = child.stdout.take().expect("piped");
    let mut tally = Tally::default();
    for text in BufReader::new(output).lines() {
        let text = text?;
        println!("{text}");
        tally.read(&text);
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        bail!("`{}` failed: {status}", line(tests));
    }
    Ok(tally)
}
