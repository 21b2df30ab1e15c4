//! A document: Markdown in, its code and its links out.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A document.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The file, from the workspace's root on.
    pub(crate) path: PathBuf,
    /// Blocks of code.
    pub(crate) blocks: Vec<Block>,
    /// Code within sentences.
    pub(crate) code: Vec<String>,
    /// Where links and pictures point to, as written.
    pub(crate) links: Vec<String>,
    /// What a link may name behind a `#`.
    pub(crate) anchors: BTreeSet<String>,
}

/// A block of code.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// The heading above it.
    pub(crate) heading: String,
    /// The word behind the fence; empty where there is none.
    pub(crate) language: String,
    /// What is in it.
    pub(crate) text: String,
}

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the workspace")
}

/// Every document of the workspace, in the order of their paths.
pub(crate) fn all() -> Result<Vec<Page>> {
    let mut paths = BTreeSet::new();
    for directory in ["", "docs"] {
        let entries = fs::read_dir(root().join(directory)).context("listing the documents")?;
        for entry in entries {
            let name = PathBuf::from(entry?.file_name());
            if name.extension().is_some_and(|extension| extension == "md") {
                paths.insert(Path::new(directory).join(name));
            }
        }
    }
    paths.into_iter().map(Page::read).collect()
}

impl Page {
    fn read(path: PathBuf) -> Result<Self> {
        let text = fs::read_to_string(root().join(&path))
            .with_context(|| format!("reading {}", path.display()))?;
        let mut page = Self::of(&text);
        page.path = path;
        Ok(page)
    }

    /// What `text` holds.
    pub(crate) fn of(text: &str) -> Self {
        let mut page = Self::default();
        let mut block: Option<Block> = None;
        let mut heading: Option<String> = None;
        let mut above = String::new();
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(language) => language.into_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    block = Some(Block {
                        heading: above.clone(),
                        language,
                        text: String::new(),
                    });
                }
                Event::End(TagEnd::CodeBlock) => page.blocks.extend(block.take()),
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    above = heading.take().unwrap_or_default();
                    page.anchors.insert(anchor(&above));
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Code(code) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&code);
                    }
                    page.code.push(code.into_string());
                }
                Event::Text(text) => {
                    let block = block.as_mut().map(|block| &mut block.text);
                    if let Some(into) = block.or(heading.as_mut()) {
                        into.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        page
    }
}

/// What a heading is called in a link: as GitHub and mdBook have it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c if c.is_alphanumeric() => Some(c.to_ascii_lowercase()),
        _ => None,
    });
    kept.collect()
}

#[test]
fn a_page_is_taken_apart() {
    let page = Page::of(
        "# A `b` c?\n\nSee [this](x.md#y), `gatectl status`.\n\n    gatectl stats\n\n\
         ```toml\n[gate]\n```\n\n![picture](p.png)\n",
    );
    assert_eq!(page.anchors, BTreeSet::from(["a-b-c".to_owned()]));
    assert_eq!(page.links, ["x.md#y", "p.png"]);
    assert_eq!(page.code, ["b", "gatectl status"]);
    let blocks: Vec<_> = page
        .blocks
        .iter()
        .map(|block| (block.language.as_str(), block.text.as_str()))
        .collect();
    assert_eq!(blocks, [("", "gatectl stats\n"), ("toml", "[gate]\n")]);
}
