//! Limits by score: a source in good standing may open more connections than one that nobody knows,
//! one in bad standing fewer.
//!
//! In: sources that have just opened their first connection. Out: exceptions from the limits, in the
//! kernel, and the class of who has one for who asks ([`Known`]). A source is looked at then, and not
//! each time its score changes: whoever has none open has nothing to be held to, and a score moves in
//! hours.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock, RwLockWriteGuard},
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{settings, view::View};
use crate::{
    config::{Class, LimitsConfig},
    evidence,
    network::Network,
};

/// How many sources have an exception at a time, half of the room that the kernel has for them; then
/// the one that was looked at the longest time ago has everybody's limits again.
const SOURCES: usize = 1 << 15;

/// The class of each source that has not everybody's limits.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(Arc<RwLock<HashMap<Network, Class>>>);

impl Known {
    /// What `source` is by its score, as far as it has been looked at.
    pub(super) fn of(&self, source: Network) -> Class {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&source).copied().unwrap_or(Class::Unknown)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Network, Class>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who has which limits by his score.
pub(super) struct Classes {
    view: Arc<ArcSwap<View>>,
    /// The configuration that they were given by.
    limits: LimitsConfig,
    known: Known,
    /// Those in `known`, in the order in which they came.
    order: VecDeque<Network>,
}

impl Classes {
    /// Begins with none: what is pinned of a former daemon goes.
    pub(super) fn new(view: Arc<ArcSwap<View>>) -> Self {
        let (limits, known) = {
            let view = view.load();
            (view.config.limits.clone(), view.classes.clone())
        };
        let mut classes = Self {
            view,
            limits,
            known,
            order: VecDeque::new(),
        };
        classes.clear();
        classes
    }

    /// Looks at every source that `firsts` tells of, for as long as it does.
    pub(super) async fn go_on(mut self, mut firsts: mpsc::Receiver<IpAddr>) {
        while let Some(address) = firsts.recv().await {
            self.look(Network::source(address)).await;
        }
    }

    async fn look(&mut self, source: Network) {
        let view = self.view.load_full();
        if view.config.limits != self.limits {
            self.limits = view.config.limits.clone();
            self.clear();
        }
        if self.limits.has_exception(source) {
            return;
        }
        let now = Timestamp::now();
        match evidence::of_source(&view.history, source, now, &view.config).await {
            Ok((_, score)) => self.set(source, self.limits.class(score.value)),
            Err(error) => tracing::warn!(%source, %error, "cannot set limits by score"),
        }
    }

    fn set(&mut self, source: Network, class: Class) {
        if self.known.of(source) == class {
            return;
        }
        let limits = match class {
            Class::Good => Some(settings::class_limits(&self.limits.good)),
            Class::Bad => Some(settings::class_limits(&self.limits.bad)),
            Class::Unknown => None,
        };
        let view = self.view.load();
        let Some(maps) = &view.maps else {
            return;
        };
        let set = |source, limits| {
            if let Err(error) = maps.set_limits(source, limits) {
                tracing::warn!(%source, %error, "cannot set limits by score");
            }
        };
        set(source, limits);
        if class == Class::Unknown {
            self.known.write().remove(&source);
            self.order.retain(|other| *other != source);
            return;
        }
        if self.known.write().insert(source, class).is_none() {
            self.order.push_back(source);
        }
        if self.order.len() > SOURCES
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.write().remove(&oldest);
            set(oldest, None);
        }
    }

    fn clear(&mut self) {
        self.known.write().clear();
        self.order.clear();
        let view = self.view.load();
        if let Some(maps) = &view.maps
            && let Err(error) = maps.clear_limits()
        {
            tracing::warn!(%error, "cannot clear limits by score");
        }
    }
}
