//! `cargo xtask docs`: the documents as a book.
//!
//! Out: `docs/configuration.md`, as the code has it; manual pages and shell completions in
//! `target/reference`; and the book in `target/book`.

use std::{fs, process::Command};

use anyhow::{Context as _, Result};

use crate::{
    build,
    run::{root_dir, run, say},
    setup,
};

/// Writes what can be written from the code, and makes the book.
pub(crate) fn docs() -> Result<()> {
    let reference = root_dir().join("target/reference");
    let programs = build::programs(&["gate-reference"], false)?;
    build::reference(&programs, &reference)?;
    let (written, kept) = (
        reference.join("configuration.md"),
        root_dir().join("docs/configuration.md"),
    );
    fs::copy(&written, &kept).with_context(|| format!("writing {}", kept.display()))?;
    setup::book()?;
    say("making the book");
    let book = root_dir().join("target/book");
    let mut mdbook = Command::new("mdbook");
    mdbook.arg("build").arg(root_dir().join("docs"));
    run(mdbook.arg("--dest-dir").arg(&book))?;
    println!("the book is {}", book.join("index.html").display());
    Ok(())
}
