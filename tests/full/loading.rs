//! `cargo xtask build-and-load`, and how to take the gate off again, as the README has it, word for
//! word: from source to a gate that enforces, then upgraded, with lists behind it.
//!
//! The machine is a host of the lab: its default route is the lab's, and so are its directories. What
//! is built is optimized, which takes minutes where it is not built yet.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use gate_tests::{
    lab::{
        Host, Lab,
        Outcome::{Connected, TimedOut},
    },
    typed,
};
use tempfile::TempDir;

const README: &str = include_str!("../../README.md");

/// The lists that the README names, in their formats, with networks from the documentation's ranges.
const LISTS: [(&str, &str); 2] = [
    (
        "drop_v4.json",
        "{\"cidr\":\"192.0.2.0/24\",\"sblid\":\"SBL1\",\"rir\":\"ripencc\"}\n\
         {\"type\":\"metadata\",\"timestamp\":1764115200,\"size\":57,\"records\":1}\n",
    ),
    (
        "firehol_level1.netset",
        "#\n# A list of networks, and what is said of it\n#\n198.51.100.0/24\n",
    ),
];

/// A source on each of the lists, one that the operator lists, one that is allowed although a list
/// has it, and one of which nobody knows.
const ON_LISTS: [&str; 2] = ["192.0.2.7", "198.51.100.7"];
const LISTED: &str = "203.0.113.7";
const ALLOWED: &str = "192.0.2.25";
const UNKNOWN: &str = "20.25.0.7";

#[test]
fn from_source_to_a_gate_that_enforces_and_off_again() -> Result<()> {
    let (load, lists) = (loading(0)?, loading(1)?);
    let lab = Lab::new()?;
    let shell = Shell::new(&lab)?;

    shell.run(load)?;
    shell.run("gatectl block 203.0.113.0/24")?;
    shell.run(&format!("gatectl allow {ALLOWED}"))?;
    assert_eq!(lab.connect(LISTED)?, TimedOut);
    for source in [UNKNOWN, ALLOWED].iter().chain(&ON_LISTS) {
        assert_eq!(lab.connect(source)?, Connected, "{source}");
    }

    let former = shell.gated()?;
    let listed = lab.from(LISTED).patience(Duration::from_millis(100));
    let listed = listed.keep_connecting()?;
    let allowed = lab.from(ALLOWED).keep_connecting()?;
    let said = shell.run(lists)?;
    listed.stop()?.assert_kept_out(3);
    allowed.stop()?.assert_let_in(10);
    ensure!(said.contains("==> setup: nothing to "), "{said}");
    ensure!(said.contains("==> upgrading: "), "{said}");
    let now = shell.gated()?;
    assert_eq!((former.len(), now.len()), (1, 1), "{former:?}, {now:?}");
    assert_ne!(former, now, "the new gated has taken over");
    // In force when the command has ended, not some time after.
    for source in ON_LISTS {
        assert_eq!(lab.connect(source)?, TimedOut, "{source}");
    }
    assert_eq!(lab.connect(UNKNOWN)?, Connected);

    for line in taking_off()? {
        shell.run(line)?;
        // The first returns when it has ended, or the second would remove what it has open.
        ensure!(shell.gated()?.is_empty(), "after `{line}` gated runs");
    }
    for source in [LISTED, ALLOWED, UNKNOWN].iter().chain(&ON_LISTS) {
        assert_eq!(lab.connect(source)?, Connected, "{source}");
    }
    for gone in ["/sys/fs/bpf/gate", "/var/lib/gate"] {
        ensure!(!shell.host.path(gone).exists(), "{gone} is left");
    }
    Ok(())
}

/// Somebody's shell, in a directory of the workspace where the lists are.
struct Shell<'a> {
    host: Host<'a>,
    directory: TempDir,
}

impl<'a> Shell<'a> {
    fn new(lab: &'a Lab) -> Result<Self> {
        let host = lab.host()?;
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        for (name, content) in LISTS {
            fs::write(directory.path().join(name), content)?;
        }
        Ok(Self { host, directory })
    }

    /// Runs a line at a terminal, where `yes` answers what is asked; what it prints.
    fn run(&self, line: &str) -> Result<String> {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
        let programs = target.context("it is in a directory")?.join("release");
        let file = self.directory.path().join("line");
        fs::write(&file, line)?;
        let terminal = format!(
            "echo yes | script --quiet --return --command 'sh {}' /dev/null",
            file.display()
        );
        let directory = self.directory.path();
        typed::output(&mut self.host.line(&terminal, directory, &programs)?)
    }

    /// The processes of gated.
    fn gated(&self) -> Result<Vec<(rustix::process::Pid, String)>> {
        let processes = self.host.processes()?.into_iter();
        Ok(processes.filter(|(_, name)| name == "gated").collect())
    }
}

/// The README's calls of build-and-load: the first, and the one with lists.
fn loading(number: usize) -> Result<&'static str> {
    let is_it = |line: &&str| line.starts_with("cargo xtask build-and-load");
    let blocks = README.lines().filter_map(|line| line.strip_prefix("    "));
    let sentences = README.split('`');
    let calls: Vec<&str> = blocks.chain(sentences).filter(is_it).collect();
    ensure!(calls.len() == 2, "who runs these? {calls:?}");
    Ok(calls[number])
}

/// The README's lines that take the gate off.
fn taking_off() -> Result<Vec<&'static str>> {
    let (_, section) = README
        .split_once("\n## Take it off again\n")
        .context("README.md does not take it off")?;
    let lines = section.lines().map_while(|line| line.strip_prefix("    "));
    let lines: Vec<&str> = lines.collect();
    ensure!(lines.len() == 2, "README.md takes it off so: {lines:?}");
    Ok(lines)
}
