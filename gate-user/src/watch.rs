//! Watching directories with inotify: feeds and Maildirs.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use notify::{
    EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};

/// Directories, not files: files are replaced by renaming, which the file replaced
/// does not tell.
pub(crate) struct Watch {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    /// Whether a change has been told since the last `hear_again`.
    told: Arc<AtomicBool>,
}

impl Watch {
    /// A watch that calls `tell` when something has changed, and then not again before
    /// [`Watch::hear_again`]: a busy directory tells one change at a time.
    pub(crate) fn new(tell: impl Fn() + Send + 'static) -> Self {
        let told = Arc::new(AtomicBool::new(false));
        let hear = {
            let told = Arc::clone(&told);
            move |event: notify::Result<notify::Event>| {
                let change = event.map_or(true, |event| is_change(event.kind));
                if change && !told.swap(true, Ordering::AcqRel) {
                    tell();
                }
            }
        };
        let watcher = notify::recommended_watcher(hear)
            .inspect_err(|error| {
                tracing::warn!(%error, "cannot watch files; changes are seen late");
            })
            .ok();
        Self {
            watcher,
            watched: BTreeSet::new(),
            told,
        }
    }

    /// From now on the next change is told.
    pub(crate) fn hear_again(&self) {
        self.told.store(false, Ordering::Release);
    }

    /// Watches these directories and no others. To be called again and again: one that is not
    /// there yet, or was made anew, is watched from then on.
    pub(crate) fn directories(&mut self, dirs: BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for dir in self.watched.difference(&dirs) {
            // An error means that it is not there any more.
            let _ = watcher.unwatch(dir);
        }
        for dir in &dirs {
            if let Err(error) = watcher.watch(dir, RecursiveMode::NonRecursive) {
                tracing::debug!(dir = %dir.display(), %error, "cannot watch the directory");
            }
        }
        self.watched = dirs;
    }
}

/// Reading, which whoever watches does himself, is no change.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
