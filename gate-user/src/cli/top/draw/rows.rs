//! The rows of the view, under the names of the views and of its columns.

use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::{Alignment, Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::{Row, Table},
};

use super::{
    super::{
        super::{table::Align, words::ago},
        once::NOT_SAMPLED,
        rows::View,
        state::State,
    },
    CHOSEN, NAMES, len,
};

/// Blank places between two columns.
const GAP: u16 = 2;

pub(super) fn draw(frame: &mut Frame, area: Rect, state: &State, time: Timestamp) {
    let [views_area, table_area] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    frame.render_widget(views(state, time), views_area);

    let sort = state.sort();
    let columns = state.view.columns().iter().enumerate();
    let names = columns.map(|(index, &(name, _))| match sort.reversed {
        _ if index != sort.column => name.to_owned(),
        false => format!("{name} v"),
        true => format!("{name} ^"),
    });
    let names: Vec<String> = names.collect();
    let rows = state.rows();
    let shown = rows.iter().skip(state.first).take(table_area.height.into());
    let texts = shown.map(|row| row.iter().map(|cell| cell.text(time)).collect());
    let texts: Vec<Vec<String>> = texts.collect();

    let widths: Vec<u16> = (0..names.len())
        .map(|column| {
            let cells = texts.iter().map(|row| &row[column]);
            let widths = cells.chain([&names[column]]).map(|it| it.chars().count());
            len(widths.max().unwrap_or(0))
        })
        .collect();
    let fit = fitting(&widths, table_area.width);
    let aligned = |cells: &[String]| {
        let cells = cells.iter().zip(state.view.columns()).take(fit);
        let lines = cells.map(|(text, &(_, align))| {
            Line::raw(text.clone()).alignment(match align {
                Align::Left => Alignment::Left,
                Align::Right => Alignment::Right,
            })
        });
        Row::new(lines.collect::<Vec<_>>())
    };
    let rows = texts.iter().map(|cells| aligned(cells));
    let table = Table::new(rows, widths[..fit].iter().copied())
        .header(aligned(&names).style(NAMES))
        .column_spacing(GAP);
    frame.render_widget(table, table_area);
}

/// The names of the views, and what the chosen one counts.
fn views(state: &State, time: Timestamp) -> Line<'static> {
    let names = (1..).zip(View::ALL).flat_map(|(number, view)| {
        let style = if view == state.view { CHOSEN } else { NAMES };
        [
            Span::styled(format!(" {number} {} ", view.name()), style),
            Span::raw(" "),
        ]
    });
    let mut line: Line = names.collect();
    let Some(sample) = &state.latest else {
        return line;
    };
    let top = &sample.top;
    line.push_span(Span::raw(match state.view {
        View::Connections => match &sample.connections {
            Some(connections) => format!("{} in all", connections.total),
            None => String::new(),
        },
        View::Sources | View::Networks if top.sample == 0 => NOT_SAMPLED.to_owned(),
        View::Sources | View::Networks => {
            let since = ago(top.since, time);
            format!("since {since}, one drop of {}", top.sample)
        }
    }));
    line
}

/// How many of the columns have room; the first is shown in any case.
fn fitting(widths: &[u16], room: u16) -> usize {
    let mut taken = 0u16;
    let fit = widths.iter().take_while(|&&width| {
        taken = taken.saturating_add(width);
        let fits = taken <= room;
        taken = taken.saturating_add(GAP);
        fits
    });
    fit.count().max(1)
}
