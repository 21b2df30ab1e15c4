//! The list in memory, ready to be asked.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use super::{
    pattern::normal,
    rule::{NameEntry, NameRule},
};
use crate::{book::Standing, roster::Roster};

/// Every rule of the name-based list, and which of them a name meets. A clone is cheap, and what
/// is changed later does not show in it.
///
/// Patterns are found by the whole labels that they end in: a name asks once for each of its own
/// ends, and only what is filed there is matched.
#[derive(Clone, Debug, Default)]
pub struct Names {
    roster: Roster<NameRule>,
    by_tail: Arc<HashMap<Box<str>, Vec<NameEntry>>>,
}

impl Names {
    /// The list that `roster` holds.
    pub fn new(roster: Roster<NameRule>) -> Self {
        let mut by_tail = HashMap::<Box<str>, Vec<NameEntry>>::new();
        for entry in roster.iter() {
            let tail = entry.rule.pattern.literal_tail();
            by_tail.entry(tail.into()).or_default().push(entry.clone());
        }
        Self {
            roster,
            by_tail: Arc::new(by_tail),
        }
    }

    /// The rules.
    pub fn roster(&self) -> &Roster<NameRule> {
        &self.roster
    }

    /// The rule that decides for a source whose PTR name is `ptr_name`, in any case, with or
    /// without the dot at its end. An allow entry wins over every other, then the one whose
    /// pattern has most that is literal, then the one that came last, so
    /// that blocking a pattern again for another reason counts.
    pub fn of(&self, ptr_name: &str) -> Option<&NameEntry> {
        self.every(&normal(ptr_name))
            .into_iter()
            .min_by_key(|it| rank(it))
    }

    /// The rule that decides for a source that has several names, the first of which is judged first:
    /// an allow entry wins, whichever of them meets it; whoever has several chose them himself.
    pub fn of_any<'n>(&self, ptr_names: impl Iterator<Item = &'n str>) -> Option<&NameEntry> {
        ptr_names
            .filter_map(|name| self.of(name))
            .min_by_key(|entry| entry.reason().is_some())
    }

    /// Every rule that the name meets, the one that decides first.
    pub fn all_of(&self, ptr_name: &str) -> Vec<&NameEntry> {
        let mut found = self.every(&normal(ptr_name));
        found.sort_by_key(|it| rank(it));
        found
    }

    fn every(&self, name: &str) -> Vec<&NameEntry> {
        if self.roster.is_empty() {
            return Vec::new();
        }
        let ends = name.match_indices('.').map(|(dot, _)| &name[dot + 1..]);
        let tails = std::iter::once(name).chain(ends).chain(std::iter::once(""));
        tails
            .filter_map(|tail| self.by_tail.get(tail))
            .flatten()
            .filter(|entry| entry.rule.pattern.matches(name))
            .collect()
    }
}

fn rank(entry: &NameEntry) -> (bool, Reverse<usize>, Reverse<i64>) {
    let listed = entry.rule.standing != Standing::Allowed;
    let literal = entry.rule.pattern.literal_len();
    (listed, Reverse(literal), Reverse(entry.id))
}

#[cfg(test)]
mod tests {
    use gate_common::Reason;
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::{book::Origin, roster::Entry};

    fn names<'t>(rules: impl IntoIterator<Item = (&'t str, Standing)>) -> Names {
        let entries = (1..).zip(rules).map(|(id, (pattern, standing))| Entry {
            id,
            rule: NameRule {
                pattern: pattern.parse().unwrap(),
                standing,
            },
            origin: Origin::Operator,
            comment: None,
            since: Timestamp::UNIX_EPOCH,
            expires: None,
        });
        Names::new(Roster::of(entries))
    }

    #[test]
    fn allow_entries_win_and_then_the_longest_literal() {
        let dynamic = Standing::Listed(Reason::Dynamic);
        let names = names([
            ("*.example.net", Standing::Listed(Reason::Generic)),
            ("*.dyn.example.net", dynamic),
            ("mail*.dyn.example.net", Standing::Allowed),
            ("host.dyn.example.net", Standing::Listed(Reason::Manual)),
            ("*.example.net", dynamic),
        ]);
        for (name, expected) in [
            ("a.dyn.example.net", Some(("*.dyn.example.net", "dynamic"))),
            ("A.Dyn.Example.Net.", Some(("*.dyn.example.net", "dynamic"))),
            // As long as the other, and the last to come.
            ("a.example.net", Some(("*.example.net", "dynamic"))),
            ("dyn.example.net", Some(("*.example.net", "dynamic"))),
            (
                "mail7.dyn.example.net",
                Some(("mail*.dyn.example.net", "allow")),
            ),
            (
                "host.dyn.example.net",
                Some(("host.dyn.example.net", "manual")),
            ),
            ("example.net", None),
            ("a.example.org", None),
            ("", None),
        ] {
            let found = names.of(name).map(|entry| &entry.rule);
            let found = found.map(|rule| (rule.pattern.as_str(), rule.standing.to_string()));
            let found = found
                .as_ref()
                .map(|(pattern, standing)| (*pattern, standing.as_str()));
            assert_eq!(found, expected, "{name}");
        }
        for (several, expected) in [
            (&["a.dyn.example.net", "mail7.dyn.example.net"][..], Some(3)),
            (
                &["a.example.org", "a.dyn.example.net", "host.dyn.example.net"],
                Some(2),
            ),
            (&["a.example.org"], None),
        ] {
            let found = names.of_any(several.iter().copied());
            assert_eq!(found.map(|entry| entry.id), expected, "{several:?}");
        }
        let all = names.all_of("mail7.dyn.example.net");
        let all: Vec<_> = all.iter().map(|entry| entry.id).collect();
        assert_eq!(all, [3, 2, 5, 1]);
    }

    proptest! {
        /// Being found by its end loses no rule.
        #[test]
        fn every_rule_that_matches_is_found(
            globs in proptest::collection::btree_set("[ab*?]{1,2}(\\.[ab*?]{1,2}){0,2}", 0..12),
            name in "[ab]{1,2}(\\.[ab]{1,2}){0,3}",
        ) {
            let names = names(globs.iter().map(|glob| (glob.as_str(), Standing::Allowed)));
            let found = names.all_of(&name).len();
            let matching = names.roster().iter().filter(|it| it.rule.pattern.matches(&name));
            prop_assert_eq!(found, matching.count());
            prop_assert_eq!(names.of(&name), names.all_of(&name).first().copied());
        }
    }
}
