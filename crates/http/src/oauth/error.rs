//! The error answer of the OAuth 2.0 endpoints. Specification: RFC 6749 section 5.2.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use wardline_identity::{
    DpopError, IdentityError,
    oauth::{ErrorCode, OAuthError},
};

use crate::{MatrixError, extract::ERASE};

/// A refusal or failure, answered as `{"error": …, "error_description": …}`.
#[derive(Debug)]
pub(super) struct OAuthFailure {
    error: OAuthError,
    /// Seconds after which it is worth trying again.
    retry_after: Option<u64>,
    /// The nonce for the next proof of possession.
    nonce: Option<String>,
    /// Whether the client is to erase what it holds.
    erase: bool,
}

impl From<OAuthError> for OAuthFailure {
    fn from(error: OAuthError) -> Self {
        Self { error, retry_after: None, nonce: None, erase: false }
    }
}

impl From<IdentityError> for OAuthFailure {
    fn from(error: IdentityError) -> Self {
        OAuthError::from(error).into()
    }
}

impl OAuthFailure {
    pub(super) fn invalid_request(text: impl Into<String>) -> Self {
        OAuthError::Refused(ErrorCode::InvalidRequest, text.into()).into()
    }

    /// The proof of possession is not taken.
    pub(super) fn dpop(error: DpopError) -> Self {
        let nonce = match &error {
            DpopError::UseNonce(nonce) => Some(nonce.clone()),
            DpopError::Invalid(_) => None,
        };
        Self { nonce, ..OAuthError::from(IdentityError::Dpop(error)).into() }
    }

    /// The same, with word to the client whether to erase what it holds.
    pub(super) fn erasing(self, erase: bool) -> Self {
        Self { erase, ..self }
    }

    /// A rate limit was reached. A client that gets 4xx for a refresh takes its session for ended, so this is 503.
    pub(super) fn limited(limit: &MatrixError) -> Self {
        let ms = limit.extra.get("retry_after_ms").and_then(serde_json::Value::as_u64).unwrap_or(1000);
        let error = OAuthError::Refused(ErrorCode::TemporarilyUnavailable, "too many requests".into());
        Self { retry_after: Some(ms.div_ceil(1000).max(1)), ..error.into() }
    }
}

impl IntoResponse for OAuthFailure {
    fn into_response(self) -> Response {
        let (code, text) = match self.error {
            OAuthError::Refused(code, text) => (code, text),
            OAuthError::Server(error) => {
                // The one place that tells a full disk and a stopping server from other failures.
                let failure = MatrixError::from(error);
                let body = json!({ "error": "server_error", "error_description": failure.error });
                return (failure.status, axum::Json(body)).into_response();
            }
        };
        let status = match code {
            ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
            ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut body = json!({ "error": code.as_str(), "error_description": text });
        if self.erase {
            body[ERASE] = true.into();
        }
        let mut response = (status, axum::Json(body)).into_response();
        if let Some(nonce) = self.nonce.and_then(|nonce| HeaderValue::from_str(&nonce).ok()) {
            response.headers_mut().insert("dpop-nonce", nonce);
        }
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"oauth\""));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
