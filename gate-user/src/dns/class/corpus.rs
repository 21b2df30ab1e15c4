//! The classifier against names that were labelled before it was written: `corpus/names.txt`.
//!
//! A third of the providers is held out: nobody looked at their names while making rules. The table
//! in docs/reverse-names.md is what comes out here.

use std::{fmt::Write as _, net::IpAddr};

use super::*;

const NAMES: &str = include_str!("corpus/names.txt");
const DOCUMENT: &str = include_str!("../../../../docs/reverse-names.md");

struct Labelled {
    provider: &'static str,
    address: IpAddr,
    name: &'static str,
    class: NameClass,
}

impl Labelled {
    fn read(line: &'static str) -> Self {
        let mut fields = line.split(' ');
        let mut next = || fields.next().unwrap_or_else(|| panic!("{line}"));
        let (provider, address, name, class) = (next(), next(), next(), next());
        Self {
            provider,
            address: address.parse().unwrap(),
            name,
            class: NameClass::ALL
                .into_iter()
                .find(|known| known.as_str() == class)
                .unwrap_or_else(|| panic!("{line}")),
        }
    }

    /// By a hash of the provider's name (32-bit FNV-1a), so that nobody chose.
    fn is_held_out(&self) -> bool {
        let hash = self.provider.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        hash.is_multiple_of(3)
    }
}

fn corpus() -> Vec<Labelled> {
    let lines = NAMES.lines();
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(Labelled::read)
        .collect()
}

/// How many names of each class were given each class.
struct Counts([[usize; 5]; 5]);

impl Counts {
    fn of<'a>(names: impl Iterator<Item = &'a Labelled>) -> Self {
        let mut counts = [[0; 5]; 5];
        for labelled in names {
            let given = classify(labelled.name, labelled.address).class;
            counts[labelled.class as usize][given as usize] += 1;
        }
        Self(counts)
    }

    fn labelled(&self, classes: &[NameClass]) -> usize {
        let rows = classes.iter().map(|&class| &self.0[class as usize]);
        rows.flatten().sum()
    }

    fn given(&self, class: NameClass) -> usize {
        self.0.iter().map(|row| row[class as usize]).sum()
    }

    /// Names of `labelled` that were given one of `given`.
    fn both(&self, labelled: &[NameClass], given: &[NameClass]) -> usize {
        let cells = labelled.iter().flat_map(|&row| {
            given
                .iter()
                .map(move |&column| self.0[row as usize][column as usize])
        });
        cells.sum()
    }
}

const ACCESS: [NameClass; 2] = [NameClass::Dynamic, NameClass::Generic];
const FIXED: [NameClass; 2] = [NameClass::Static, NameClass::Mail];

fn percent(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "hundreds of names")]
    let percent = 100.0 * part as f64 / whole as f64;
    format!("{percent:.1} %")
}

/// The numbers, as the document has them.
fn table(parts: [(&str, &Counts); 2]) -> String {
    let mut table = String::from("| part | class | names | precision | recall |");
    for class in NameClass::ALL {
        let _ = write!(table, " {class} |");
    }
    table.push_str("\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (part, counts) in parts {
        for class in NameClass::ALL {
            let (row, all) = (counts.0[class as usize], counts.labelled(&[class]));
            let right = row[class as usize];
            let _ = write!(
                table,
                "| {part} | {class} | {all} | {} | {} |",
                percent(right, counts.given(class)),
                percent(right, all)
            );
            for given in row {
                let _ = write!(table, " {given} |");
            }
            table.push('\n');
        }
    }
    table.push_str("\n| goal | | rules made with | held out |\n| --- | --- | --- | --- |\n");
    let mut goal = |what: &str, goal: &str, of: &dyn Fn(&Counts) -> (usize, usize)| {
        let _ = write!(table, "| {what} | {goal} |");
        for (_, counts) in parts {
            let (part, whole) = of(counts);
            let _ = write!(table, " {} ({part} of {whole}) |", percent(part, whole));
        }
        table.push('\n');
    };
    goal(
        "dynamic and generic names not called static or mail",
        "≥ 97 %",
        &|counts| {
            let whole = counts.labelled(&ACCESS);
            (whole - counts.both(&ACCESS, &FIXED), whole)
        },
    );
    goal(
        "mail servers' names called dynamic or generic",
        "≤ 0.3 %",
        &|counts| {
            let mail = [NameClass::Mail];
            (counts.both(&mail, &ACCESS), counts.labelled(&mail))
        },
    );
    goal(
        "dynamic and generic names called one of the two",
        "",
        &|counts| (counts.both(&ACCESS, &ACCESS), counts.labelled(&ACCESS)),
    );
    table
}

#[test]
fn the_corpus_is_as_large_as_it_says() {
    let corpus = corpus();
    let count = |names: &[&Labelled]| {
        let mut providers: Vec<_> = names.iter().map(|name| name.provider).collect();
        providers.sort_unstable();
        providers.dedup();
        (names.len(), providers.len())
    };
    let (names, providers) = count(&corpus.iter().collect::<Vec<_>>());
    let held_out: Vec<_> = corpus.iter().filter(|name| name.is_held_out()).collect();
    let (held_names, held_providers) = count(&held_out);
    assert!(names >= 600 && providers >= 150, "{names} {providers}");
    assert!(held_providers * 4 >= providers, "{held_providers}");
    let said = format!(
        "{names} names of {providers} providers, of which {held_providers} with {held_names} names are held out"
    );
    assert!(in_a_line(DOCUMENT).contains(&said), "expected: {said}");
}

fn in_a_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_goals_are_reached_on_names_never_seen_and_the_document_tells_the_numbers() {
    let corpus = corpus();
    let made_with = Counts::of(corpus.iter().filter(|name| !name.is_held_out()));
    let held_out = Counts::of(corpus.iter().filter(|name| name.is_held_out()));
    let table = table([("made with", &made_with), ("held out", &held_out)]);
    assert!(
        DOCUMENT.contains(&table),
        "docs/reverse-names.md should have:\n\n{table}"
    );

    let wrong = held_out.both(&ACCESS, &FIXED);
    assert!(
        wrong * 100 <= 3 * held_out.labelled(&ACCESS),
        "{wrong}\n{table}"
    );
    let wrong = held_out.both(&[NameClass::Mail], &ACCESS);
    assert!(
        wrong * 1000 <= 3 * held_out.labelled(&[NameClass::Mail]),
        "{wrong}\n{table}"
    );
}
