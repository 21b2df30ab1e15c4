//! The comments of `gate.toml`: lines in, paragraphs and lists out.

/// A part of a comment.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Part {
    /// Sentences.
    Text(String),
    /// A value that a key can have, and what it means.
    Term(String, String),
    /// One of several conditions.
    Item(String),
}

/// Reads lines that have lost their `#`.
pub(crate) fn read<'t>(lines: impl IntoIterator<Item = &'t str>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for line in lines {
        let line = line.strip_prefix(' ').unwrap_or(line);
        if let Some(item) = line.strip_prefix("- ") {
            parts.push(Part::Item(item.to_owned()));
            continue;
        }
        let indented = line.starts_with("  ");
        let line = line.trim();
        match (indented, line.split_once("  "), parts.last_mut()) {
            (true, _, Some(Part::Item(item))) => join(item, line),
            (true, Some((term, meaning)), _) => {
                parts.push(Part::Term(term.to_owned(), meaning.trim().to_owned()));
            }
            (true, None, Some(Part::Term(_, meaning))) => join(meaning, line),
            (false, _, Some(Part::Text(text))) => join(text, line),
            _ => parts.push(Part::Text(line.to_owned())),
        }
    }
    parts
}

fn join(text: &mut String, line: &str) {
    text.push(' ');
    text.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_to_what_they_belong_to() {
        let lines = [
            " What happens to",
            " a SYN:",
            "   off      it passes",
            "   monitor  it passes,",
            "            and is counted",
            " It is",
            " so.",
            " - more than",
            "   this",
            " - less",
        ];
        let term = |term: &str, meaning: &str| Part::Term(term.into(), meaning.into());
        assert_eq!(
            read(lines),
            [
                Part::Text("What happens to a SYN:".into()),
                term("off", "it passes"),
                term("monitor", "it passes, and is counted"),
                Part::Text("It is so.".into()),
                Part::Item("more than this".into()),
                Part::Item("less".into()),
            ]
        );
    }
}
