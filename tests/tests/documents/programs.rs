//! Which programs the documents may call, and who makes sure that it works.

/// A program that is not run here, and why not.
const ELSEWHERE: [(&str, &str); 21] = [
    (
        "apt-get",
        "the package's test installs and removes it in a Debian root",
    ),
    ("cd", "the shell's own"),
    ("cp", "Debian's own, and harmless"),
    ("curl", "documents/curl calls it as the pages say"),
    (
        "groupadd",
        "Debian's own; what membership means is tested with a second user",
    ),
    ("install", "coreutils' own"),
    ("ip", "iproute2's own; what it does is shown in tests/lives"),
    ("journalctl", "systemd's own"),
    ("mv", "Debian's own, and harmless"),
    ("openssl", "OpenSSL's own"),
    ("postconf", "first_server calls it as the page says"),
    ("postfix", "tests/policy starts one"),
    ("rbldnsd", "tests/rbldnsd runs it with these arguments"),
    (
        "rm",
        "tests/full/loading and operations remove what it does",
    ),
    ("ssh", "OpenSSH's own"),
    ("systemctl", "the package's test installs the units"),
    (
        "systemd-sysusers",
        "the package's test has it make the group",
    ),
    ("tail", "coreutils' own"),
    ("tar", "the tarball's test unpacks it"),
    ("usermod", "as groupadd"),
    ("zcat", "gzip's own"),
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

/// Whether somebody makes sure that what the documents say of this program works.
pub(crate) fn is_known(program: &str) -> bool {
    matches!(program, "gatectl" | "gated" | "cargo")
        || ELSEWHERE.iter().any(|(name, _)| *name == program)
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
