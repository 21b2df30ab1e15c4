//! Requests in, answers out: bodies and queries read as values, values and errors written as JSON.

use std::{error::Error, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use http_body_util::BodyExt;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;

use super::super::{
    ServiceError,
    api::{ErrorBody, ErrorDetail, ErrorKind, Export, ExportLine},
};
use crate::metrics::CONTENT_TYPE as CONTENT_TYPE_OF_METRICS;

/// An ordinary body in bytes, at most.
pub(super) const SMALL: usize = 64 << 10;
/// The body of an import in bytes, at most: a million networks with their evidence.
pub(super) const LARGE: usize = 128 << 20;
/// A mail in bytes, at most; `evidence.max_report` is in it.
pub(super) const MAIL: usize = 64 << 20;
/// A batch of verdicts in bytes, at most.
pub(super) const BATCH: usize = 16 << 20;

/// How long a peer may take to send a body; an extension of every request.
#[derive(Clone, Copy)]
pub(super) struct BodyTime(pub(super) Duration);

/// A value, as an answer.
pub(super) struct Answer<T>(pub(super) T);

/// An error, as an answer.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    detail: ErrorDetail,
}

impl Failure {
    pub(super) fn new(status: StatusCode, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            status,
            detail: ErrorDetail {
                kind,
                message: message.into(),
            },
        }
    }

    fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorKind::BadRequest, message)
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let status = match error.kind() {
            ErrorKind::BadRequest => StatusCode::BAD_REQUEST,
            ErrorKind::Denied => StatusCode::FORBIDDEN,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.kind(), error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = ErrorBody { error: self.detail };
        (self.status, Answer(body)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(mut json) => {
                json.push(b'\n');
                let json_type = HeaderValue::from_static("application/json");
                ([(CONTENT_TYPE, json_type)], json).into_response()
            }
            Err(error) => {
                let message = format!("the answer cannot be written: {error}");
                (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
            }
        }
    }
}

/// JSON that is written already, as an answer.
pub(super) struct Described(pub(super) &'static str);

impl IntoResponse for Described {
    fn into_response(self) -> Response {
        let json_type = HeaderValue::from_static("application/json");
        ([(CONTENT_TYPE, json_type)], self.0).into_response()
    }
}

/// The body of a request, of at most `LIMIT` bytes.
pub(super) struct Json<T, const LIMIT: usize = SMALL>(pub(super) T);

impl<S: Sync, T: DeserializeOwned, const LIMIT: usize> FromRequest<S> for Json<T, LIMIT> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let body = body_of(request, LIMIT).await?;
        let value = serde_json::from_slice(&body)
            .map_err(|error| Failure::bad_request(format!("the body: {error}")))?;
        Ok(Self(value))
    }
}

/// The body of a request as it is, of at most `LIMIT` bytes.
pub(super) struct Raw<const LIMIT: usize>(pub(super) Vec<u8>);

impl<S: Sync, const LIMIT: usize> FromRequest<S> for Raw<LIMIT> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        body_of(request, LIMIT).await.map(Self)
    }
}

/// The body of a request, if it comes in time.
async fn body_of(request: Request, limit: usize) -> Result<Vec<u8>, Failure> {
    let BodyTime(time) = *request
        .extensions()
        .get()
        .expect("the router adds it to every request");
    match timeout(time, read(request.into_body(), limit)).await {
        Ok(body) => body,
        Err(_) => Err(Failure::new(
            StatusCode::REQUEST_TIMEOUT,
            ErrorKind::BadRequest,
            format!("the body did not come within {} s", time.as_secs()),
        )),
    }
}

/// The whole of `body`. What is too large is read to its end all the same, and forgotten: a peer
/// whose words are not taken would get a reset instead of the answer.
async fn read(mut body: Body, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut whole = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::bad_request(format!("the body: {error}")))?;
        if let Some(data) = frame.data_ref() {
            length += data.len();
            if length <= limit {
                whole.extend_from_slice(data);
            } else {
                whole = Vec::new();
            }
        }
    }
    if length <= limit {
        Ok(whole)
    } else {
        Err(Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::BadRequest,
            format!("the body is larger than {} KiB", limit >> 10),
        ))
    }
}

/// Metrics, as an answer.
pub(super) struct Metrics(pub(super) String);

impl IntoResponse for Metrics {
    fn into_response(self) -> Response {
        let text_type = HeaderValue::from_static(CONTENT_TYPE_OF_METRICS);
        ([(CONTENT_TYPE, text_type)], self.0).into_response()
    }
}

/// The query of a request.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => {
                let why = rejection
                    .source()
                    .map_or_else(|| rejection.to_string(), ToString::to_string);
                Err(Failure::bad_request(format!("the query: {why}")))
            }
        }
    }
}

/// A plan as an answer: one [`ExportLine`] a line, sent as it is written.
pub(super) struct Lines(pub(super) Export);

impl IntoResponse for Lines {
    fn into_response(self) -> Response {
        let mut lines = ExportLine::all(self.0);
        let chunks = std::iter::from_fn(move || {
            let mut chunk = Vec::new();
            while chunk.len() < SMALL {
                let Some(line) = lines.next() else { break };
                if let Err(error) = serde_json::to_writer(&mut chunk, &line) {
                    return Some(Err(error));
                }
                chunk.push(b'\n');
            }
            (!chunk.is_empty()).then_some(Ok(chunk))
        });
        let lines_type = HeaderValue::from_static("application/x-ndjson");
        let body = Body::from_stream(stream::iter(chunks));
        ([(CONTENT_TYPE, lines_type)], body).into_response()
    }
}
