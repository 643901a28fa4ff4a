//! Bodies of requests: JSON, of bounded length, within bounded time.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use serde::de::DeserializeOwned;

use super::Problem;

/// The longest body: the longest prompt and as long a counterpart fit, every byte written as an escape.
pub(super) const MAX_BODY: usize = 256 << 10;
/// Longer no body takes to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a request asks for.
pub(super) async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let too_large = || Problem::too_large(format!("the request has more than {} KiB", MAX_BODY >> 10));
    // Before all of it has come, where it says how long it is.
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > MAX_BODY) {
        return Err(too_large());
    }
    let bytes = tokio::time::timeout(PATIENCE, Bytes::from_request(request, &())).await;
    let slow = || Problem::new(StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time");
    let bytes = bytes.map_err(|_| slow())?.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => Problem::request("the request was cut off"),
    })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Problem::request(format!("the request cannot be understood: {error}")))
}
