//! The keys as a page of the book: `docs/configuration.md`.

use std::fmt::Write as _;

use crate::{
    keys::{Entry, Key, Section},
    prose::Part,
    reader::Standing,
};

const HEAD: &str = "\
# Configuration

<!-- Written by gate-reference, from packaging/gate.toml and from what gated's own reader says. -->

`gated` reads the file that `--config` names; the service names `/etc/gate/gate.toml`, and the check below
takes that where none is named. It is TOML. Every key has a default, unless it says that it has none; an
empty file is a good one, and a `gated` that is given none has all defaults.

    gated --check-config      tells whether the file is right, and what is wrong with it
    gatectl reload            puts it in force

A wrong file changes nothing: `gatectl reload` says what is wrong, and the former settings stay.
Keys marked (restart) are taken at the next start of `gated` alone. Durations are written as `30s`,
`10m`, `72h`, `3d` or `1h 30m`.

With each key stands its default, or, where it says so, an example; and what it takes, in the words
in which the reader refuses anything else.
";

/// The page.
pub(crate) fn page(sections: &[Section]) -> String {
    let mut page = HEAD.to_owned();
    for section in sections {
        let _ = write!(page, "\n## `{}`\n\n", section.header);
        parts(&mut page, &section.about);
        for of in &section.entries {
            entry(&mut page, section, of);
        }
    }
    page
}

fn entry(page: &mut String, section: &Section, entry: &Entry) {
    if !page.ends_with("\n\n") {
        page.push('\n');
    }
    if !entry.about.is_empty() {
        let names: Vec<_> = entry
            .keys
            .iter()
            .map(|key| format!("`{}`", key.name))
            .collect();
        let _ = write!(page, "### {}\n\n", names.join(", "));
        parts(page, &entry.about);
        page.push('\n');
    }
    // With another bullet than the lists in the text, so that this is a list of its own.
    for key in &entry.keys {
        let _ = writeln!(page, "* {}", line(key));
    }
    if !entry.examples.is_empty() {
        let examples = entry.examples.join("\n");
        let _ = write!(page, "\n```toml\n{}\n{examples}\n```\n", section.header);
    }
}

fn line(key: &Key) -> String {
    let standing = match key.standing {
        Standing::Default => "the default",
        Standing::Example => "an example",
        Standing::Required => "an example, there is no default",
    };
    let (name, value) = (key.name, key.value);
    let takes = escaped(&key.takes);
    let dot = if takes.ends_with('.') { "" } else { "." };
    format!("`{name} = {value}`: {standing}. Takes {takes}{dot}")
}

fn parts(page: &mut String, parts: &[Part]) {
    for (i, part) in parts.iter().enumerate() {
        let after_text = i > 0 && matches!(parts[i - 1], Part::Text(_));
        let is_text = matches!(part, Part::Text(_));
        if i > 0 && (after_text || is_text) {
            page.push('\n');
        }
        let _ = match part {
            Part::Text(text) => writeln!(page, "{}", linked(&escaped(text))),
            Part::Term(term, meaning) => writeln!(page, "- `{term}`: {}", escaped(meaning)),
            Part::Item(item) => writeln!(page, "- {}", escaped(item)),
        };
    }
}

/// The text, with what Markdown would take for its own made harmless; not so in code.
fn escaped(text: &str) -> String {
    let mut is_code = false;
    let mut escaped = String::new();
    for c in text.chars() {
        is_code ^= c == '`';
        if !is_code && matches!(c, '*' | '_' | '<' | '\\' | '[') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The text, with links where it names another page of the book.
fn linked(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let name = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        match name
            .strip_prefix("docs/")
            .and_then(|page| page.strip_suffix(".md"))
        {
            Some(page) => word.replace(name, &format!("[{page}]({page}.md)")),
            None => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;

    #[test]
    fn the_page_in_the_repository_is_what_is_written() {
        let written = page(&keys::sections().unwrap());
        let kept = include_str!("../../../docs/configuration.md");
        let differs = written
            .lines()
            .zip(kept.lines())
            .find(|(new, old)| new != old);
        assert!(
            written == kept,
            "docs/configuration.md is not what gate-reference writes; first difference: {differs:#?}\n\
             to write it anew: cargo xtask docs"
        );
    }

    #[test]
    fn what_markdown_would_take_for_its_own_is_harmless() {
        assert_eq!(
            escaped("a_b *c* `d_e` [[f]]"),
            "a\\_b \\*c\\* `d_e` \\[\\[f]]"
        );
        assert_eq!(linked("see (docs/feeds.md)."), "see ([feeds](feeds.md)).");
    }
}
