//! What is answered to a request that cannot be met.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::printer::in_one_line;

/// Why a request is not met: a status, and a text for a person.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) error: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Problem { status, error: error.into() }
    }

    /// The request is wrong.
    pub(super) fn request(error: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, error)
    }

    /// The request is wrong, as an error of the program tells.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        Problem::request(in_one_line(error))
    }

    pub(super) fn too_large(error: impl Into<String>) -> Self {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error)
    }

    pub(super) fn not_found(error: impl Into<String>) -> Self {
        Problem::new(StatusCode::NOT_FOUND, error)
    }

    /// The server is at fault, or its disk.
    pub(super) fn internal(error: impl Into<String>) -> Self {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, json(&serde_json::json!({ "error": self.error }))).into_response()
    }
}

/// An answer in JSON.
pub(super) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => json_bytes(bytes),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// An answer that is JSON already.
pub(super) fn json_bytes(bytes: impl Into<axum::body::Body>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], bytes.into()).into_response()
}
