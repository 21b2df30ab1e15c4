//! What was measured, beside its goal.

use serde::Serialize;

/// A goal for a ratio.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// As many, not one more or less.
    Same,
}

/// One measurement and what it is held against.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// What.
    pub(crate) what: String,
    /// The gate's value.
    pub(crate) value: f64,
    /// What it is held against.
    pub(crate) against: String,
    /// That one's value.
    pub(crate) baseline: f64,
    /// Of both values.
    pub(crate) unit: &'static str,
    /// `value / baseline`, or the other way round where less is better and the goal is a factor.
    pub(crate) ratio: f64,
    /// What the ratio should be.
    pub(crate) goal: Goal,
}

impl Row {
    pub(crate) fn new(
        what: impl Into<String>,
        (value, unit): (f64, &'static str),
        (against, baseline): (&str, f64),
        goal: Goal,
    ) -> Self {
        Self {
            what: what.into(),
            value,
            against: against.to_owned(),
            baseline,
            unit,
            ratio: value / baseline,
            goal,
        }
    }

    /// Whether the goal is reached.
    pub(crate) fn is_reached(&self) -> bool {
        match self.goal {
            Goal::AtLeast(goal) => self.ratio >= goal,
            Goal::AtMost(goal) => self.ratio <= goal,
            #[allow(clippy::float_cmp, reason = "both are counts")]
            Goal::Same => self.value == self.baseline,
        }
    }

    fn line(&self) -> [String; 6] {
        let goal = match self.goal {
            Goal::AtLeast(goal) => format!("≥ {goal}"),
            Goal::AtMost(goal) => format!("≤ {goal}"),
            Goal::Same => "= 1".to_owned(),
        };
        [
            self.what.clone(),
            format!("{} {}", rounded(self.value), self.unit),
            format!("{} {} {}", self.against, rounded(self.baseline), self.unit),
            rounded(self.ratio),
            goal,
            if self.is_reached() {
                "reached"
            } else {
                "MISSED"
            }
            .to_owned(),
        ]
    }
}

/// Three digits that count.
fn rounded(value: f64) -> String {
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else if value >= 0.1 {
        2
    } else {
        4
    };
    format!("{value:.digits$}")
}

/// The rows as a table in Markdown, which a terminal shows as well.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut lines = vec![["what", "gate", "against", "ratio", "goal", ""].map(str::to_owned)];
    lines.extend(rows.iter().map(Row::line));
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    lines.insert(1, widths.map(|width| "-".repeat(width)));
    let mut table = String::new();
    for line in &lines {
        for (cell, width) in line.iter().zip(widths) {
            let padding = " ".repeat(width - cell.chars().count());
            table.push_str("| ");
            table.push_str(cell);
            table.push_str(&padding);
            table.push(' ');
        }
        table.push_str("|\n");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_a_bound_of_the_ratio() {
        for (value, baseline, goal, reached) in [
            (9.0, 10.0, Goal::AtLeast(0.9), true),
            (8.9, 10.0, Goal::AtLeast(0.9), false),
            (13.0, 10.0, Goal::AtMost(1.3), true),
            (13.1, 10.0, Goal::AtMost(1.3), false),
            (1e6, 1e6, Goal::Same, true),
            (1e6 - 1.0, 1e6, Goal::Same, false),
        ] {
            let row = Row::new("row", (value, "ns"), ("other", baseline), goal);
            assert_eq!(row.is_reached(), reached, "{value} {baseline} {goal:?}");
        }
    }
}
