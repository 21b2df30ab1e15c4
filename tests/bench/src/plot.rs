//! Plots as SVG, light or dark as the page is.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 50.0;

/// Colours that hold on white and on black.
const COLOURS: [&str; 5] = ["#2f7ed8", "#d1495b", "#8a8a8a", "#3a9d5d", "#c08a1e"];

/// One line of a plot.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    /// Both positive.
    pub(crate) points: Vec<(f64, f64)>,
}

fn begin(title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <style>text {{ fill: #555 }} .axis {{ stroke: #999; stroke-width: 0.6 }} \
         @media (prefers-color-scheme: dark) {{ text {{ fill: #bbb }} }}</style>\n\
         <text x=\"{LEFT}\" y=\"26\" font-size=\"16\">{title}</text>\n"
    )
}

/// Lines over two logarithmic axes.
pub(crate) fn lines(title: &str, (x_name, y_name): (&str, &str), lines: &[Line]) -> String {
    let all = || lines.iter().flat_map(|line| line.points.iter().copied());
    let (x0, x1) = decades(all().map(|(x, _)| x));
    let (y0, y1) = decades(all().map(|(_, y)| y));
    let x = |value: f64| LEFT + (value.log10() - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT);
    let y =
        |value: f64| HEIGHT - BOTTOM - (value.log10() - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM);
    let mut svg = begin(title);
    for decade in x0 as i32..=x1 as i32 {
        let at = x(10f64.powi(decade));
        let _ = writeln!(
            svg,
            "<line class=\"axis\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{:.1}\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - BOTTOM,
            HEIGHT - BOTTOM + 18.0,
            10i64.pow(decade.unsigned_abs())
        );
    }
    for decade in y0 as i32..=y1 as i32 {
        let at = y(10f64.powi(decade));
        let _ = writeln!(
            svg,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0,
            10i64.pow(decade.unsigned_abs())
        );
    }
    for (line, colour) in lines.iter().zip(COLOURS) {
        let points: Vec<String> = line
            .points
            .iter()
            .map(|&(px, py)| format!("{:.1},{:.1}", x(px), y(py)))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" points=\"{}\"/>",
            points.join(" ")
        );
        if let Some(&(px, py)) = line.points.last() {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" style=\"fill: {colour}\">{}</text>",
                x(px) + 8.0,
                y(py) + 4.0,
                line.name
            );
        }
    }
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{x_name}</text>\n\
         <text x=\"18\" y=\"{:.1}\" text-anchor=\"middle\" \
         transform=\"rotate(-90 18 {:.1})\">{y_name}</text>\n</svg>\n",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 10.0,
        HEIGHT / 2.0,
        HEIGHT / 2.0
    );
    svg
}

/// Groups of bars, from zero.
pub(crate) fn bars(
    title: &str,
    unit: &str,
    groups: &[(String, Vec<(&'static str, f64)>)],
) -> String {
    let values = groups
        .iter()
        .flat_map(|(_, bars)| bars.iter().map(|(_, value)| *value));
    let most = values.fold(f64::MIN_POSITIVE, f64::max);
    let rows: usize = groups.iter().map(|(_, bars)| bars.len() + 1).sum();
    let step = (HEIGHT - TOP) / rows.max(1) as f64;
    let mut svg = begin(title);
    let mut at = TOP;
    for (group, bars) in groups {
        at += step;
        let _ = writeln!(svg, "<text x=\"20\" y=\"{:.1}\">{group}</text>", at - 6.0);
        for (index, (name, value)) in bars.iter().enumerate() {
            let width = value / most * (WIDTH - LEFT - RIGHT - 90.0);
            let colour = COLOURS[index % COLOURS.len()];
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>\
                 <rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" \
                 fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{value:.2} {unit}</text>",
                LEFT + 70.0,
                at + step * 0.65,
                LEFT + 80.0,
                at + step * 0.1,
                step * 0.75,
                LEFT + 88.0 + width,
                at + step * 0.65
            );
            at += step;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The decades that hold all of `values`: at least one.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) = values.fold((f64::MAX, f64::MIN_POSITIVE), |(least, most), value| {
        (least.min(value), most.max(value))
    });
    let first = least.log10().floor().max(0.0);
    (first, most.log10().ceil().max(first + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_hold_all_values() {
        for (values, expected) in [
            (&[1.0, 10.0][..], (0.0, 1.0)),
            (&[32.0, 2216.0], (1.0, 4.0)),
            (&[100.0], (2.0, 3.0)),
        ] {
            assert_eq!(decades(values.iter().copied()), expected, "{values:?}");
        }
    }
}
