//! The manual pages that tell of no command: gate(7), which is written, and gate.toml(5).

use roff::{Inline, Roff, bold, italic, roman};

use crate::{
    keys::{Key, Section},
    prose::Part,
    reader::Standing,
};

/// What gate is.
pub(crate) const GATE: &str = include_str!("gate.7");

/// Every key of the configuration.
pub(crate) fn gate_toml(sections: &[Section]) -> String {
    let mut page = Roff::new();
    page.control("TH", ["gate.toml", "5", "", "gate"]);
    page.control("SH", ["NAME"]);
    page.text([roman("gate.toml - the configuration of gated(1)")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([
        roman("gated reads "),
        italic("/etc/gate/gate.toml"),
        roman(
            ", or the file that --config names. It is TOML; every key has a default, unless it says \
             that it has none. \"gated --check-config\" tells whether the file is right, \"gatectl \
             reload\" puts it in force. Keys marked (restart) are taken at the next start of gated \
             alone. Durations are written as 30s, 10m, 72h, 3d or 1h 30m.",
        ),
    ]);
    for section in sections {
        page.control("SH", [section.header]);
        parts(&mut page, &section.about);
        for entry in &section.entries {
            for key in &entry.keys {
                page.control("TP", []);
                page.text([bold(format!("{} = {}", key.name, key.value))]);
                page.text(inline(&told(key)));
            }
            if !entry.about.is_empty() {
                page.control("RS", []);
                parts(&mut page, &entry.about);
                page.control("RE", []);
            }
            for example in &entry.examples {
                page.control("RS", []);
                page.control("PP", []);
                page.text([roman("Example: "), bold(example)]);
                page.control("RE", []);
            }
        }
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([roman("gated(1), gatectl(1), gate(7)")]);
    page.to_roff()
}

fn told(key: &Key) -> String {
    let standing = match key.standing {
        Standing::Default => "Default",
        Standing::Example => "Example",
        Standing::Required => "Example, no default",
    };
    let dot = if key.takes.ends_with('.') { "" } else { "." };
    format!("{standing}. Takes {}{dot}", key.takes)
}

/// The text, with what stands between backticks in bold.
fn inline(text: &str) -> Vec<Inline> {
    let pieces = text.split('`').enumerate();
    pieces
        .map(|(i, piece)| {
            if i % 2 == 1 {
                bold(piece)
            } else {
                roman(piece)
            }
        })
        .collect()
}

fn parts(page: &mut Roff, parts: &[Part]) {
    for part in parts {
        match part {
            Part::Text(text) => {
                page.control("PP", []);
                page.text(inline(text));
            }
            Part::Term(term, meaning) => {
                page.control("TP", []);
                page.text([bold(term)]);
                page.text(inline(meaning));
            }
            Part::Item(item) => {
                page.control("IP", ["\\(bu", "2"]);
                page.text(inline(item));
            }
        }
    }
}
