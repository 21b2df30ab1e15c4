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
    ("rm", "what it removes is the state of whoever reads that"),
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

/// Commands of `gatectl` that ask on a terminal whether they shall; a test has none.
pub(crate) const ASKS: [&str; 2] = ["detach", "flush"];

/// Whether somebody makes sure that what the documents say of this program works.
pub(crate) fn is_known(program: &str) -> bool {
    matches!(program, "gatectl" | "gated" | "cargo")
        || ELSEWHERE.iter().any(|(name, _)| *name == program)
}

/// Whether the command is to be run.
pub(crate) fn is_run(command: &[String]) -> bool {
    let line = command.join(" ");
    command[0] == "gatectl" && !NOT_RUN.iter().any(|(start, _)| line.starts_with(start))
}
