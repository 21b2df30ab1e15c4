//! Aligned columns.

use super::tone::width;

/// How a column is aligned.
#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    Right,
}

/// Rows of text under a header.
pub(super) struct Table<const N: usize> {
    columns: [(&'static str, Align); N],
    indent: &'static str,
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(super) fn new(columns: [(&'static str, Align); N]) -> Self {
        Self {
            columns,
            indent: "",
            rows: Vec::new(),
        }
    }

    /// The table with `indent` before each line.
    pub(super) fn indented(mut self, indent: &'static str) -> Self {
        self.indent = indent;
        self
    }

    pub(super) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    /// The lines, each with its newline; none if there is no row. A header without names is not
    /// shown.
    pub(super) fn render(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let header = self.columns.map(|(name, _)| name.to_owned());
        let header = header.iter().any(|name| !name.is_empty()).then_some(header);
        let lines: Vec<_> = header.iter().chain(&self.rows).collect();
        let widest = |column: usize| {
            let widths = lines.iter().map(|cells| width(&cells[column]));
            widths.max().unwrap_or(0)
        };
        let widths: [usize; N] = std::array::from_fn(widest);
        let mut text = String::new();
        for cells in lines {
            let mut line = self.indent.to_owned();
            for (column, cell) in cells.iter().enumerate() {
                if column > 0 {
                    line.push_str("  ");
                }
                let gap = " ".repeat(widths[column] - width(cell));
                line.extend(match self.columns[column].1 {
                    Align::Left => [cell.as_str(), &gap],
                    Align::Right => [&gap, cell.as_str()],
                });
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tone::{Tone, plain};

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new([
            ("NAME", Align::Left),
            ("N", Align::Right),
            ("NOTE", Align::Left),
        ]);
        assert_eq!(table.render(), "");
        table.row(["a".to_owned(), "10".to_owned(), String::new()]);
        table.row(["größer".to_owned(), "9".to_owned(), "x y".to_owned()]);
        assert_eq!(
            table.render(),
            "NAME     N  NOTE\n\
             a       10\n\
             größer   9  x y\n"
        );
    }

    #[test]
    fn a_coloured_cell_is_as_wide_as_its_text() {
        let mut table = Table::new([("A", Align::Right), ("B", Align::Left)]);
        table.row([Tone::Bad.paint("drop"), "x".to_owned()]);
        table.row(["pass it".to_owned(), "y".to_owned()]);
        assert_eq!(
            plain(&table.render()),
            "      A  B\n   drop  x\npass it  y\n"
        );
    }

    #[test]
    fn facts_have_no_header() {
        let mut table = Table::new([("", Align::Left), ("", Align::Left)]).indented("  ");
        table.row(["mode".to_owned(), "enforce".to_owned()]);
        table.row(["pid".to_owned(), "1".to_owned()]);
        assert_eq!(table.render(), "  mode  enforce\n  pid   1\n");
    }
}
