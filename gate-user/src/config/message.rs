//! The words for what is wrong with a key: what was found, and what would be right.

use std::fmt::Write as _;

use toml::de::DeTable;

/// The key `name` in the table at `path`.
pub(super) fn joined(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// For a key that its table, with the keys of `known`, does not have.
pub(super) fn unknown_key(name: &str, known: &DeTable<'_>) -> String {
    let known: Vec<&str> = known.keys().map(|key| key.get_ref().as_ref()).collect();
    let mut message = "unknown key".to_owned();
    if let Some(nearest) = nearest(name, &known) {
        let _ = write!(message, " (did you mean `{nearest}`?)");
    }
    let _ = write!(message, "; known here: {}", known.join(", "));
    message
}

/// The candidate that `name` was probably meant to be.
fn nearest<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let (distance, nearest) = candidates
        .iter()
        .map(|candidate| (strsim::osa_distance(name, candidate), *candidate))
        .min()?;
    // More than a third of it wrong, and it is another name.
    (distance * 3 <= nearest.len()).then_some(nearest)
}

/// For a value that its key cannot have, of which `said` tells in serde's words; `default` is the
/// key as it is unless configured, where it has one.
pub(super) fn impossible_value(said: &str, default: &str) -> String {
    let wrong_type = said.strip_prefix("invalid type: ");
    let found = wrong_type.or_else(|| said.strip_prefix("invalid value: "));
    if let Some((found, expected)) = found.and_then(|found| found.rsplit_once(", expected ")) {
        format!(
            "found {found}: expected {}; default: {default}",
            in_plain_words(expected)
        )
    } else if said == "wanted string or table" {
        format!("expected text in quotes; default: {default}")
    } else if let Some(variant) = said.strip_prefix("unknown variant ") {
        let (variant, known) = variant
            .split_once(", expected ")
            .unwrap_or((variant, "another"));
        format!("{variant} is not known here: expected {known}")
    } else {
        said.to_owned()
    }
}

/// What serde expects, for people who do not write Rust.
fn in_plain_words(expected: &str) -> &str {
    match expected {
        "u8" => "a number from 0 to 255",
        "u16" => "a number from 0 to 65535",
        "u32" => "a number from 0 to 4294967295",
        "i64" => "a whole number",
        "f64" => "a number",
        "a string" | "path string" => "text in quotes",
        "a sequence" => "a list in brackets",
        "a map" => "a table",
        structure if structure.starts_with("struct ") => "a table",
        other => other,
    }
}
