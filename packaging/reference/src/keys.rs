//! Every key of the configuration: `packaging/gate.toml` in, sections of keys out.
//!
//! That file says what a key means; what it takes, and whether the value that the file shows is
//! the default, is asked of the reader that `gated` itself has. Tests of `gate-user` hold the file
//! to having every key.

use anyhow::{Context as _, Result, ensure};

use crate::{
    prose::{self, Part},
    reader::{self, Standing},
};

/// The configuration file that packages install.
const FILE: &str = include_str!("../../gate.toml");

/// A table of the configuration.
pub(crate) struct Section {
    /// As in the file: `[gate]`, or `[[feed]]` where there may be several.
    pub(crate) header: &'static str,
    /// What it is about.
    pub(crate) about: Vec<Part>,
    /// Its keys.
    pub(crate) entries: Vec<Entry>,
}

/// Keys that are explained together.
pub(crate) struct Entry {
    /// What they mean.
    pub(crate) about: Vec<Part>,
    /// The keys.
    pub(crate) keys: Vec<Key>,
    /// Lines that could stand in the file, where the values that are shown are not example enough.
    pub(crate) examples: Vec<String>,
}

/// A key.
pub(crate) struct Key {
    /// The name in its section.
    pub(crate) name: &'static str,
    /// The value that the file shows, as TOML.
    pub(crate) value: &'static str,
    /// What that value is.
    pub(crate) standing: Standing,
    /// What the key takes.
    pub(crate) takes: String,
}

/// All sections, in the order of the file.
///
/// # Errors
/// `gate.toml` is not built as it should be: blocks of comments and `#key = value`.
pub(crate) fn sections() -> Result<Vec<Section>> {
    let mut sections = Vec::new();
    for block in FILE.split("\n\n").map(Block::read) {
        if let Some(header) = block.header {
            sections.push(Section {
                header,
                about: prose::read(block.comments.iter().copied()),
                entries: Vec::new(),
            });
            if !block.keys.is_empty() {
                push(&mut sections, Vec::new(), block.keys, &[])?;
            }
        } else if !block.keys.is_empty() {
            let example = |line: &&str| line.starts_with(" Example: ");
            let (examples, about): (Vec<&str>, Vec<&str>) =
                block.comments.into_iter().partition(example);
            push(&mut sections, about, block.keys, &examples)?;
        }
    }
    for section in &mut sections {
        ask(section);
        complete(section)?;
    }
    Ok(sections)
}

/// Lines of the file without an empty one between them.
struct Block {
    comments: Vec<&'static str>,
    header: Option<&'static str>,
    keys: Vec<&'static str>,
}

impl Block {
    fn read(text: &'static str) -> Self {
        let mut block = Self {
            comments: Vec::new(),
            header: None,
            keys: Vec::new(),
        };
        for line in text.lines() {
            let bare = line.strip_prefix('#').unwrap_or(line);
            if bare.starts_with('[') {
                block.header = Some(bare);
            } else if bare.starts_with(|c: char| c.is_ascii_lowercase()) {
                block.keys.push(bare);
            } else if !bare.is_empty() {
                block.comments.push(bare);
            }
        }
        block
    }
}

fn push(
    sections: &mut [Section],
    about: Vec<&str>,
    lines: Vec<&'static str>,
    examples: &[&str],
) -> Result<()> {
    let section = sections
        .last_mut()
        .context("gate.toml: a key before the first section")?;
    let mut keys = Vec::new();
    for line in lines {
        let (name, value) = line
            .split_once(" = ")
            .with_context(|| format!("gate.toml: no `key = value`: {line}"))?;
        keys.push(Key {
            name,
            value,
            standing: Standing::Example,
            takes: String::new(),
        });
    }
    let first = keys[0].name;
    let lines = examples.iter().flat_map(|example| {
        let example = example.trim_start_matches(" Example: ");
        if example.starts_with(|c: char| c.is_ascii_lowercase()) {
            assignments(example)
        } else {
            vec![format!("{first} = {example}")]
        }
    });
    let examples: Vec<String> = lines.collect();
    section.entries.push(Entry {
        about: prose::read(about),
        keys,
        examples,
    });
    Ok(())
}

/// The lines of `a = 1, b = 2`.
fn assignments(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in text.split(", ") {
        let begins = part.split_once(" = ").is_some_and(|(key, _)| {
            key.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        });
        match lines.last_mut() {
            Some(line) if !begins => {
                line.push_str(", ");
                line.push_str(part);
            }
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}

/// Asks the reader about each key of a section.
fn ask(section: &mut Section) {
    let shown: Vec<(&str, &str)> = section
        .entries
        .iter()
        .flat_map(|entry| entry.keys.iter().map(|key| (key.name, key.value)))
        .collect();
    for key in section.entries.iter_mut().flat_map(|entry| &mut entry.keys) {
        key.standing = reader::standing(section.header, &shown, key.name);
        key.takes = reader::takes(section.header, key.name, key.value);
    }
}

/// Puts the keys that there must be before the examples, as far as those need them.
fn complete(section: &mut Section) -> Result<()> {
    let keys = section.entries.iter().flat_map(|entry| &entry.keys);
    let required: Vec<String> = keys
        .filter(|key| key.standing == Standing::Required)
        .map(|key| format!("{} = {}", key.name, key.value))
        .collect();
    for entry in &mut section.entries {
        if entry.examples.is_empty() {
            continue;
        }
        let missing = required
            .iter()
            .filter(|line| !entry.keys.iter().any(|key| gives(line, key)));
        let mut lines: Vec<&String> = missing.chain(&entry.examples).collect();
        let text = |lines: &[&String]| {
            let lines: Vec<&str> = lines.iter().map(|line| line.as_str()).collect();
            format!("{}\n{}\n", section.header, lines.join("\n"))
        };
        for at in (0..lines.len() - entry.examples.len()).rev() {
            let mut fewer = lines.clone();
            fewer.remove(at);
            if reader::can_be(&text(&fewer)) {
                lines = fewer;
            }
        }
        ensure!(
            reader::can_be(&text(&lines)),
            "gate.toml: this example cannot be read:\n{}",
            text(&lines)
        );
        entry.examples = lines.into_iter().cloned().collect();
    }
    Ok(())
}

/// Whether `line` gives a value to `key`.
fn gives(line: &str, key: &Key) -> bool {
    line.split_once(" = ")
        .is_some_and(|(name, _)| name == key.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_may_have_several_keys() {
        assert_eq!(
            assignments(r#"name = "A, B", list = ["1", "2"]"#),
            [r#"name = "A, B""#, r#"list = ["1", "2"]"#]
        );
    }
}
