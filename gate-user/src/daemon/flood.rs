//! What the daemon does about a flood: looks every second, turns the gate, and turns it back.
//!
//! A flood that was told from the rates is kept on disk as long as it lasts: gated may be killed in
//! the midst of it, and the next one begins where it was. If it is over by then, it ends in its time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    DaemonError,
    kept::Kept,
    mode::KeptMode,
    settings,
    writer::{DAEMON, Writer},
};
use crate::{
    clock,
    config::{Config, FloodMode},
    control::ServiceError,
    flood::{Cause, Detector, Gauge, Gauged, Rates},
};

/// A flood, as long as it lasts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Lasting {
    since: Timestamp,
    cause: Cause,
}

/// Calm or flood, as readers see it.
#[derive(Clone, Debug)]
pub(super) struct FloodView {
    /// Who decides.
    pub(super) mode: FloodMode,
    /// What makes it a flood; `None` in a calm.
    pub(super) cause: Option<Cause>,
    /// When this began.
    pub(super) since: Timestamp,
    /// How much comes.
    pub(super) rates: Rates,
    /// Why a rate is not known.
    pub(super) problem: Option<String>,
}

/// The writer's eye on floods.
#[derive(Debug)]
pub(super) struct FloodWatch {
    kept_mode: KeptMode<FloodMode>,
    kept: Kept<Lasting>,
    gauge: Gauge,
    detector: Detector,
    view: FloodView,
}

impl FloodWatch {
    /// As the last daemon left it, under `config`; in a calm at `now` if it left nothing.
    pub(super) fn start(config: &Config, now: Timestamp) -> Result<Self, DaemonError> {
        let state = &config.paths.state;
        let kept_mode = KeptMode::new(state, "flood");
        let mode = kept_mode.in_force(config.flood.mode)?;
        let kept: Kept<Lasting> = Kept::new(state, "in-flood");
        let lasting = kept.read().unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot read whether there was a flood");
            None
        });
        let detected = lasting
            .map(|lasting| lasting.cause)
            .filter(|cause| *cause != Cause::Forced);
        let detector = Detector::new(detected);
        let cause = decide(mode, &detector);
        let since = lasting
            .filter(|_| cause.is_some())
            .map_or(now, |lasting| lasting.since);
        let watch = Self {
            kept_mode,
            kept,
            gauge: Gauge::new(),
            view: FloodView {
                mode,
                cause,
                since,
                rates: detector.rates(),
                problem: None,
            },
            detector,
        };
        watch.remember();
        Ok(watch)
    }

    /// Whether there is a flood.
    pub(super) fn is_on(&self) -> bool {
        self.view.cause.is_some()
    }

    /// For readers.
    pub(super) fn view(&self) -> FloodView {
        self.view.clone()
    }

    /// Decides anew. Returns whether calm and flood have changed places.
    fn settle(&mut self) -> bool {
        let cause = decide(self.view.mode, &self.detector);
        let turned = cause.is_some() != self.view.cause.is_some();
        if turned {
            self.view.since = clock::now();
        }
        if cause != self.view.cause {
            self.view.cause = cause;
            self.remember();
        }
        turned
    }

    /// Keeps a flood for the next daemon, as long as it lasts.
    fn remember(&self) {
        let FloodView { cause, since, .. } = self.view;
        let kept = match cause {
            Some(cause) => self.kept.keep(&Lasting { since, cause }),
            None => self.kept.forget(),
        };
        if let Err(error) = kept {
            tracing::warn!(%error, "cannot note whether there is a flood; a restart will not know");
        }
    }

    /// Tells once of what cannot be counted, and once when it can.
    fn note(&mut self, problem: Option<String>) {
        if problem != self.view.problem {
            if let Some(problem) = &problem {
                tracing::error!(error = problem, "cannot notice every flood");
            } else {
                tracing::info!("resumed noticing floods");
            }
        }
        self.view.problem = problem;
    }
}

/// What makes it a flood, if anything does.
fn decide(mode: FloodMode, detector: &Detector) -> Option<Cause> {
    match mode {
        FloodMode::Auto => detector.cause(),
        FloodMode::On => Some(Cause::Forced),
        FloodMode::Off => None,
    }
}

impl Writer {
    /// Looks how much comes, and turns the gate if that makes a flood or ends one.
    pub(super) fn watch_flood(&mut self) {
        let Some(gate) = &self.gate else {
            return;
        };
        let config = &self.config;
        let configured = |reason| config.enforcement.of(reason);
        let Gauged { tick, problem } = self.flood.gauge.read(gate.maps(), configured);
        if let Some(tick) = tick {
            self.flood.detector.step(tick, &config.flood);
        }
        self.flood.view.rates = self.flood.detector.rates();
        self.flood.note(problem.map(|problem| problem.to_string()));
        self.settle_flood(DAEMON);
    }

    /// Sets who decides whether there is a flood, and keeps it.
    pub(super) fn set_flood_mode(&mut self, mode: FloodMode, by: &str) -> Result<(), ServiceError> {
        self.flood
            .kept_mode
            .keep(mode, self.config.flood.mode)
            .map_err(|error| ServiceError::Internal(error.to_string()))?;
        let former = std::mem::replace(&mut self.flood.view.mode, mode);
        tracing::info!(
            mode = mode.as_str(),
            former = former.as_str(),
            by,
            "set flood mode"
        );
        self.settle_flood(by);
        Ok(())
    }

    /// The configuration has changed from `former`.
    pub(super) fn reconfigure_flood(
        &mut self,
        former: &Config,
        by: &str,
    ) -> Result<(), DaemonError> {
        let mode = self.config.flood.mode;
        if former.flood.mode != mode {
            self.flood.view.mode = self.flood.kept_mode.in_force(mode)?;
        }
        self.settle_flood(by);
        Ok(())
    }

    fn settle_flood(&mut self, by: &str) {
        if self.flood.settle() {
            let FloodView { cause, rates, .. } = self.flood.view;
            let (syns, overflows) = (rates.syns, rates.overflows);
            if let Some(cause) = cause.map(Cause::as_str) {
                tracing::warn!(
                    cause,
                    syns,
                    overflows,
                    by,
                    "began flood: what is refused is dropped"
                );
            } else {
                tracing::info!(syns, overflows, by, "ended flood");
            }
            self.flood_changed(cause.is_some());
        }
        self.publish();
    }

    /// Does what a flood changes, or undoes it: all of it is here.
    fn flood_changed(&mut self, in_flood: bool) {
        self.inquiry.set_shedding(in_flood);
        if let Err(error) = self.configure() {
            tracing::error!(%error, "cannot tell the kernel of the change; courtesy stays as it was");
        }
        let rules = self
            .rules
            .with(|reason| settings::enforcement(&self.config, in_flood, reason));
        self.change_rules(rules);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn config(state: &Path, mode: FloodMode) -> Config {
        let mut config = Config::default();
        config.paths.state = state.to_owned();
        config.flood.mode = mode;
        config
    }

    #[test]
    fn a_daemon_begins_where_the_last_one_ended() {
        use Cause::{Forced, Overflows, Syns};
        use FloodMode::{Auto, Off, On};
        let (then, now) = (time("2026-03-04T11:00:00Z"), time("2026-03-04T12:00:00Z"));
        for (mode, left, cause) in [
            (Auto, None, None),
            (Auto, Some(Syns), Some(Syns)),
            (Auto, Some(Overflows), Some(Overflows)),
            // What somebody said then is no flood by the rates now.
            (Auto, Some(Forced), None),
            (On, None, Some(Forced)),
            (On, Some(Syns), Some(Forced)),
            (On, Some(Forced), Some(Forced)),
            (Off, None, None),
            (Off, Some(Syns), None),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let kept = Kept::new(directory.path(), "in-flood");
            if let Some(cause) = left {
                kept.keep(&Lasting { since: then, cause }).unwrap();
            }
            let watch = FloodWatch::start(&config(directory.path(), mode), now).unwrap();
            let since = if left.is_some() && cause.is_some() {
                then
            } else {
                now
            };
            let what = format!("{mode:?} after {left:?}");
            assert_eq!(
                (watch.view.cause, watch.view.since),
                (cause, since),
                "{what}"
            );
            assert_eq!(watch.is_on(), cause.is_some(), "{what}");
            let remembered = cause.map(|cause| Lasting { since, cause });
            assert_eq!(kept.read().unwrap(), remembered, "{what}");
        }
    }

    #[test]
    fn a_note_of_a_flood_that_cannot_be_read_is_a_calm() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("in-flood");
        std::fs::write(&file, "{").unwrap();
        let now = time("2026-03-04T12:00:00Z");
        let watch = FloodWatch::start(&config(directory.path(), FloodMode::Auto), now).unwrap();
        assert!(!watch.is_on());
        assert!(!file.exists());
    }

    #[test]
    fn the_operators_word_counts_at_once_and_is_remembered() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(directory.path(), FloodMode::Auto);
        let mut watch = FloodWatch::start(&config, Timestamp::UNIX_EPOCH).unwrap();
        for (mode, turned, on) in [
            (FloodMode::Auto, false, false),
            (FloodMode::On, true, true),
            (FloodMode::On, false, true),
            (FloodMode::Off, true, false),
            (FloodMode::Auto, false, false),
        ] {
            watch.view.since = Timestamp::UNIX_EPOCH;
            watch.view.mode = mode;
            assert_eq!((watch.settle(), watch.is_on()), (turned, on), "{mode:?}");
            let is_new = watch.view.since != Timestamp::UNIX_EPOCH;
            assert_eq!(is_new, turned, "{mode:?}");
            assert_eq!(watch.kept.read().unwrap().is_some(), on, "{mode:?}");
        }
    }
}
