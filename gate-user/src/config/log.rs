//! `[log]`: what `gated` says about itself.

use serde::{Deserialize, Serialize};

/// `[log]`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// `"human"` for people and the journal, `"json"` for machines; one event a line in both.
    /// Default: `"human"`.
    pub format: LogFormat,
    /// The least important events that are logged: `"error"`, `"warn"`, `"info"`, `"debug"` or
    /// `"trace"`. Default: `"info"`.
    pub level: LogLevel,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people and the journal.
    #[default]
    Human,
    /// For machines.
    Json,
}

/// How important an event is, the most important first.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Something does not work.
    Error,
    /// Something is not as it should be.
    Warn,
    /// What an operator wants to know.
    #[default]
    Info,
    /// How decisions come about.
    Debug,
    /// Every step.
    Trace,
}
