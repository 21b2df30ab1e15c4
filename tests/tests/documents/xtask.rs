//! The documents' calls of `cargo xtask`, made as they stand where that is a matter of seconds; and
//! what the README shows of one is what it prints.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use gate_tests::typed;
use jiff::Timestamp;

use super::{commands::commands, page, programs};

const DEMO: &str = "cargo xtask demo";

#[test]
fn every_call_of_cargo_is_run_or_said_to_be_run_elsewhere() -> Result<()> {
    let mut lines = BTreeSet::new();
    for (_, commands) in commands()? {
        let of_cargo = commands.iter().filter(|command| command[0] == "cargo");
        lines.extend(of_cargo.map(|command| command.join(" ")));
    }
    for line in &lines {
        let is_run = programs::RUN.contains(&line.as_str());
        ensure!(
            is_run != programs::is_parsed_only(line),
            "`{line}`: who runs that?"
        );
    }
    let gone = programs::RUN.iter().find(|line| !lines.contains(**line));
    ensure!(gone.is_none(), "no document calls {gone:?} any more");
    Ok(())
}

/// CONTRIBUTING.md: a second run installs nothing. The first came before these tests were built.
#[test]
fn a_second_setup_installs_nothing() -> Result<()> {
    let said = typed::in_workspace("cargo xtask setup")?;
    ensure!(said.starts_with("==> setup: nothing to "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    Ok(())
}

#[test]
fn the_demo_is_what_the_readme_shows() -> Result<()> {
    let pages = page::all()?;
    let readme = pages.iter().find(|page| page.path.ends_with("README.md"));
    let mut blocks = readme.context("there is no README.md")?.blocks.iter();
    let shown = blocks.find_map(|block| block.text.strip_prefix(&format!("$ {DEMO}\n")));
    let shown: Vec<&str> = shown.context("README.md shows no demo")?.lines().collect();

    let said = typed::in_workspace(DEMO)?;
    // What is installed and built before is not shown.
    let demo = said.lines().skip_while(|line| Some(line) != shown.first());
    let demo: Vec<&str> = demo.collect();
    let comparable =
        |lines: &[&str]| -> Vec<String> { lines.iter().map(|line| comparable(line)).collect() };
    assert_eq!(comparable(&demo), comparable(&shown), "{said}");
    for (demo, shown) in demo.iter().zip(&shown) {
        // A SYN that a busy machine repeats is counted again.
        ensure!(count(demo) >= count(shown), "`{demo}` for `{shown}`");
    }
    Ok(())
}

/// A line without what is another one each time: the time, how long it takes to another, and what
/// `gatectl stats` counts.
fn comparable(line: &str) -> String {
    let (line, _) = counter(line).unwrap_or((line, 0));
    let is_time = |word: &str| word.trim_end_matches(',').parse::<Timestamp>().is_ok();
    let words = line.split(' ');
    let words: Vec<&str> = words
        .map(|word| if is_time(word) { "TIME" } else { word })
        .collect();
    let line = words.join(" ");
    match line.split_once(" (in ") {
        Some((before, _)) => format!("{before} (in a while)"),
        None => line,
    }
}

fn count(line: &str) -> u64 {
    counter(line).map_or(0, |(_, count)| count)
}

/// A counter's name and its count, of a line like `dropped     3  42.9 %`.
fn counter(line: &str) -> Option<(&str, u64)> {
    const COUNTERS: [&str; 8] = [
        "seen",
        "passed",
        "allowed",
        "dropped",
        "feed",
        "manual",
        "would drop",
        "malformed",
    ];
    let is_figure = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '.' | '%');
    let name = line.trim_end_matches(is_figure);
    let count = line[name.len()..].split_whitespace().next()?;
    let known = COUNTERS.contains(&name.trim_start());
    Some((name, known.then(|| count.parse().ok())??))
}

#[test]
fn only_times_and_counts_are_passed_over() {
    for (line, expected) in [
        ("  feed      2  28.6 %", "  feed"),
        (
            "listed, until 2026-11-25T12:52:38Z (in 2d 23h)",
            "listed, until TIME (in a while)",
        ),
        (
            "192.0.2.7         25    timed out   listed",
            "192.0.2.7         25    timed out   listed",
        ),
        (
            "  kernel: pass through 192.0.2.25/32",
            "  kernel: pass through 192.0.2.25/32",
        ),
        ("mode enforce", "mode enforce"),
    ] {
        assert_eq!(comparable(line), expected);
    }
    assert_eq!(count("dropped     3  42.9 %"), 3);
}
