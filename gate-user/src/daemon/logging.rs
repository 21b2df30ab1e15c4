//! The log: one event a line, for people or as JSON, to standard error.

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
            tracing::warn!(%error, "the log level stays as it was");
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
    // Under systemd the journal has the time, and takes no colour.
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let result = match config.format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        LogFormat::Human if journal => registry
            .with(lines.with_ansi(false).without_time())
            .try_init(),
        LogFormat::Human => registry.with(lines.with_ansi(false)).try_init(),
    };
    result.map_err(|error| DaemonError::Log(error.to_string()))?;
    Ok(LogControl { level })
}

/// What is logged at `level`. Of the DNS library nothing: it warns of each message that it cannot use,
/// so whoever sends them would fill the log, and it logs the names that it asks, of which those in a
/// block list may hold a private key. What it fails at, it returns.
fn filter_of(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new()
        .with_default(level)
        .with_target("hickory", LevelFilter::OFF)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn the_dns_library_logs_no_names() {
        let filter = filter_of(LogLevel::Trace);
        assert!(filter.would_enable("gate_user::dns", &Level::TRACE));
        for library in ["hickory_net::udp", "hickory_resolver", "hickory_proto::op"] {
            assert!(!filter.would_enable(library, &Level::ERROR), "{library}");
        }
        assert!(!filter_of(LogLevel::Info).would_enable("gate_user", &Level::DEBUG));
    }
}
