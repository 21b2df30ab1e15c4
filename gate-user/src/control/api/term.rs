//! The time of an entry, past or present: how it began, was renewed and ended. The same for
//! listings, names and overrides, whose objects have these members among their own.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::book::{End, EndCause, Renewal};

/// How an entry began, was renewed and ended.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Term {
    /// When it began.
    pub since: Timestamp,
    /// Who asked for it: a user, a feed.
    pub added_by: String,
    /// When it ends, or was to end, by itself; `null` for never.
    pub expires: Option<Timestamp>,
    /// When it was last renewed; `null` if never.
    pub renewed: Option<Timestamp>,
    /// Who asked for that.
    pub renewed_by: Option<String>,
    /// When it ended; `null`, as the next two, while it is in force.
    pub ended: Option<Timestamp>,
    /// What ended it.
    pub cause: Option<EndCause>,
    /// Who asked for that.
    pub ended_by: Option<String>,
}

impl Term {
    /// That of an entry which `added_by` asked for.
    pub(super) fn new(
        (since, expires): (Timestamp, Option<Timestamp>),
        added_by: String,
        renewed: Option<Renewal>,
        end: Option<End>,
    ) -> Self {
        let (renewed, renewed_by) = renewed.map(|it| (it.at, it.by)).unzip();
        let (ended, cause, ended_by) = match end {
            Some(end) => (Some(end.at), Some(end.cause), Some(end.by)),
            None => (None, None, None),
        };
        Self {
            since,
            added_by,
            expires,
            renewed,
            renewed_by,
            ended,
            cause,
            ended_by,
        }
    }
}
