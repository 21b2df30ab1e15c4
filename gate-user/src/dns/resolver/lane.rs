//! A share of the budget of its own: one for each blocklist, one for reverse names.

use std::sync::Arc;

use super::{
    Shed, Urgency,
    budget::{Limit, Limits, Line},
    stats::{Counters, LaneStats},
};

/// A share of the budget, and how urgent what is asked in it is. Clones are the same share.
#[derive(Clone, Debug)]
pub struct Lane {
    pub(super) share: Arc<Share>,
    pub(super) urgency: Urgency,
}

impl Lane {
    /// The same share, for questions as urgent as that. A lane is made for the background.
    #[must_use]
    pub fn at(&self, urgency: Urgency) -> Self {
        Self {
            share: Arc::clone(&self.share),
            urgency,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.share.name
    }

    /// What was done in it.
    pub fn stats(&self) -> LaneStats {
        self.share.stats()
    }
}

/// What the lanes of a name have in common.
#[derive(Debug)]
pub(super) struct Share {
    name: String,
    pub(super) line: Arc<Line>,
    pub(super) counters: Counters,
}

impl Share {
    pub(super) fn new(name: &str, limits: Limits) -> Self {
        Self {
            name: name.to_owned(),
            line: Line::new(limits),
            counters: Counters::default(),
        }
    }

    pub(super) fn stats(&self) -> LaneStats {
        LaneStats {
            name: self.name.clone(),
            per_second: self.line.limits().per_second,
            waiting: self.line.load().0,
            counts: self.counters.counts(),
        }
    }
}

/// Which limit of a lane it was.
pub(super) const fn of_lane(limit: Limit) -> Shed {
    match limit {
        Limit::Flood => Shed::Flood,
        Limit::PerSecond | Limit::AtOnce => Shed::PerZone,
    }
}

/// Which limit over all lanes it was.
pub(super) const fn of_all(limit: Limit) -> Shed {
    match limit {
        Limit::Flood => Shed::Flood,
        Limit::PerSecond => Shed::PerSecond,
        Limit::AtOnce => Shed::Concurrency,
    }
}
