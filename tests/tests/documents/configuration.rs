//! The configuration in the documents is read by the reader that `gated` has.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use gate_user::config::Config;

use super::page;

#[test]
fn configuration_in_the_documents_is_read() -> Result<()> {
    let mut read = 0;
    for page in page::all()? {
        for block in &page.blocks {
            let is_section = block.language.is_empty() && block.text.starts_with('[');
            if block.language == "toml" || is_section {
                Config::parse(&block.text, Path::new("gate.toml"))
                    .with_context(|| format!("{}:\n{}", page.path.display(), block.text))?;
                read += 1;
            }
        }
    }
    ensure!(read > 10, "only {read} pieces of configuration are found");
    Ok(())
}
