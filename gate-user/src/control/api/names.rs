//! The name-based block list: what is asked of it, and what it answers.

use std::time::Duration;

use gate_common::Reason;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Term, change::manual, span};
use crate::{book::Origin, names::Pattern};

/// A rule of the name-based list that is in force.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct NameEntry {
    /// Its number in the store.
    pub id: i64,
    /// A glob over the whole PTR name.
    pub pattern: Pattern,
    /// Whether sources of such names are let be.
    pub allow: bool,
    /// Why sources of such names are listed; `null` for an allow entry.
    pub reason: Option<Reason>,
    /// By whom.
    pub origin: Origin,
    /// When it began.
    pub since: Timestamp,
    /// When it ends by itself; `null` for never.
    pub expires: Option<Timestamp>,
    /// The operator's words.
    pub comment: Option<String>,
}

/// Body of `POST /v1/names/block`: list sources by their PTR name, origin `operator`. The same
/// pattern and reason in force is renewed.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BlockName {
    /// A glob over the whole name.
    pub pattern: Pattern,
    /// Why: `dynamic`, `generic` or `manual`; `manual` if absent.
    #[serde(default = "manual")]
    pub reason: Reason,
    /// How long; for good if absent.
    #[serde(rename = "for", default, with = "span")]
    #[schemars(with = "Option<String>")]
    pub duration: Option<Duration>,
    /// The operator's words.
    #[serde(default)]
    pub comment: Option<String>,
    /// Also if its last two labels are not literal.
    #[serde(default)]
    pub force: bool,
}

/// Body of `POST /v1/names/allow`: let sources of such names be, whatever the list has of them,
/// origin `operator`. The same pattern in force is renewed.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AllowName {
    /// A glob over the whole name.
    pub pattern: Pattern,
    /// How long; for good if absent.
    #[serde(rename = "for", default, with = "span")]
    #[schemars(with = "Option<String>")]
    pub duration: Option<Duration>,
    /// The operator's words.
    #[serde(default)]
    pub comment: Option<String>,
    /// Also if its last two labels are not literal.
    #[serde(default)]
    pub force: bool,
}

/// Answer of `POST /v1/names/block` and `POST /v1/names/allow`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct NameSet {
    /// The rule as it stands now.
    pub entry: NameEntry,
    /// Whether it was in force before and was renewed.
    pub renewed: bool,
}

/// Body of `POST /v1/names/unblock` and `POST /v1/names/disallow`: end what is said of exactly
/// this pattern.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EndName {
    /// The pattern, as it was entered.
    pub pattern: Pattern,
}

/// Answer of `POST /v1/names/unblock` and `POST /v1/names/disallow`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct NamesEnded {
    /// The rules that were ended.
    pub ended: Vec<NameEntry>,
}

/// Answer of `GET /v1/names`, in the order of patterns.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Names {
    /// Every rule in force.
    pub names: Vec<NameEntry>,
}

/// The query of `GET /v1/names/check`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NameQuery {
    /// A PTR name.
    pub name: String,
}

/// What the name-based list says of a name.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NameVerdict {
    /// Sources of that name are listed.
    Block,
    /// They are let be.
    Allow,
    /// It says nothing.
    None,
}

/// Answer of `GET /v1/names/check`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct NameCheck {
    /// The name asked for.
    pub name: String,
    /// What the list says of it.
    pub verdict: NameVerdict,
    /// Every rule that it meets: the one that decides first.
    pub matches: Vec<NameEntry>,
}

/// The query of `GET /v1/names/history`.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NameHistoryQuery {
    /// Of exactly this pattern; of all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Pattern>,
    /// At most so many, the latest; 0 or absent for all.
    #[serde(default)]
    pub limit: u32,
}

/// Answer of `GET /v1/names/history`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct NameHistory {
    /// Every rule, past and present; the latest first.
    pub entries: Vec<PastName>,
}

/// A rule of the name-based list, past or present.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PastName {
    /// A glob over the whole PTR name.
    pub pattern: Pattern,
    /// Whether this was an allow entry.
    pub allow: bool,
    /// Why sources were listed; `null` for an allow entry.
    pub reason: Option<Reason>,
    /// By whom.
    pub origin: Origin,
    /// How it began, was renewed and ended.
    #[serde(flatten)]
    pub term: Term,
    /// The operator's words.
    pub comment: Option<String>,
}
