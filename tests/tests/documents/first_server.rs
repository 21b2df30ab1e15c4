//! docs/first-server.md gives Postfix the configuration that docs/policy.md has, in front of which
//! tests/policy puts a real Postfix: here Debian's `postconf` does what the page says.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};

use super::{
    console::{self, Command as Words},
    page,
};

/// What Debian's package makes `main.cf` and `master.cf` of.
const TEMPLATES: [(&str, &str); 2] = [
    ("/usr/share/postfix/main.cf.debian", "main.cf"),
    ("/usr/share/postfix/master.cf.dist", "master.cf"),
];

#[test]
fn postfix_gets_the_configuration_that_is_tested() -> Result<()> {
    let directory = tempfile::tempdir()?;
    for (template, name) in TEMPLATES {
        fs::copy(template, directory.path().join(name))
            .with_context(|| format!("{template} (Debian: postfix)"))?;
    }
    for command in commands()? {
        let arguments: Vec<&str> = command[1..].iter().map(String::as_str).collect();
        postconf(directory.path(), &arguments)?;
    }
    let restrictions = postconf(directory.path(), &["-h", "smtpd_recipient_restrictions"])?;
    assert_eq!(words(&restrictions), words(&tested()?));
    let chroot = postconf(directory.path(), &["-F", "-h", "smtp/inet/chroot"])?;
    assert_eq!(chroot.trim(), "n");
    Ok(())
}

/// The page's calls of `postconf`.
fn commands() -> Result<Vec<Words>> {
    let pages = page::all()?;
    let is_it = |path: &Path| path == Path::new("docs/first-server.md");
    let page = pages.iter().find(|page| is_it(&page.path));
    let mut calls = Vec::new();
    for block in &page.context("there is no docs/first-server.md")?.blocks {
        let commands = console::commands(block)?.into_iter();
        calls.extend(commands.filter(|command| command[0] == "postconf"));
    }
    ensure!(
        calls.len() > 1,
        "the page calls postconf {} times",
        calls.len()
    );
    Ok(calls)
}

fn postconf(directory: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("/usr/sbin/postconf");
    let output = command.arg("-c").arg(directory).args(arguments).output();
    let output = output.context("running postconf (Debian: postfix)")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "postconf {arguments:?}: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

/// The restrictions in docs/policy.md.
fn tested() -> Result<String> {
    const DOCUMENT: &str = include_str!("../../../docs/policy.md");
    let (_, rest) = DOCUMENT
        .split_once("smtpd_recipient_restrictions =")
        .context("docs/policy.md has none")?;
    let (restrictions, _) = rest.split_once("smtpd_end_of_data").context("no end")?;
    Ok(restrictions.to_owned())
}

/// Without commas and ends of lines.
fn words(restrictions: &str) -> Vec<&str> {
    let separates = |c: char| c == ',' || c.is_whitespace();
    let words = restrictions.split(separates);
    words.filter(|word| !word.is_empty()).collect()
}
