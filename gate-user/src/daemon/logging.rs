//! The log: one event a line, for people or as JSON, to standard error. docs/logs.md tells every line.

mod line;

use line::Line;
use rustix::fs::fstat;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Registry, filter::Targets, fmt, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _,
};

use super::DaemonError;
use crate::config::{LogConfig, LogFormat, LogLevel};

/// Changes the level of the running log.
#[derive(Clone, Debug)]
pub(super) struct LogControl {
    level: reload::Handle<Targets, Registry>,
}

impl LogControl {
    /// Sets the least important level that is logged.
    pub(super) fn set_level(&self, level: LogLevel) {
        if let Err(error) = self.level.modify(|filter| *filter = filter_of(level)) {
            tracing::warn!(%error, "cannot set the log level; it stays as it was");
        }
    }

    /// One of no log at all.
    #[cfg(test)]
    pub(super) fn of_nothing() -> Self {
        let (_, level) = reload::Layer::new(filter_of(LogLevel::Error));
        Self { level }
    }
}

/// Sets the log up for the process.
pub(super) fn init(config: LogConfig) -> Result<LogControl, DaemonError> {
    let (filter, level) = reload::Layer::new(filter_of(config.level));
    let registry = Registry::default().with(filter);
    let journal = is_journal();
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false);
    let result = match config.format {
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true);
            let lines = lines.map_event_format(|format| Line { format, journal });
            registry.with(lines).try_init()
        }
        // The journal has time and level of its own.
        LogFormat::Human if journal => {
            let lines = lines.without_time().with_level(false);
            let lines = lines.map_event_format(|format| Line { format, journal });
            registry.with(lines).try_init()
        }
        LogFormat::Human => {
            let lines = lines.map_event_format(|format| Line { format, journal });
            registry.with(lines).try_init()
        }
    };
    result.map_err(|error| DaemonError::Log(error.to_string()))?;
    Ok(LogControl { level })
}

/// Whether standard error is the journal: what systemd says of the stream that it made must be true of
/// this one, which may have been turned elsewhere since (systemd.exec(5), `JOURNAL_STREAM`).
fn is_journal() -> bool {
    let Ok(told) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    fstat(std::io::stderr()).is_ok_and(|is| told == format!("{}:{}", is.st_dev, is.st_ino))
}

/// What is logged at `level`: what gate says, and its programs in the kernel. Of libraries nothing:
/// what one fails at, it returns, and docs/logs.md could not tell its lines. The one for DNS warns of
/// each message that it cannot use, so whoever sends them would fill the log, and logs the names that
/// it asks, of which those in a block list may hold a private key.
fn filter_of(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new()
        .with_default(LevelFilter::OFF)
        // The beginning of `gate_user`, `gated`, `gate_ebpf` and `gate`, the program in the kernel.
        .with_target("gate", level)
}

#[cfg(test)]
mod tests;
