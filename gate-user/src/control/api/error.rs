//! How an error looks on the wire: `{"error":{"kind","message"}}`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of error it is; decides the HTTP status.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request cannot be right, whatever the state (400; 405, 408 and 413 from the transport).
    BadRequest,
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
