//! mdBook, which makes the book of the documents.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::run::{cargo, output, run, say};

/// The version that the book is made with.
const VERSION: &str = "0.5.4";

/// Installs mdBook, if it is not there.
///
/// # Errors
/// It cannot be built, or is not found then.
pub(crate) fn book() -> Result<()> {
    if installed() {
        return Ok(());
    }
    say(&format!("cargo install mdbook@{VERSION} (some minutes)"));
    let mut install = cargo();
    install.args(["install", "--locked", &format!("mdbook@{VERSION}")]);
    // Neither a server nor a watch on files: the book is made once.
    run(install.args(["--no-default-features", "--features", "search"]))?;
    installed()
        .then_some(())
        .context("mdbook is built, but not found: put cargo's bin directory (~/.cargo/bin) in PATH")
}

fn installed() -> bool {
    output(Command::new("mdbook").arg("--version")).is_some()
}
