//! The operator's patterns of names, compiled once: `[[ptr.pattern]]` in, the class of a name out.

use globset::{Glob, GlobBuilder, GlobSet};
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use thiserror::Error;

use super::NameClass;
use crate::config;

/// The longest text of a pattern, in bytes.
pub const LONGEST_PATTERN: usize = 500;

/// What one regular expression may take, compiled, in bytes.
const ONE_REGEX: usize = 1 << 20;

/// What all of them may take together.
const ALL_REGEXES: usize = 8 << 20;

/// Why a pattern cannot be used.
#[derive(Debug, Error, PartialEq)]
pub enum PatternError {
    /// Longer than [`LONGEST_PATTERN`].
    #[error("{0} bytes are too long for a pattern: expected {LONGEST_PATTERN} at most")]
    Long(usize),
    /// Not a glob.
    #[error("`{text}` is no glob ({why}): expected such as *.dyn.example.net")]
    Glob {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// Not a regular expression, or too large a one.
    #[error(
        "`{text}` is no regular expression ({why}): expected such as ^h[0-9]+\\.example\\.net$"
    )]
    Regex {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// Neither glob nor regular expression.
    #[error("neither `glob` nor `regex`: expected one of them")]
    Empty,
    /// Both.
    #[error("both `glob` and `regex`: expected one of them, and another pattern for the other")]
    Both,
    /// Good each for itself, but too large together.
    #[error("too large together ({0}): expected fewer patterns, or globs instead of regexes")]
    Large(String),
}

/// Patterns of names, in the order of the configuration; the first that matches counts.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    globs: GlobSet,
    regexes: RegexSet,
    /// Which pattern each glob, and each regular expression is.
    of_glob: Vec<usize>,
    of_regex: Vec<usize>,
    all: Vec<Pattern>,
}

/// A pattern of names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pattern {
    /// Its place in the configuration, from 1.
    pub number: usize,
    /// As it was given.
    pub text: String,
    /// What the names that it matches are.
    pub class: NameClass,
}

impl Patterns {
    /// Compiles the patterns of the configuration.
    ///
    /// # Errors
    /// With the place of the pattern, from 0, when one of them cannot be used; without, when they
    /// are too large together.
    pub fn compile(patterns: &[config::Pattern]) -> Result<Self, (Option<usize>, PatternError)> {
        let mut globs = GlobSet::builder();
        let mut regexes = Vec::new();
        let mut compiled = Self::default();
        for (i, pattern) in patterns.iter().enumerate() {
            let at = |error| (Some(i), error);
            let text = match (pattern.glob.as_str(), pattern.regex.as_str()) {
                ("", "") => return Err(at(PatternError::Empty)),
                (text, "") => {
                    globs.add(glob(text).map_err(at)?);
                    compiled.of_glob.push(i);
                    text
                }
                ("", text) => {
                    regex(text).map_err(at)?;
                    regexes.push(text);
                    compiled.of_regex.push(i);
                    text
                }
                _ => return Err(at(PatternError::Both)),
            };
            compiled.all.push(Pattern {
                number: i + 1,
                text: text.to_owned(),
                class: pattern.class,
            });
        }
        let large = |why: String| (None, PatternError::Large(why));
        compiled.globs = globs.build().map_err(|error| large(error.to_string()))?;
        compiled.regexes = RegexSetBuilder::new(regexes)
            .case_insensitive(true)
            .size_limit(ALL_REGEXES)
            .build()
            .map_err(|error| large(in_a_line(&error)))?;
        Ok(compiled)
    }

    /// The first pattern that matches `name`, whose case and final dot do not matter.
    pub fn class(&self, name: &str) -> Option<&Pattern> {
        if self.all.is_empty() {
            return None;
        }
        let name = name.strip_suffix('.').unwrap_or(name);
        let by_glob = self.globs.matches(name);
        let by_glob = by_glob.first().map(|&i| self.of_glob[i]);
        let by_regex = self.regexes.matches(name).iter().next();
        let by_regex = by_regex.map(|i| self.of_regex[i]);
        let first = by_glob.into_iter().chain(by_regex).min()?;
        self.all.get(first)
    }
}

/// A glob for whole names: `*` and `?` match dots as well, `[...]` and `{a,b}` are known.
///
/// # Errors
/// When it is no glob, or too long.
pub fn glob(text: &str) -> Result<Glob, PatternError> {
    short(text)?;
    GlobBuilder::new(text)
        .case_insensitive(true)
        .build()
        .map_err(|error| PatternError::Glob {
            text: text.to_owned(),
            why: error.kind().to_string(),
        })
}

/// A regular expression for names, found anywhere in them unless it has `^` and `$`.
///
/// # Errors
/// When it is no regular expression, or too large.
pub fn regex(text: &str) -> Result<Regex, PatternError> {
    short(text)?;
    RegexBuilder::new(text)
        .case_insensitive(true)
        .size_limit(ONE_REGEX)
        .build()
        .map_err(|error| PatternError::Regex {
            text: text.to_owned(),
            why: in_a_line(&error),
        })
}

fn short(text: &str) -> Result<(), PatternError> {
    if text.len() > LONGEST_PATTERN {
        return Err(PatternError::Long(text.len()));
    }
    Ok(())
}

/// The last line of what `regex` says, which tells what is wrong; those before show the pattern.
fn in_a_line(error: &regex::Error) -> String {
    let said = error.to_string();
    let last = said.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn patterns(patterns: &[(&str, &str, NameClass)]) -> Result<Patterns, (Option<usize>, String)> {
        let patterns: Vec<_> = patterns
            .iter()
            .map(|&(glob, regex, class)| config::Pattern {
                glob: glob.parse().unwrap_or_default(),
                regex: regex.parse().unwrap_or_default(),
                class,
            })
            .collect();
        Patterns::compile(&patterns).map_err(|(at, error)| (at, error.to_string()))
    }

    #[test]
    fn the_first_pattern_that_matches_counts() {
        let patterns = patterns(&[
            ("*.dyn.example.net", "", NameClass::Dynamic),
            ("", r"^mx[0-9]+\.", NameClass::Mail),
            ("*.Example.net", "", NameClass::Static),
            ("h?.{a,b}.example.org", "", NameClass::Generic),
            ("", "EXAMPLE", NameClass::Unknown),
        ])
        .unwrap();
        for (name, expected) in [
            ("a.dyn.example.net", Some((1, NameClass::Dynamic))),
            ("A.B.DYN.example.NET.", Some((1, NameClass::Dynamic))),
            ("dyn.example.net", Some((3, NameClass::Static))),
            ("mx1.example.net", Some((2, NameClass::Mail))),
            ("mx1.dyn.example.net", Some((1, NameClass::Dynamic))),
            ("h1.b.example.org", Some((4, NameClass::Generic))),
            ("h1.c.example.org", Some((5, NameClass::Unknown))),
            ("mxa.test", None),
            ("", None),
        ] {
            let found = patterns.class(name);
            let found = found.map(|pattern| (pattern.number, pattern.class));
            assert_eq!(found, expected, "{name}");
        }
        assert_eq!(Patterns::default().class("mx1.example.net"), None);
    }

    #[test]
    fn what_is_no_pattern() {
        for (glob, regex, expected) in [
            ("", "", "neither `glob` nor `regex`: expected one of them"),
            ("a", "b", "both `glob` and `regex`: expected one of them"),
        ] {
            let error = patterns(&[("x", "", NameClass::Mail), (glob, regex, NameClass::Mail)]);
            let (at, error) = error.unwrap_err();
            assert!(error.starts_with(expected), "{error}");
            assert_eq!(at, Some(1));
        }
        let error = |error: PatternError| error.to_string();
        for (told, expected) in [
            (
                error(glob("a[b").unwrap_err()),
                "`a[b` is no glob (unclosed character class",
            ),
            (
                error(regex("a(b").unwrap_err()),
                "`a(b` is no regular expression (unclosed group)",
            ),
            (
                error(regex(r"(\w{60}){60}").unwrap_err()),
                "is no regular expression (Compiled regex exceeds",
            ),
            (
                error(glob(&"a".repeat(501)).unwrap_err()),
                "501 bytes are too long",
            ),
        ] {
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn many_large_expressions_are_refused_together() {
        let one = ("", r"\w{10}", NameClass::Mail);
        assert!(patterns(&[one]).is_ok());
        let (at, error) = patterns(&[one; 30]).unwrap_err();
        assert_eq!(at, None);
        assert!(error.starts_with("too large together"), "{error}");
    }

    proptest! {
        #[test]
        fn no_pattern_and_no_name_panics(text in r"[a-z*?.\[\]{},\\()|+^$0-9-]{0,40}", name in ".{0,60}") {
            for (glob, regex) in [(text.as_str(), ""), ("", text.as_str())] {
                if let Ok(patterns) = patterns(&[(glob, regex, NameClass::Mail)]) {
                    let _ = patterns.class(&name);
                }
            }
        }
    }
}
