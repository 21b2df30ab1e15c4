//! Limits by score: a source in good standing may open more connections than one that nobody knows,
//! one in bad standing fewer.
//!
//! In: sources that have just opened their first connection. Out: exceptions from the limits, in the
//! kernel. A source is looked at then, and not each time its score changes: whoever has none open
//! has nothing to be held to, and a score moves in hours.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::Arc,
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

/// Who has which limits by his score.
pub(super) struct Classes {
    view: Arc<ArcSwap<View>>,
    /// The configuration that they were given by.
    limits: LimitsConfig,
    known: HashMap<Network, Class>,
    /// Those in `known`, in the order in which they came.
    order: VecDeque<Network>,
}

impl Classes {
    /// Begins with none: what is pinned of a former daemon goes.
    pub(super) fn new(view: Arc<ArcSwap<View>>) -> Self {
        let limits = view.load().config.limits.clone();
        let mut classes = Self {
            view,
            limits,
            known: HashMap::new(),
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
        let former = self.known.get(&source).copied();
        if former.unwrap_or(Class::Unknown) == class {
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
            self.known.remove(&source);
            self.order.retain(|other| *other != source);
            return;
        }
        if self.known.insert(source, class).is_none() {
            self.order.push_back(source);
        }
        if self.order.len() > SOURCES
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
            set(oldest, None);
        }
    }

    fn clear(&mut self) {
        self.known.clear();
        self.order.clear();
        let view = self.view.load();
        if let Some(maps) = &view.maps
            && let Err(error) = maps.clear_limits()
        {
            tracing::warn!(%error, "cannot clear limits by score");
        }
    }
}
