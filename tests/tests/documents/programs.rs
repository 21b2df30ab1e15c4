//! Which programs the documents may call, and who makes sure that it works.

use std::path::Path;

/// Programs besides this project's and cargo with which a line of commands may begin.
const OTHERS: [&str; 19] = [
    "apt-get",
    "cd",
    "cp",
    "curl",
    "groupadd",
    "install",
    "journalctl",
    "mv",
    "openssl",
    "postconf",
    "rbldnsd",
    "rm",
    "ssh",
    "systemctl",
    "systemd-sysusers",
    "tail",
    "tar",
    "usermod",
    "zcat",
];

/// Sections whose commands are typed, all of them or all that are not `gatectl`'s: the page, the headings
/// (all, where none is named), and who does that.
const TYPED: [(&str, &[&str], &str); 9] = [
    (
        "README.md",
        &["A real server in five minutes"],
        "tests/packages/pages/installing",
    ),
    ("README.md", &["Take it off again"], "tests/full/loading"),
    (
        "docs/evidence.md",
        &["What is refused"],
        "tests/packages/pages/mail",
    ),
    (
        "docs/first-server.md",
        &[],
        "tests/packages/pages/first_server",
    ),
    (
        "docs/gatectl.md",
        &["Who may use it"],
        "tests/packages/pages/access",
    ),
    (
        "docs/install.md",
        &[],
        "tests/packages/pages/installing and tests/full/tarball",
    ),
    ("docs/operations.md", &[], "tests/packages/pages/operations"),
    (
        "docs/operators-page.md",
        &["The operators' page, and the API over TCP", "Who may"],
        "tests/packages/pages/access, but for ssh to another machine",
    ),
    (
        "docs/policy.md",
        &["Trying it out"],
        "tests/packages/pages/mail",
    ),
];

/// Commands of other pages, and who makes sure of them, or why nobody does.
const ELSEWHERE: [(&str, &str); 3] = [
    ("curl", "documents/curl makes every call"),
    (
        "mv",
        "coreutils' own: it puts a file that gatectl has written in its place",
    ),
    ("rbldnsd", "tests/rbldnsd runs it with these arguments"),
];

/// A command of `gatectl` that is parsed here and not run, and why not.
const NOT_RUN: [(&str, &str); 1] = [(
    "gatectl stats --watch",
    "it goes on until it is interrupted",
)];

/// Commands of `cargo` that `xtask` runs.
pub(crate) const RUN: [&str; 2] = ["cargo xtask demo", "cargo xtask setup"];

/// Commands of `cargo` that are parsed here and not run, and why not. A `…` stands for any words.
const PARSED: [(&str, &str); 6] = [
    (
        "cargo xtask bench …",
        "it measures, for minutes, and judges nothing",
    ),
    (
        "cargo xtask build-and-load",
        "tests/full/loading runs it as the README says",
    ),
    ("cargo xtask dist …", "cargo xtask test --full makes both"),
    ("cargo xtask docs", "cargo xtask test --full makes the book"),
    ("cargo xtask test…", "it is what runs this"),
    (
        "cargo test --workspace --test web -- …",
        "it runs without the variable by which it renews the pages' pictures",
    ),
];

/// Commands of `gatectl` that ask on a terminal whether they shall; a test has none.
pub(crate) const ASKS: [&str; 2] = ["detach", "flush"];

/// Whether a line that begins so is a command.
pub(crate) fn is_known(program: &str) -> bool {
    matches!(program, "gatectl" | "gated" | "cargo") || OTHERS.contains(&program)
}

/// Whether somebody makes sure of what `page` says of `program`, another than this project's, under
/// `heading`.
pub(crate) fn is_tested(page: &Path, heading: &str, program: &str) -> bool {
    let is_typed = TYPED.iter().any(|(typed, headings, _)| {
        Path::new(typed) == page && (headings.is_empty() || headings.contains(&heading))
    });
    is_typed || ELSEWHERE.iter().any(|(name, _)| *name == program)
}

/// Whether the command of `cargo` is one of those that are not run here.
pub(crate) fn is_parsed_only(line: &str) -> bool {
    let covers = |pattern: &str| match pattern.strip_suffix('…') {
        Some(start) => line.starts_with(start),
        None => line == pattern,
    };
    PARSED.iter().any(|(pattern, _)| covers(pattern))
}

/// Whether the command is one of `gatectl` that is to be run.
pub(crate) fn is_run(command: &[String]) -> bool {
    let line = command.join(" ");
    command[0] == "gatectl" && !NOT_RUN.iter().any(|(start, _)| line.starts_with(start))
}
