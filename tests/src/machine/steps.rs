//! What a page of the documents has its reader do: Markdown in, the steps out, in their order.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// What a page calls for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// The heading of a section.
    Section(String),
    /// Lines of gate.toml.
    Configuration(String),
    /// A command, as it is typed.
    Command(String),
}

/// The steps of `page`. What is another program's configuration is none.
pub fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut text = String::new();
    let mut language = String::new();
    for event in Parser::new(page) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                text.clear();
                language = match kind {
                    CodeBlockKind::Fenced(language) => language.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
            }
            Event::Start(Tag::Heading { .. }) => text.clear(),
            Event::Text(part) | Event::Code(part) => text.push_str(&part),
            Event::End(TagEnd::Heading(_)) => steps.push(Step::Section(text.clone())),
            Event::End(TagEnd::CodeBlock) => block(&language, &text, &mut steps),
            _ => {}
        }
    }
    steps
}

/// The steps of `page`, each with the heading above it, under the headings for which `wanted` holds.
pub fn steps_under(page: &str, wanted: impl Fn(&str) -> bool) -> Vec<(String, Step)> {
    let mut heading = String::new();
    let mut under = Vec::new();
    for step in steps(page) {
        match step {
            Step::Section(section) => heading = section,
            step if wanted(&heading) => under.push((heading.clone(), step)),
            _ => {}
        }
    }
    under
}

/// The steps in a block of code.
fn block(language: &str, text: &str, steps: &mut Vec<Step>) {
    let is_configuration = language == "toml" || (language.is_empty() && text.starts_with('['));
    if is_configuration {
        steps.push(Step::Configuration(text.to_owned()));
    } else if language.is_empty() && !text.contains("{\n") {
        // Behind two spaces the pages tell what a command is for.
        let commands = text.lines().filter_map(|line| line.split("  ").next());
        let commands = commands.filter(|command| !command.is_empty());
        steps.extend(commands.map(|command| Step::Command(command.to_owned())));
    }
}

#[test]
fn a_page_has_steps() {
    let page = "# A `b` c\n\nSee.\n\n    gatectl stats    counts\n    cd /x\n\nOr:\n\n    [web]\n    a = 1\n\n\
                nginx:\n\n    location / {\n    }\n\n```toml\n[gate]\n```\n\n```text\nno command\n```\n";
    let [section, command] = [Step::Section, Step::Command];
    assert_eq!(
        steps(page),
        [
            section("A b c".to_owned()),
            command("gatectl stats".to_owned()),
            command("cd /x".to_owned()),
            Step::Configuration("[web]\na = 1\n".to_owned()),
            Step::Configuration("[gate]\n".to_owned()),
        ]
    );
}
