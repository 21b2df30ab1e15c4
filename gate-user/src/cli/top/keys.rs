//! What a key wants.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::rows::View;

/// What a key wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    Quit,
    Look(View),
    NextView,
    /// Sort by the next column.
    Sort,
    /// Turn the order round.
    Reverse,
    /// Hold the picture, or let it go on.
    Pause,
    /// Show or hide what the keys do.
    Help,
    /// Show rows from so many further down.
    Down(usize),
    Up(usize),
    Top,
}

/// How far the page keys go.
const PAGE: usize = 10;

/// The keys and what they do, for people.
pub(super) const HELP: [(&str, &str); 9] = [
    ("q Esc Ctrl-C", "quit"),
    ("1", "sources by sampled drops"),
    ("2", "their networks: /24s, IPv6 /48s"),
    ("3", "open connections"),
    ("Tab", "the next of these"),
    ("s, r", "sort by the next column; reverse"),
    ("p Space", "hold the picture, or go on"),
    ("Up Down PgUp PgDn Home", "move in the rows"),
    ("?", "these keys"),
];

/// What `key` wants, if anything.
pub(super) fn action(key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == KeyCode::Char('c')).then_some(Action::Quit);
    }
    Some(match key.code {
        KeyCode::Char('q') | KeyCode::Esc => Action::Quit,
        KeyCode::Char('1') => Action::Look(View::Sources),
        KeyCode::Char('2') => Action::Look(View::Networks),
        KeyCode::Char('3') => Action::Look(View::Connections),
        KeyCode::Tab => Action::NextView,
        KeyCode::Char('s') => Action::Sort,
        KeyCode::Char('r') => Action::Reverse,
        KeyCode::Char('p' | ' ') => Action::Pause,
        KeyCode::Char('?' | 'h') => Action::Help,
        KeyCode::Down | KeyCode::Char('j') => Action::Down(1),
        KeyCode::Up | KeyCode::Char('k') => Action::Up(1),
        KeyCode::PageDown => Action::Down(PAGE),
        KeyCode::PageUp => Action::Up(PAGE),
        KeyCode::Home => Action::Top,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_what_the_help_says() {
        let plain = KeyModifiers::NONE;
        for (code, modifiers, expected) in [
            (KeyCode::Char('q'), plain, Some(Action::Quit)),
            (KeyCode::Esc, plain, Some(Action::Quit)),
            (
                KeyCode::Char('c'),
                KeyModifiers::CONTROL,
                Some(Action::Quit),
            ),
            (KeyCode::Char('c'), plain, None),
            (KeyCode::Char('q'), KeyModifiers::CONTROL, None),
            (
                KeyCode::Char('2'),
                plain,
                Some(Action::Look(View::Networks)),
            ),
            (KeyCode::Tab, plain, Some(Action::NextView)),
            (KeyCode::Char('s'), plain, Some(Action::Sort)),
            (KeyCode::Char(' '), plain, Some(Action::Pause)),
            (KeyCode::Char('?'), plain, Some(Action::Help)),
            (KeyCode::PageDown, plain, Some(Action::Down(PAGE))),
            (KeyCode::Char('x'), plain, None),
        ] {
            assert_eq!(action(KeyEvent::new(code, modifiers)), expected, "{code:?}");
        }
        let mut released = KeyEvent::new(KeyCode::Char('q'), plain);
        released.kind = KeyEventKind::Release;
        assert_eq!(action(released), None);
    }
}
