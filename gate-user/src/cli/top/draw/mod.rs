//! A picture of the state: head, rates, rows and keys, as far as the terminal has room for them.

mod head;
mod rates;
mod rows;

use std::time::Instant;

use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::{Constraint, Layout},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{super::tone::Tone, keys::HELP, state::State};

/// Whether the picture has colours. Without them, bold and reversed text stays.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Palette {
    Colours,
    Plain,
}

impl Palette {
    fn style(self, tone: Tone) -> Style {
        let colour = match (self, tone) {
            (Self::Plain, _) => return Style::new(),
            (Self::Colours, Tone::Good) => Color::Green,
            (Self::Colours, Tone::Care) => Color::Yellow,
            (Self::Colours, Tone::Bad) => Color::Red,
        };
        Style::new().fg(colour)
    }
}

/// What the names of columns look like.
const NAMES: Style = Style::new().add_modifier(Modifier::BOLD);

/// What is chosen looks like.
const CHOSEN: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Draws `state` as of now.
pub(super) fn draw(
    frame: &mut Frame,
    state: &State,
    palette: Palette,
    now: Instant,
    time: Timestamp,
) {
    let head = head::lines(state, palette, now, time);
    let lines = state.rates.lines();
    let height = frame.area().height;
    let keys_height = u16::from(height > 2);
    let head_height = len(head.len()).min(height - keys_height);
    let rest = height - keys_height - head_height;
    let rates_height = (len(lines.len()) + 1).min(rest / 2);
    let [head_area, rates_area, rows_area, keys_area] = Layout::vertical([
        Constraint::Length(head_height),
        Constraint::Length(rates_height),
        Constraint::Fill(1),
        Constraint::Length(keys_height),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(head), head_area);
    if state.help {
        let body = rates_area.union(rows_area);
        frame.render_widget(Paragraph::new(help()), body);
    } else {
        rates::draw(frame, rates_area, &lines, palette);
        rows::draw(frame, rows_area, state, time);
    }
    frame.render_widget(keys(state.paused), keys_area);
}

/// A number of lines; beyond what a terminal can have, all are alike.
fn len(lines: usize) -> u16 {
    u16::try_from(lines).unwrap_or(u16::MAX)
}

fn help() -> Vec<Line<'static>> {
    let lines = HELP.iter().map(|(keys, what)| {
        Line::from(vec![
            Span::styled(format!("  {keys:<24}"), NAMES),
            Span::raw(*what),
        ])
    });
    lines.collect()
}

fn keys(paused: bool) -> Line<'static> {
    let hold = if paused { "go on" } else { "hold" };
    let keys = [
        ("q", "quit"),
        ("?", "keys"),
        ("Tab", "view"),
        ("s", "sort"),
        ("r", "reverse"),
        ("p", hold),
    ];
    let spans = keys.iter().flat_map(|&(key, what)| {
        [
            Span::styled(format!(" {key} "), CHOSEN),
            Span::raw(format!(" {what}  ")),
        ]
    });
    spans.collect()
}

#[cfg(test)]
mod tests;
