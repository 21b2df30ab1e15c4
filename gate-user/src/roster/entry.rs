//! The rules in force, in memory.

use std::{
    collections::BTreeMap,
    fmt::{Debug, Display},
    sync::Arc,
};

use jiff::Timestamp;

use crate::book::Origin;

/// What a roster is made of, and where it is stored. Of one rule and one origin at most one entry
/// is in force. It is shown in messages.
pub trait Rule: Clone + Debug + Display + Eq + Ord + Send + Sync + 'static {
    /// The table: beside the columns of the rule it has those of `name_entries` in
    /// migrations/0004_names.sql.
    const TABLE: &'static str;
    /// The two columns that hold the rule; by the first its history is asked for.
    const COLUMNS: [&'static str; 2];

    /// What stands in the columns.
    fn columns(&self) -> [String; 2];

    /// The rule of what stands in the columns.
    ///
    /// # Errors
    /// What is wrong with it.
    fn from_columns(columns: [&str; 2]) -> Result<Self, String>;
}

/// A rule in force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry<R> {
    /// Its number in its table; never used twice.
    pub id: i64,
    /// What it says.
    pub rule: R,
    /// By whom.
    pub origin: Origin,
    /// The operator's words.
    pub comment: Option<Arc<str>>,
    /// When it began; whole seconds.
    pub since: Timestamp,
    /// When it ends by itself; whole seconds, `None` for never.
    pub expires: Option<Timestamp>,
}

impl<R: Clone> Entry<R> {
    fn key(&self) -> (R, Origin) {
        (self.rule.clone(), self.origin.clone())
    }
}

/// All rules in force, in their order. A clone costs a reference count, and what is changed later
/// does not show in it.
#[derive(Clone, Debug)]
pub struct Roster<R> {
    entries: Arc<BTreeMap<(R, Origin), Entry<R>>>,
    next_expiry: Option<Timestamp>,
    generation: u64,
}

impl<R: Rule> Default for Roster<R> {
    fn default() -> Self {
        Self {
            entries: Arc::default(),
            next_expiry: None,
            generation: 0,
        }
    }
}

impl<R: Rule> Roster<R> {
    /// The roster of these. Of two of the same rule and origin the last counts.
    pub(crate) fn of(entries: impl IntoIterator<Item = Entry<R>>) -> Self {
        let entries = entries.into_iter().map(|entry| (entry.key(), entry));
        Self::default().next(entries.collect())
    }

    /// Every rule.
    pub fn iter(&self) -> impl Iterator<Item = &Entry<R>> {
        self.entries.values()
    }

    /// Every rule from `rule` on.
    pub fn from(&self, rule: R) -> impl Iterator<Item = &Entry<R>> {
        // No origin comes before the operator.
        let range = self.entries.range((rule, Origin::Operator)..);
        range.map(|(_, entry)| entry)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// When the first ends by itself; `None` if none ever does.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.next_expiry
    }

    /// Counts the changes since the start: another number, other rules.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The entry of that rule and origin.
    pub(super) fn get(&self, rule: &R, origin: &Origin) -> Option<&Entry<R>> {
        self.entries.get(&(rule.clone(), origin.clone()))
    }

    /// The next roster, with `entry` in the place of the one of its rule and origin.
    pub(super) fn with(&self, entry: Entry<R>) -> Self {
        let mut entries = BTreeMap::clone(&self.entries);
        entries.insert(entry.key(), entry);
        self.next(entries)
    }

    /// The next roster, without `ended`.
    pub(super) fn without(&self, ended: &[Entry<R>]) -> Self {
        let mut entries = BTreeMap::clone(&self.entries);
        for entry in ended {
            entries.remove(&entry.key());
        }
        self.next(entries)
    }

    fn next(&self, entries: BTreeMap<(R, Origin), Entry<R>>) -> Self {
        Self {
            next_expiry: entries.values().filter_map(|entry| entry.expires).min(),
            entries: Arc::new(entries),
            generation: self.generation + 1,
        }
    }
}
