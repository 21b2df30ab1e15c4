//! The rates: a line each, with its sparkline where there is room.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
    widgets::Sparkline,
};

use super::{
    super::{rates::Rated, rows::short},
    NAMES, Palette,
};

/// Name, rate and total, in columns.
const NUMBERS: u16 = 38;

/// A sparkline narrower than this tells nothing.
const SPARKLINE: u16 = 8;

pub(super) fn draw(frame: &mut Frame, area: Rect, lines: &[Rated], palette: Palette) {
    if area.is_empty() {
        return;
    }
    let areas = area
        .rows()
        .zip(std::iter::once(None).chain(fitting(lines, usize::from(area.height) - 1).map(Some)));
    for (area, rated) in areas {
        let [numbers, spark] =
            Layout::horizontal([Constraint::Length(NUMBERS), Constraint::Fill(1)])
                .spacing(2)
                .areas(area);
        let Some(rated) = rated else {
            let names = columns("SYNs", "A SECOND", "TOTAL");
            frame.render_widget(Line::styled(names, NAMES), area);
            continue;
        };
        let style = rated
            .line
            .tone()
            .map_or(Style::new(), |it| palette.style(it));
        let rate = rated.now().map_or_else(|| "-".to_owned(), short);
        let text = columns(&rated.line.name(), &rate, &rated.total.to_string());
        frame.render_widget(Span::styled(text, style), numbers);
        if spark.width >= SPARKLINE {
            let data = bars(rated, usize::from(spark.width));
            frame.render_widget(Sparkline::default().data(data).style(style), spark);
        }
    }
}

fn columns(name: &str, rate: &str, total: &str) -> String {
    format!("{name:<16}{rate:>8}{total:>14}")
}

/// As many lines as there is room for: those with the highest rates, in their order.
fn fitting<'a, 'b>(lines: &'a [Rated<'b>], room: usize) -> impl Iterator<Item = &'a Rated<'b>> {
    let mut chosen: Vec<usize> = (0..lines.len()).collect();
    chosen.sort_by(|&one, &other| {
        let rate = |index: usize| lines[index].now().unwrap_or(0.0);
        rate(other).total_cmp(&rate(one))
    });
    chosen.truncate(room);
    chosen.sort_unstable();
    chosen.into_iter().map(|index| &lines[index])
}

/// The latest rates, the last one at the right end.
fn bars(rated: &Rated, width: usize) -> Vec<u64> {
    let missing = width.saturating_sub(rated.history.len());
    let skipped = rated.history.len().saturating_sub(width);
    // Fine enough for less than one event a second.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "heights to look at, never negative"
    )]
    let heights = rated.history.iter().map(|rate| (rate * 100.0) as u64);
    let empty = std::iter::repeat_n(0, missing);
    empty.chain(heights.skip(skipped)).collect()
}
