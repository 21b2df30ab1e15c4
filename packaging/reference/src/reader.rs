//! What the reader of the configuration says of a key, so that nobody has to write it down.

use std::{fmt::Write as _, path::Path};

use gate_user::config::{Config, ConfigError};

/// What the value is that `gate.toml` shows for a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// What holds without the key.
    Default,
    /// Something else than what holds without the key.
    Example,
    /// An example of what has to be given.
    Required,
}

/// What `value` is for `key` in the section of that `header`, whose keys `shown` has all of.
pub(crate) fn standing(header: &str, shown: &[(&str, &str)], key: &str) -> Standing {
    let with = |keep: &dyn Fn(&str) -> bool| {
        let mut text = format!("{header}\n");
        for (name, value) in shown.iter().filter(|(name, _)| keep(name)) {
            let _ = writeln!(text, "{name} = {value}");
        }
        read(&text).ok()
    };
    // Elements of a list have keys that must be there; other sections do without the rest.
    let several = header.starts_with("[[");
    let given = with(&|name| several || name == key);
    match with(&|name| several && name != key) {
        None => Standing::Required,
        left_out if left_out == given => Standing::Default,
        Some(_) => Standing::Example,
    }
}

/// Whether the configuration `text` can be read.
pub(crate) fn can_be(text: &str) -> bool {
    read(text).is_ok()
}

/// What `key` takes, by what the reader says to values that it cannot take; `value` is one that it
/// does.
pub(crate) fn takes(header: &str, key: &str, value: &str) -> String {
    let said = |value: &str| objection(header, key, &format!("{header}\n{key} = {value}\n"));
    match value.as_bytes()[0] {
        b'[' => match said("[\"?\"]") {
            Some(said) => format!("a list, each {}", in_words(&said)),
            None => "a list of texts".to_owned(),
        },
        b'{' => "a table".to_owned(),
        b'"' => match said("\"?\"").as_deref() {
            Some(is) if is.contains("not a duration") => {
                // The longest of all is too long where there is a narrower range, and zero is
                // always too short.
                let said = said("\"3650d\"").or_else(|| said("\"0s\""));
                in_words(&said.unwrap_or_default())
            }
            Some(is) => in_words(is),
            None => "text".to_owned(),
        },
        b't' | b'f' => "true or false".to_owned(),
        _ => said("-1").map_or_else(|| "a number".to_owned(), |said| in_words(&said)),
    }
}

/// What the reader has against `key` in the configuration `text`.
fn objection(header: &str, key: &str, text: &str) -> Option<String> {
    let section = header.trim_matches(['[', ']']);
    let element = if header.starts_with("[[") { "[1]" } else { "" };
    let place = format!("{section}{element}.{key}");
    let problems = read(text).err()?;
    let mut problems = problems.into_iter();
    // What is no TOML has no key.
    problems.find_map(|(key, message)| (key == place || key.is_empty()).then_some(message))
}

/// The configuration `text`, or the keys that are wrong with why.
fn read(text: &str) -> Result<Config, Vec<(String, String)>> {
    Config::parse(text, Path::new("gate.toml")).map_err(|error| match error {
        ConfigError::Invalid { problems, .. } => {
            let problems = problems.into_iter();
            problems.map(|is| (is.key, is.message)).collect()
        }
        ConfigError::Read { .. } => Vec::new(),
    })
}

/// What would have been right, of an objection of the reader.
fn in_words(said: &str) -> String {
    let said = said.split("; default: ").next().unwrap_or(said);
    if let Some((_, range)) = said.split_once(" is out of range: expected ") {
        return format!("a duration from {range}");
    }
    if let Some((_, range)) = said.split_once(" is not from ") {
        return format!("a whole number from {range}");
    }
    let what = [("is not ", ""), ("is no ", "a ")]
        .iter()
        .find_map(|(is, article)| {
            let (_, what) = said.split_once(is)?;
            let what = what.split([':', '(', ',']).next()?.trim();
            (!what.starts_with("known")).then(|| format!("{article}{what}"))
        });
    let expected = said.split_once("expected ").map(|(_, expected)| expected);
    match (what, expected) {
        (Some(what), Some(expected)) => format!("{what}: {expected}"),
        (Some(what), None) => what,
        (None, Some(expected)) => expected.to_owned(),
        (None, None) => said.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_takes_is_what_the_reader_says() {
        for (header, key, value, expected) in [
            (
                "[gate]",
                "mode",
                "\"enforce\"",
                "one of `off`, `monitor`, `enforce`",
            ),
            ("[dns]", "timeout", "\"2s\"", "a duration from 1s to 30s"),
            ("[gate]", "verify", "\"10m\"", "a duration from 1s to 3650d"),
            ("[score]", "minimum", "25", "a whole number from 0 to 50"),
            ("[[evidence.maildir]]", "trap", "false", "true or false"),
            ("[control]", "group", "\"\"", "text"),
        ] {
            assert_eq!(takes(header, key, value), expected, "{header} {key}");
        }
    }

    #[test]
    fn what_a_shown_value_is() {
        let feed = [
            ("name", "\"drop\""),
            ("path", "\"/drop\""),
            ("interval", "\"6h\""),
        ];
        assert_eq!(standing("[[feed]]", &feed, "name"), Standing::Required);
        assert_eq!(standing("[[feed]]", &feed, "interval"), Standing::Default);
        let gate = [("ports", "[26]"), ("mode", "\"enforce\"")];
        assert_eq!(standing("[gate]", &gate, "ports"), Standing::Example);
        assert_eq!(standing("[gate]", &gate, "mode"), Standing::Default);
    }
}
