//! What no key of a list can tell alone.

use super::DnsblList;

/// What is wrong with lists whose keys are good each for itself: which key, and why. Zones are
/// not told: they may hold a private key.
pub(in crate::config) fn across_lists(lists: &[DnsblList]) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    for (i, list) in lists.iter().enumerate() {
        let mut problem = |key: &str, message: &str| {
            problems.push((format!("dnsbl.list[{}]{key}", i + 1), message.to_owned()));
        };
        let before = &lists[..i];
        let zone = &list.site.zone;
        if list.name.is_none() && zone.looks_private() {
            problem(
                ".site",
                "its zone looks as if it held a private key: expected a `name` beside it, which \
                 is shown in its place",
            );
        }
        let shows_key = |text: &str| {
            let text = text.to_ascii_lowercase();
            zone.keys().any(|key| text.contains(key))
        };
        if list
            .name
            .as_ref()
            .is_some_and(|name| shows_key(name.as_str()))
        {
            problem(
                ".name",
                "it shows the private key of the zone: expected another name",
            );
        }
        if shows_key(list.url.as_str()) {
            problem(
                ".url",
                "it shows the private key of the zone: expected a URL without it",
            );
        }
        let name = list.public_name();
        if before.iter().any(|other| other.public_name() == name) {
            let key = if list.name.is_some() { ".name" } else { "" };
            problem(
                key,
                "there is a list of that name already: expected another `name` (the zone's, where \
                 none is given)",
            );
        }
        let same = before.iter().find(|other| other.site.zone == *zone);
        if let Some(other) = same {
            if other.site.filter == list.site.filter {
                problem(
                    ".site",
                    "this zone with this filter is there already: expected it once",
                );
            }
            if other.families != list.families {
                problem(
                    ".families",
                    "this zone is there with others: expected the same",
                );
            }
            if other.per_second != list.per_second {
                problem(
                    ".per_second",
                    "this zone is there with another: expected the same",
                );
            }
            if other.test_points != list.test_points {
                problem(
                    ".test_points",
                    "this zone is there with another: expected the same",
                );
            }
        }
    }
    problems
}
