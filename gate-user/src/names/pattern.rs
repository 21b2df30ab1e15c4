//! A glob over a whole PTR name: text in, a pattern out that knows which names are meant.

use std::{fmt, str::FromStr, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dns::class::is_second_level;

/// The longest name and the longest label, in bytes (RFC 1035 section 2.3.4; a name's length is
/// less than the 255 octets on the wire by its root and the first label's length).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// How many labels at the right end must be literal, unless it is forced; and how many where domains
/// are registered under the second, as under `co.uk`.
const LITERAL_LABELS: usize = 2;
const LITERAL_LABELS_SHARED: usize = 3;

/// A glob over a whole name: `*` is any number of characters, dots among them, `?` is one.
/// In lower case, without the dot at the end. Without either of them it is that very name.
#[derive(
    Clone, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(Arc<str>);

/// A text that is no [`Pattern`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PatternError {
    /// Too short, or too long.
    #[error("`{text}` is no name pattern: it must have 1 to {MAX_NAME} characters")]
    Length {
        /// What was given.
        text: String,
    },
    /// A character that no name has as it is written down.
    #[error(
        "`{text}` is no name pattern: `{found}` stands in no host name; expected such as \
         *.dyn.example.net (names of other alphabets in their xn-- form)"
    )]
    Character {
        /// What was given.
        text: String,
        /// The character.
        found: char,
    },
    /// A label that no name has.
    #[error("`{text}` is no name pattern: between dots stand 1 to {MAX_LABEL} characters")]
    Label {
        /// What was given.
        text: String,
    },
}

/// A pattern that matches too much to be meant.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{pattern} matches far too many names: its last two labels must be literal, as in \
     *.example.net (three under such as co.uk); if that is what you mean, say so with --force"
)]
pub struct WideError {
    /// The pattern.
    pub pattern: Pattern,
}

impl Pattern {
    /// The pattern as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it may be entered without force: one that has a wildcard must end in two literal
    /// labels, or three where the last two are such as `co.uk`.
    ///
    /// # Errors
    /// If it does not.
    pub fn check_width(&self) -> Result<(), WideError> {
        let tail = self.literal_tail();
        let mut labels = tail.rsplit('.').map(str::as_bytes);
        let shared = match (labels.next(), labels.next()) {
            (Some(top), Some(second)) => is_second_level(second, top),
            _ => false,
        };
        let wanted = if shared {
            LITERAL_LABELS_SHARED
        } else {
            LITERAL_LABELS
        };
        let literal = tail.split('.').filter(|label| !label.is_empty());
        if self.is_literal() || literal.count() >= wanted {
            Ok(())
        } else {
            Err(WideError {
                pattern: self.clone(),
            })
        }
    }

    /// How much of it is literal, in characters: of two patterns that match a name the one with
    /// more is closer to it.
    pub fn literal_len(&self) -> usize {
        self.0.chars().filter(|&c| !is_wildcard(c)).count()
    }

    /// The whole labels behind its last wildcard, without a dot before them: every name that it
    /// matches ends so.
    pub(super) fn literal_tail(&self) -> &str {
        let Some(last) = self.0.rfind(is_wildcard) else {
            return &self.0;
        };
        self.0[last..].split_once('.').map_or("", |(_, tail)| tail)
    }

    fn is_literal(&self) -> bool {
        !self.0.contains(is_wildcard)
    }

    /// Whether it matches `name`, which is in lower case and has no dot at its end.
    pub(super) fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        // The last `*`, and where in the name what follows it is tried.
        let mut retry = None;
        while n < name.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    p += 1;
                    retry = Some((p, n));
                }
                Some(&byte) if byte == b'?' || byte == name[n] => {
                    p += 1;
                    n += 1;
                }
                _ => {
                    let Some((after, tried)) = retry else {
                        return false;
                    };
                    (p, n) = (after, tried + 1);
                    retry = Some((after, n));
                }
            }
        }
        pattern[p..].iter().all(|&byte| byte == b'*')
    }
}

fn is_wildcard(c: char) -> bool {
    matches!(c, '*' | '?')
}

/// Lower case, no dot at the end: how names are compared (RFC 4343).
pub(super) fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let pattern = normal(text);
        let text = || text.chars().take(MAX_NAME).collect();
        if pattern.is_empty() || pattern.len() > MAX_NAME {
            return Err(PatternError::Length { text: text() });
        }
        let stands = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        if let Some(found) = pattern.chars().find(|&c| !stands(c) && !is_wildcard(c)) {
            return Err(PatternError::Character {
                text: text(),
                found,
            });
        }
        if pattern
            .split('.')
            .any(|label| label.is_empty() || label.len() > MAX_LABEL)
        {
            return Err(PatternError::Label { text: text() });
        }
        Ok(Self(pattern.into()))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_glob_over_the_whole_name() {
        for (glob, name, expected) in [
            ("*.dyn.example.net", "a.dyn.example.net", true),
            ("*.dyn.example.net", "a.b.dyn.example.net", true),
            ("*.dyn.example.net", "dyn.example.net", false),
            ("*.dyn.example.net", "a.dyn.example.net.example.org", false),
            ("*.dyn.example.net", "adyn.example.net", false),
            ("host-*.example.net", "host-1.example.net", true),
            ("host-*.example.net", "host-1.a.example.net", true),
            ("host-*.example.net", "myhost-1.example.net", false),
            ("host-?.example.net", "host-1.example.net", true),
            ("host-?.example.net", "host-12.example.net", false),
            ("mail.example.net", "mail.example.net", true),
            ("mail.example.net", "a.mail.example.net", false),
            ("*-*-*.example.net", "1-2-3.example.net", true),
            ("*-*-*.example.net", "1-2.example.net", false),
            ("*", "localhost", true),
        ] {
            assert_eq!(pattern(glob).matches(name), expected, "{glob} {name}");
        }
    }

    #[test]
    fn names_are_kept_in_lower_case_without_the_last_dot() {
        assert_eq!(pattern("*.DYN.Example.net.").as_str(), "*.dyn.example.net");
        assert_eq!(normal("Host.Example.NET."), "host.example.net");
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for (text, why) in [
            ("", "1 to 253 characters"),
            (".", "1 to 253 characters"),
            (&"a.".repeat(200), "1 to 253 characters"),
            ("a b.example.net", "` ` stands in no host name"),
            ("*.größe.example", "xn--"),
            ("[ab].example.net", "`[` stands in no"),
            ("a..example.net", "between dots stand 1 to 63"),
            (".example.net", "between dots stand 1 to 63"),
            ("example.net..", "between dots stand 1 to 63"),
            (&format!("{}.example.net", "a".repeat(64)), "between dots"),
        ] {
            let error = text.parse::<Pattern>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_wildcard_wants_two_literal_labels_behind_it() {
        for (text, fits) in [
            ("*.example.net", true),
            ("host-*.example.net", true),
            ("*.*.example.net", true),
            ("localhost", true),
            ("example.net", true),
            ("co.uk", true),
            ("*.example.co.uk", true),
            ("*.example.uk", true),
            ("*.com.example", true),
            ("*.co.uk", false),
            ("*.CO.UK.", false),
            ("mail*.com.br", false),
            ("*.exampl?.co.uk", false),
            ("*.or.at", false),
            ("*.ac.jp", false),
            ("*", false),
            ("*.net", false),
            ("*example.net", false),
            ("*.example.*", false),
            ("mail.exampl?.net", false),
            ("mail.*", false),
        ] {
            let checked = pattern(text).check_width();
            assert_eq!(checked.is_ok(), fits, "{text}");
            if let Err(error) = checked {
                let error = error.to_string();
                assert!(error.contains("*.example.net") && error.contains("--force"));
            }
        }
    }

    #[test]
    fn what_is_literal_is_known() {
        for (text, tail, length) in [
            ("*.dyn.example.net", "dyn.example.net", 16),
            ("host-*.example.net", "example.net", 17),
            ("a*b.example.net", "example.net", 14),
            ("mail.example.net", "mail.example.net", 16),
            ("*.example.*", "", 9),
            ("*", "", 0),
        ] {
            assert_eq!(pattern(text).literal_tail(), tail, "{text}");
            assert_eq!(pattern(text).literal_len(), length, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_given_is_taken_or_told(text in "\\PC{0,40}") {
            if let Ok(pattern) = text.parse::<Pattern>() {
                prop_assert_eq!(pattern.as_str().parse(), Ok(pattern.clone()));
            }
        }

        /// Names and patterns of few letters, so that they meet.
        #[test]
        fn it_matches_what_the_regular_expression_does(
            glob in "[ab*?]{1,4}(\\.[ab*?]{1,4}){0,2}",
            name in "[ab]{1,3}(\\.[ab]{1,3}){0,3}",
        ) {
            let regex = regex::escape(&glob).replace("\\*", ".*").replace("\\?", ".");
            let regex = regex::Regex::new(&format!("^(?:{regex})$")).unwrap();
            let pattern = pattern(&glob);
            prop_assert_eq!(pattern.matches(&name), regex.is_match(&name));
            if pattern.matches(&name) {
                let tail = pattern.literal_tail();
                let whole = tail.is_empty() || name == tail;
                let below = name.ends_with(&format!(".{tail}"));
                prop_assert!(whole || below, "{name} {tail}");
            }
        }
    }
}
