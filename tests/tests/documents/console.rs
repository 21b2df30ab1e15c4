//! The command lines in a block of code.

use anyhow::{Context as _, Result, ensure};

use super::{page::Block, programs};

/// A command: the program, and its arguments.
pub(crate) type Command = Vec<String>;

/// The commands of a block, in their order. One in which none begins a line has none, whatever it
/// is: another program's configuration, or a drawing.
pub(crate) fn commands(block: &Block) -> Result<Vec<Command>> {
    if !matches!(block.language.as_str(), "" | "console" | "sh") {
        return Ok(Vec::new());
    }
    let lines = joined(&block.text);
    let prompted: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    let bare = lines.iter().map(String::as_str);
    let bare: Vec<&str> = bare.filter(|line| !line.starts_with('#')).collect();
    let typed = if !prompted.is_empty() {
        prompted
    } else if bare.iter().any(|line| begins_with_a_program(line)) {
        let odd = bare.iter().find(|line| !begins_with_a_program(line));
        ensure!(odd.is_none(), "among commands, this is none: {odd:?}");
        bare
    } else {
        return Ok(aliases(&lines));
    };
    let mut commands = Vec::new();
    for line in typed {
        let words = shlex::split(without_description(line))
            .with_context(|| format!("a quotation mark that is not closed: {line}"))?;
        let parts = words.split(|word| matches!(word.as_str(), "|" | "&&" | ";"));
        // What is behind a redirection goes to no program.
        let parts = parts.map(|part| part.iter().take_while(|word| !word.starts_with(['>', '<'])));
        let parts = parts.map(|part| part.skip_while(|word| is_variable(word)));
        commands.extend(parts.map(|part| part.cloned().collect::<Command>()));
    }
    Ok(commands)
}

/// Lines without the empty ones; one that goes on in the next with that.
fn joined(text: &str) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let part = line.strip_suffix('\\').unwrap_or(line);
        match joined.last_mut().filter(|_| goes_on) {
            Some(last) => {
                last.push(' ');
                last.push_str(part.trim());
            }
            None => joined.push(part.trim_end().to_owned()),
        }
        goes_on = line.ends_with('\\') || line.ends_with("&&") || line.ends_with('|');
    }
    joined
}

fn begins_with_a_program(line: &str) -> bool {
    let mut words = line.split(' ').skip_while(|word| is_variable(word));
    words.next().is_some_and(programs::is_known)
}

/// Whether the word sets a variable for the program behind it.
fn is_variable(word: &str) -> bool {
    let is_name = |name: &str| {
        let mut letters = name.bytes();
        !name.is_empty() && letters.all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// What stands before two spaces outside of quotation marks: behind them the pages tell what a
/// command is for.
fn without_description(line: &str) -> &str {
    let mut quote = None;
    let mut spaces = 0;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        if quote.is_none() && spaces >= 2 && c.is_alphabetic() {
            return &line[..at - spaces];
        }
        spaces = if c == ' ' { spaces + 1 } else { 0 };
    }
    line
}

/// Commands that a mail server's aliases pipe to: `|/usr/bin/gatectl ...`.
fn aliases(lines: &[String]) -> Vec<Command> {
    let piped = lines.iter().filter_map(|line| {
        let (_, rest) = line.split_once("|/usr/bin/gatectl ")?;
        let arguments = rest.split('"').next().unwrap_or(rest);
        let words = ["gatectl"].into_iter().chain(arguments.split_whitespace());
        Some(words.map(str::to_owned).collect())
    });
    piped.collect()
}

#[test]
fn commands_are_found() -> Result<()> {
    let of = |text: &str| {
        commands(&Block {
            text: text.to_owned(),
            ..Block::default()
        })
    };
    let words = |commands: &[&str]| -> Vec<Command> {
        let commands = commands.iter();
        let words = commands.map(|line| line.split('+').map(str::to_owned).collect());
        words.collect()
    };
    for (text, expected) in [
        ("gatectl status    how it stands\n", &["gatectl+status"][..]),
        ("gatectl stats    # counts\n", &["gatectl+stats"]),
        ("$ gatectl stats\nseen  7\n", &["gatectl+stats"]),
        (
            "gatectl name block '*.x  y' \\\n    --for 3d\n",
            &["gatectl+name+block+*.x  y+--for+3d"],
        ),
        (
            "zcat -f a* | gatectl simulate - >out\n",
            &["zcat+-f+a*", "gatectl+simulate+-"],
        ),
        (
            "fbl: \"|/usr/bin/gatectl complaint -\"\n",
            &["gatectl+complaint+-"],
        ),
        (
            "A=b gatectl list >a &&\n    mv a b\n",
            &["gatectl+list", "mv+a+b"],
        ),
        ("smtpd_delay_reject = yes\n", &[]),
    ] {
        assert_eq!(of(text)?, words(expected), "{text}");
    }
    assert!(of("gatectl stats\nnobody knows\n").is_err());
    Ok(())
}
