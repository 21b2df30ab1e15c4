//! The few colours of `gatectl`: red for what is dropped or amiss, yellow for what is refused or to
//! be looked at, green for what passes or is well.
//!
//! Texts are always painted; [`terminal::output`](super::terminal::output) takes the colours out
//! where none are to be shown.

use anstream::adapter::strip_str;
use anstyle::{AnsiColor, Style};
use gate_common::Mode;

use crate::plan::Verdict;

/// What a text tells at a glance.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tone {
    /// It passes, it is well.
    Good,
    /// It is refused, it should be looked at.
    Care,
    /// It is dropped, it is amiss.
    Bad,
}

impl From<Verdict> for Tone {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Good,
            Verdict::Reject => Self::Care,
            Verdict::Drop => Self::Bad,
        }
    }
}

impl From<Mode> for Tone {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Enforce => Self::Good,
            Mode::Monitor => Self::Care,
            Mode::Off => Self::Bad,
        }
    }
}

impl Tone {
    fn colour(self) -> AnsiColor {
        match self {
            Self::Good => AnsiColor::Green,
            Self::Care => AnsiColor::Yellow,
            Self::Bad => AnsiColor::Red,
        }
    }

    /// `text` in its colour.
    pub(super) fn paint(self, text: &str) -> String {
        let style = Style::new().fg_color(Some(self.colour().into()));
        format!("{style}{text}{style:#}")
    }
}

/// How many places `text` takes: its colours take none.
pub(super) fn width(text: &str) -> usize {
    strip_str(text).map(|part| part.chars().count()).sum()
}

#[cfg(test)]
pub(super) fn plain(text: &str) -> String {
    strip_str(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_take_no_place() {
        let text = Tone::Bad.paint("größer");
        assert_eq!(text, "\u{1b}[31mgrößer\u{1b}[0m");
        assert_eq!(width(&text), 6);
        assert_eq!(plain(&text), "größer");
    }
}
