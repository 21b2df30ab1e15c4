//! How an error looks on the wire: `{"error":{"kind","message"}}`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of error it is; decides the HTTP status.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request cannot be right, whatever the state (400; 405, 408 and 413 from the transport).
    BadRequest,
    /// Who asks may not: no token or a wrong one (401), not for this (403), after too many wrong
    /// ones (429). Over TCP alone.
    Denied,
    /// There is no such thing (404).
    NotFound,
    /// The state, or a guard, is against it; with `force` a guard gives way (409).
    Conflict,
    /// Not now (503).
    Unavailable,
    /// The daemon failed (500).
    Internal,
}

/// The body of every answer that is an error.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ErrorDetail {
    /// Its kind.
    pub kind: ErrorKind,
    /// What went wrong and what would be right, for a person.
    pub message: String,
}
