//! Both pages behind a real nginx that is configured as the documents have it, before a gate that is,
//! too.
//!
//! In: the pieces of configuration in docs/web.md and docs/operators-page.md, as they stand. Out: who
//! is taken for whom, what is let through, and what is shown without a token.

mod nginx;
mod operators;
mod public;
mod without_token;

use anyhow::{Context as _, Result};

/// The piece of configuration that stands behind a line of `document` which ends so.
fn piece(document: &str, line: &str) -> Result<String> {
    let behind = document.split_once(&format!("{line}\n\n"));
    let (_, rest) = behind.with_context(|| format!("no line ends with `{line}`"))?;
    let lines = rest.lines().map_while(|line| {
        let is_empty = line.is_empty();
        line.strip_prefix("    ").or(is_empty.then_some(""))
    });
    Ok(lines.flat_map(|line| [line, "\n"]).collect())
}
