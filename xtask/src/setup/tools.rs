//! The programs that the tests run.

use anyhow::{Result, bail};

use super::apt;
use crate::run::{cargo, find, output, run, say};

/// A program, the Debian package that holds it, and what the tests need it for.
pub(super) struct Tool {
    pub(super) program: &'static str,
    pub(super) package: &'static str,
    pub(super) why: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        program: "ip",
        package: "iproute2",
        why: "network namespaces and the links between them",
    },
    Tool {
        program: "ethtool",
        package: "ethtool",
        why: "GRO and VLAN tags on a veth, as XDP needs them",
    },
];

/// What the tests need besides.
const SERVERS: &[Tool] = &[
    Tool {
        program: "curl",
        package: "curl",
        why: "what the documents have it ask",
    },
    Tool {
        program: "tmux",
        package: "tmux",
        why: "a terminal for `gatectl top`",
    },
    Tool {
        program: "setpriv",
        package: "util-linux",
        why: "an operator who is not root",
    },
    Tool {
        program: "rspamd",
        package: "rspamd",
        why: "a content filter that posts its verdicts",
    },
    Tool {
        program: "unbound",
        package: "unbound",
        why: "the mail server's resolver",
    },
    Tool {
        program: "rbldnsd",
        package: "rbldnsd",
        why: "a name server that publishes block lists",
    },
    Tool {
        program: "postfix",
        package: "postfix",
        why: "a mail server that asks the policy service",
    },
    Tool {
        program: "nginx",
        package: "nginx",
        why: "a reverse proxy in front of the pages",
    },
    Tool {
        program: "promtool",
        package: "prometheus",
        why: "Prometheus's own look at metrics and alert rules",
    },
    Tool {
        program: "chromium",
        package: "chromium",
        why: "a browser that looks at the pages",
    },
    Tool {
        program: "chromedriver",
        package: "chromium-driver",
        why: "what drives the browser (WebDriver)",
    },
    Tool {
        program: "postfwd1",
        package: "postfwd",
        why: "another policy service, to measure beside",
    },
];

/// Installs the programs that a lab runs, if they are not there.
///
/// # Errors
/// What is missing, where this cannot install it.
pub(crate) fn tools() -> Result<()> {
    provide(TOOLS.iter())
}

/// Installs the programs that the kernel tests run, if they are not there.
///
/// # Errors
/// As [`tools`].
pub(crate) fn test_tools() -> Result<()> {
    provide(TOOLS.iter().chain(SERVERS))
}

/// Installs those of `tools` that are not there.
pub(super) fn provide(tools: impl Iterator<Item = &'static Tool>) -> Result<()> {
    let missing: Vec<_> = tools.filter(|tool| find(tool.program).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for Tool { program, why, .. } in &missing {
        say(&format!("this needs `{program}`: {why}"));
    }
    let packages: Vec<_> = missing.iter().map(|tool| tool.package).collect();
    if !apt::available() {
        bail!(
            "install {} (as Debian calls them), then this again",
            packages.join(" ")
        );
    }
    apt::install(&packages, "check /etc/apt/sources.list")
}

/// Adds cargo's formatter and linter to the toolchain, if they are not there.
pub(crate) fn lints() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if output(cargo().args([subcommand, "--version"])).is_none() {
            say(&format!("rustup component add {component}"));
            run(std::process::Command::new("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}
