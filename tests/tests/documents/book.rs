//! The documents are one book: links lead somewhere, and every page is in the table of contents.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use gate_common::Reason;

use super::page::{self, Page, root};

#[test]
fn links_lead_somewhere() -> Result<()> {
    let pages: BTreeMap<PathBuf, Page> = page::all()?
        .into_iter()
        .map(|page| (page.path.clone(), page))
        .collect();
    let mut followed = 0;
    for page in pages.values() {
        for link in &page.links {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let at = format!("{}: {link}", page.path.display());
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.path.clone(),
                file => clean(&page.path.with_file_name(file)),
            };
            ensure!(root().join(&target).exists(), "{at}: no such file");
            let in_book = |path: &Path| path.starts_with("docs");
            ensure!(
                !in_book(&page.path) || in_book(&target),
                "{at}: leads out of the book"
            );
            if !anchor.is_empty() {
                let there = pages
                    .get(&target)
                    .is_some_and(|page| page.anchors.contains(anchor));
                ensure!(there, "{at}: no such heading");
            }
            followed += 1;
        }
    }
    ensure!(followed > 30, "only {followed} links are found");
    Ok(())
}

#[test]
fn every_page_is_in_the_table_of_contents() -> Result<()> {
    const CONTENTS: &str = "docs/SUMMARY.md";
    let pages = page::all()?;
    let (contents, pages): (Vec<_>, Vec<_>) = pages
        .iter()
        .partition(|page| page.path == Path::new(CONTENTS));
    let named: BTreeSet<_> = contents
        .iter()
        .flat_map(|page| &page.links)
        .map(|link| Path::new("docs").join(link))
        .collect();
    let there: BTreeSet<_> = pages
        .iter()
        .map(|page| page.path.clone())
        .filter(|path| path.starts_with("docs"))
        .collect();
    let left_out: Vec<_> = there.difference(&named).collect();
    ensure!(left_out.is_empty(), "{CONTENTS} leaves out {left_out:?}");
    Ok(())
}

#[test]
fn every_reason_is_explained() -> Result<()> {
    let pages = page::all()?;
    let page = pages
        .iter()
        .find(|page| page.path == Path::new("docs/reasons.md"));
    let anchors = page
        .map(|page| &page.anchors)
        .context("there is no docs/reasons.md")?;
    for reason in Reason::ALL {
        ensure!(
            anchors.contains(reason.code()),
            "{} is not explained",
            reason.code()
        );
    }
    Ok(())
}

/// The path without its `..`.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(clean.pop()),
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}
