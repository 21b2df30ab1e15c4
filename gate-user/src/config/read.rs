//! From TOML text to a [`Config`], with all that is wrong told at once.
//!
//! Every key is tried alone, in a configuration whose other keys are known to be good; what spans
//! several keys is checked when each of them is.

use std::{collections::BTreeMap, ops::Range};

use serde::Deserialize as _;
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    Config, DnsblConfig, DnsblList, EvidenceConfig, FeedConfig, Forwarder, LimitsConfig,
    MaildirConfig, NetworkLimits, OperatorsConfig, Pattern, Problem, PtrConfig, TokenConfig,
    WebConfig, check, message,
};

/// Where each key stands in the text.
pub(super) type Places = BTreeMap<String, Range<usize>>;

/// The text read, or what is wrong with it, in the order of the text; at least one problem.
pub(super) fn read(text: &str) -> Result<Config, Vec<Problem>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let problem = |error: &toml::de::Error| {
            let span = error.span().unwrap_or_default();
            let mut message = error.message().to_owned();
            if message == "duplicate key" {
                let name = text.get(span.clone()).unwrap_or_default();
                message =
                    format!("duplicate key `{name}`: each key, and each [section], stands once");
            }
            Problem::at(text, span, "", &message)
        };
        return Err(sorted(errors.iter().map(problem).collect()));
    }
    let good_text = every_key();
    let good = DeTable::parse(&good_text).expect("what was written can be read");
    let mut reader = Reader {
        text,
        good_text: &good_text,
        places: Places::new(),
        problems: Vec::new(),
    };
    reader.table("", document.get_ref(), good.get_ref(), &|table| table);
    if reader.problems.is_empty() {
        match from_table(document.into_inner()) {
            Ok(config) => {
                for (key, message) in check::across_keys(&config) {
                    let span = reader.places.get(&key).cloned().unwrap_or_default();
                    reader.problem(span, &key, &message);
                }
                if reader.problems.is_empty() {
                    return Ok(config);
                }
            }
            // Each key is good: it would have to be their being together.
            Err(error) => {
                let span = error.span().unwrap_or_default();
                reader.problem(span, "", error.message());
            }
        }
    }
    Err(sorted(reader.problems))
}

/// A configuration in which every key is written out.
fn every_key() -> String {
    let example = FeedConfig::new(
        "example".parse().expect("a feed can have this name"),
        "/example".into(),
    );
    let config = Config {
        evidence: EvidenceConfig {
            forwarders: vec![Forwarder::example()],
            maildirs: vec![MaildirConfig::example()],
            ..EvidenceConfig::default()
        },
        limits: LimitsConfig {
            networks: vec![NetworkLimits::example()],
            ..LimitsConfig::default()
        },
        feeds: vec![example],
        dnsbl: DnsblConfig {
            lists: vec![DnsblList::example()],
            ..DnsblConfig::default()
        },
        ptr: PtrConfig {
            patterns: vec![Pattern::example()],
        },
        web: WebConfig {
            operators: Some(OperatorsConfig {
                tokens: vec![TokenConfig::example()],
                ..OperatorsConfig::default()
            }),
            ..WebConfig::default()
        },
        ..Config::default()
    };
    config.to_toml().to_string()
}

fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems
}

fn from_table(table: DeTable<'_>) -> Result<Config, toml::de::Error> {
    Config::deserialize(toml::Deserializer::from(Spanned::new(0..0, table)))
}

struct Reader<'t> {
    text: &'t str,
    /// Where the good values come from.
    good_text: &'t str,
    places: Places,
    problems: Vec<Problem>,
}

/// Makes a whole configuration of a table that stands somewhere in it.
type Around<'a, 'i> = &'a dyn Fn(DeTable<'i>) -> DeTable<'i>;

impl Reader<'_> {
    /// Tries each key of the table `given`, whose place in a good configuration `good` has.
    fn table<'i>(
        &mut self,
        path: &str,
        given: &DeTable<'i>,
        good: &DeTable<'i>,
        around: Around<'_, 'i>,
    ) {
        for (key, value) in given {
            let name: &str = key.get_ref();
            let path = message::joined(path, name);
            let Some(good_value) = good.get(name) else {
                let message = message::unknown_key(name, good);
                self.problem(key.span(), &path, &message);
                continue;
            };
            self.places.insert(path.clone(), value.span());
            let with = |given: DeValue<'i>| {
                let mut table = good.clone();
                if let Some(place) = table.get_mut(name) {
                    *place = Spanned::new(value.span(), given);
                }
                around(table)
            };
            match (value.get_ref(), good_value.get_ref()) {
                (DeValue::Table(given), DeValue::Table(good)) => {
                    self.table(&path, given, good, &|table| with(DeValue::Table(table)));
                }
                (DeValue::Array(given), DeValue::Array(good)) if holds_tables(good) => {
                    self.tables(&path, given, good, &|table| {
                        let element = Spanned::new(0..0, DeValue::Table(table));
                        with(DeValue::Array(DeArray::from_iter([element])))
                    });
                }
                (_, DeValue::Array(good)) if holds_tables(good) => {
                    let message = format!("not a list of tables: expected `[[{name}]]`");
                    self.problem(key.span(), &path, &message);
                }
                (given, _) => {
                    let default = self.good_text.get(good_value.span()).unwrap_or_default();
                    self.value(&path, value.span(), given, default, &|given| {
                        from_table(with(given))
                    });
                }
            }
        }
    }

    /// Tries a value; of a list that is not good, each element alone.
    fn value<'i>(
        &mut self,
        path: &str,
        span: Range<usize>,
        given: &DeValue<'i>,
        default: &str,
        try_with: &dyn Fn(DeValue<'i>) -> Result<Config, toml::de::Error>,
    ) {
        let Err(error) = try_with(given.clone()) else {
            return;
        };
        let known = self.problems.len();
        if let DeValue::Array(elements) = given {
            for element in elements {
                let alone = DeValue::Array(DeArray::from_iter([element.clone()]));
                if let Err(error) = try_with(alone) {
                    let message = message::impossible_value(error.message(), default);
                    self.problem(element.span(), path, &message);
                }
            }
        }
        if self.problems.len() == known {
            let message = message::impossible_value(error.message(), default);
            self.problem(error.span().unwrap_or(span), path, &message);
        }
    }

    /// Tries each key of each of the tables `given`; `good` holds a good one.
    fn tables<'i>(
        &mut self,
        path: &str,
        given: &DeArray<'i>,
        good: &DeArray<'i>,
        around: Around<'_, 'i>,
    ) {
        let Some(DeValue::Table(good)) = good.first().map(Spanned::get_ref) else {
            return;
        };
        let required = required(path);
        for (i, element) in given.iter().enumerate() {
            let path = format!("{path}[{}]", i + 1);
            self.places.insert(path.clone(), element.span());
            let DeValue::Table(table) = element.get_ref() else {
                let message = format!("{} is not a table", element.get_ref().type_str());
                self.problem(element.span(), &path, &message);
                continue;
            };
            self.places.insert(path.clone(), element.span());
            for &key in required {
                if !table.contains_key(key) {
                    let message = format!("`{key}` is missing");
                    self.problem(element.span(), &path, &message);
                }
            }
            self.table(&path, table, good, around);
        }
    }

    fn problem(&mut self, span: Range<usize>, key: &str, message: &str) {
        self.problems
            .push(Problem::at(self.text, span, key, message));
    }
}

/// The keys without a default of the tables in a list.
fn required(list: &str) -> &'static [&'static str] {
    match list {
        "dnsbl.list" => &DnsblList::REQUIRED,
        "evidence.forwarder" => &Forwarder::REQUIRED,
        "limits.network" => &NetworkLimits::REQUIRED,
        "evidence.maildir" => &MaildirConfig::REQUIRED,
        "ptr.pattern" => &Pattern::REQUIRED,
        "web.operators.token" => &TokenConfig::REQUIRED,
        _ => &FeedConfig::REQUIRED,
    }
}

fn holds_tables(array: &DeArray<'_>) -> bool {
    array.iter().any(|element| element.get_ref().is_table())
}
