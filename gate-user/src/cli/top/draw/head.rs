//! The head: how the gate stands, in three lines, and what is amiss in one more.

use std::time::Instant;

use jiff::Timestamp;
use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};

use super::{
    super::{
        super::{
            flood, status,
            tone::Tone,
            words::{counted, foreign, lasting, span},
        },
        rates::{Line as RateLine, Rated},
        rows::short,
        sample::Sample,
        state::State,
    },
    NAMES, Palette,
};

pub(super) fn lines(
    state: &State,
    palette: Palette,
    now: Instant,
    time: Timestamp,
) -> Vec<Line<'static>> {
    let mut lines = match &state.latest {
        Some(sample) => vec![
            standing(sample, palette, time),
            passing(state, palette),
            holding(sample, palette),
        ],
        None => vec![Line::styled("gate", NAMES)],
    };
    if let Some(lost) = &state.lost {
        let gone = span(now.saturating_duration_since(lost.since));
        let text = format!("trying again, for {gone}: {}", foreign(&lost.why));
        lines.push(Line::styled(text, strong(palette, Tone::Bad)));
    } else if let Some(sample) = &state.latest {
        lines.extend(warning(sample, palette));
    }
    lines
}

fn strong(palette: Palette, tone: Tone) -> Style {
    palette.style(tone).add_modifier(Modifier::BOLD)
}

/// Mode, flood, interfaces.
fn standing(sample: &Sample, palette: Palette, time: Timestamp) -> Line<'static> {
    let status = &sample.status;
    let lasts = lasting(status.flood.since, time);
    let mut spans = vec![
        Span::styled("gate ", NAMES),
        Span::styled(status.mode.as_str(), strong(palette, status.mode.into())),
        Span::raw("  "),
        Span::styled(
            format!("{} for {lasts}", flood::name(&status.flood)),
            strong(palette, flood::tone(&status.flood)),
        ),
    ];
    for interface in &status.interfaces {
        let style = match &interface.problem {
            Some(_) => palette.style(Tone::Bad),
            None => Style::new(),
        };
        spans.push(Span::raw("  "));
        spans.push(Span::styled(status::guarded(interface), style));
    }
    Line::from(spans)
}

/// What share of the SYNs passes.
fn passing(state: &State, palette: Palette) -> Line<'static> {
    let lines = state.rates.lines();
    let seen = lines.iter().find(|it| it.line == RateLine::Seen);
    let seen = seen.and_then(Rated::now);
    let seen = seen.map_or_else(|| "-".to_owned(), short);
    let mut spans = vec![Span::raw(format!("SYNs {seen}/s"))];
    if let Some((passed, dropped)) = state.rates.shares() {
        for (share, what, tone) in [
            (passed, "passed", Tone::Good),
            (dropped, "dropped", Tone::Bad),
        ] {
            let text = format!("  {what} {:.1} %", share * 100.0);
            spans.push(Span::styled(text, palette.style(tone)));
        }
    }
    Line::from(spans)
}

/// Connections, and how full the maps are.
fn holding(sample: &Sample, palette: Palette) -> Line<'static> {
    let status = &sample.status;
    let mut spans = Vec::new();
    if let Some(counts) = &status.connections {
        let (open, sources) = (counts.open, counted(counts.sources, "source"));
        spans.push(Span::raw(format!("{open} open from {sources}  ")));
    }
    match &status.kernel {
        Some(kernel) => spans.push(Span::raw(format!(
            "blocked {} + {}",
            kernel.block_v4, kernel.block_v6
        ))),
        None => spans.push(Span::styled(
            "the gate is not on the wire",
            palette.style(Tone::Bad),
        )),
    }
    if let Some(index) = &status.index {
        #[expect(clippy::cast_precision_loss, reason = "a share to look at")]
        let full = index.used as f64 / index.capacity.max(1) as f64;
        let style = if index.left_to_tries > 0 {
            palette.style(Tone::Care)
        } else {
            Style::new()
        };
        let text = format!("  index {:.1} % full", full * 100.0);
        spans.push(Span::styled(text, style));
    }
    let drift = status.drift.missing + status.drift.extra;
    if drift > 0 {
        let style = palette.style(Tone::Bad);
        spans.push(Span::styled(format!("  drift {drift}"), style));
    }
    Line::from(spans)
}

/// The first of what an operator should look at, and how many there are.
fn warning(sample: &Sample, palette: Palette) -> Option<Line<'static>> {
    let warnings = &sample.status.warnings;
    let first = foreign(warnings.first()?);
    let text = match warnings.len() {
        1 => format!("warning: {first}"),
        count => format!("warning (1 of {count}): {first}"),
    };
    Some(Line::styled(text, palette.style(Tone::Care)))
}
