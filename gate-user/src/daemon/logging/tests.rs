//! What is not logged; and the lines of the log in docs/logs.md, held against those in the code.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;
use tracing::Level;

use super::*;

const DOCUMENT: &str = include_str!("../../../../docs/logs.md");

/// What a line of the log begins with.
const VERBS: [&str; 31] = [
    "accepted",
    "allowed",
    "began",
    "blocked",
    "cannot",
    "closed",
    "corrected",
    "decided",
    "detached",
    "disallowed",
    "ended",
    "flushed",
    "found",
    "held",
    "imported",
    "kept",
    "listed",
    "lost",
    "observed",
    "refused",
    "reloaded",
    "removed",
    "resumed",
    "returned",
    "rolled",
    "set",
    "skipped",
    "started",
    "took",
    "unlisted",
    "withdrew",
];

#[test]
fn libraries_log_nothing() {
    let filter = filter_of(LogLevel::Trace);
    for own in ["gate_user::dns", "gated", "gate::alarm", "gate_ebpf::alarm"] {
        assert!(filter.would_enable(own, &Level::TRACE), "{own}");
    }
    for library in ["hickory_net::udp", "sqlx::pool::acquire", "hyper", "log"] {
        assert!(!filter.would_enable(library, &Level::ERROR), "{library}");
    }
    assert!(!filter_of(LogLevel::Info).would_enable("gate_user", &Level::DEBUG));
}

/// A line of the log: its level, what it says, and the names of its fields.
type Said = (String, String, Vec<String>);

/// The files of this crate that may log.
fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        // Here events are named, and none is logged.
        if path.is_dir() && !path.ends_with("daemon/logging") {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

/// The lines at `info` and above in the code. An event ends with its message.
fn logged() -> BTreeSet<Said> {
    let event = Regex::new(r#"(?s)\b(info|warn|error)!\(([^;]*?)"((?:[^"\\]|\\.)*)"\s*,?\s*\)"#);
    let event = event.unwrap();
    let field = Regex::new(r"^[%?]?([a-z_]+)\b").unwrap();
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let mut said = BTreeSet::new();
    for file in files {
        let code = fs::read_to_string(&file).unwrap();
        let events = code.matches("info!(").count()
            + code.matches("warn!(").count()
            + code.matches("error!(").count();
        let mut read = 0;
        for found in event.captures_iter(&code) {
            let names = found[2].split(',').map(str::trim);
            let names = names.filter_map(|text| Some(field.captures(text)?[1].to_owned()));
            said.insert((found[1].to_owned(), found[3].to_owned(), names.collect()));
            read += 1;
        }
        assert_eq!(
            read,
            events,
            "{}: an event is not understood",
            file.display()
        );
    }
    said
}

/// The lines in the tables of docs/logs.md: `| level | line | fields | what |`.
fn documented() -> BTreeSet<Said> {
    let rows = DOCUMENT.lines().filter_map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [level @ ("info" | "warn" | "error"), said, fields, ..] = cells[..] else {
            return None;
        };
        let fields = fields.split(", ").filter(|field| !field.is_empty());
        let fields = fields.map(|field| field.trim_matches('`').to_owned());
        Some((level.to_owned(), said.to_owned(), fields.collect()))
    });
    let mut told = BTreeSet::new();
    for row in rows {
        assert!(told.insert(row.clone()), "docs/logs.md has {row:?} twice");
    }
    told
}

#[test]
fn the_document_tells_every_line() {
    let (logged, documented) = (logged(), documented());
    let row = |(level, said, fields): &Said| {
        let fields: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
        format!("| {level} | {said} | {} |\n", fields.join(", "))
    };
    let lacking: String = logged.difference(&documented).map(row).collect();
    let gone: String = documented.difference(&logged).map(row).collect();
    assert!(lacking.is_empty(), "docs/logs.md lacks\n{lacking}");
    assert!(
        gone.is_empty(),
        "docs/logs.md tells what is not logged\n{gone}"
    );
}

#[test]
fn a_line_begins_with_a_verb() {
    let mut used = BTreeSet::new();
    for (_, said, _) in logged() {
        let verb = said.split(' ').next().unwrap_or_default().to_owned();
        assert!(VERBS.contains(&verb.as_str()), "{said}");
        used.insert(verb);
    }
    assert_eq!(used.len(), VERBS.len(), "{used:?}");
}
