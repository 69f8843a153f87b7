//! What can go wrong, and how the Matrix API says it.

use std::path::PathBuf;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

/// Why the key service could not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder could not be made.
    #[error("{}: {source}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A text is not a sealing key.
    #[error("a sealing key is 64 hexadecimal digits (32 bytes)")]
    MalformedKey,
    /// The vault's database could not be opened.
    #[error("key vault: {0}")]
    Vault(#[from] rusqlite::Error),
    /// The HTTP client that speaks to the server could not be built.
    #[error("HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

/// Why a request to the key service was not answered with success. Each becomes a Matrix standard error
/// (client-server API, "Standard error response").
#[derive(Debug, thiserror::Error)]
pub enum KeyServiceError {
    /// 401 `M_MISSING_TOKEN`: no bearer token.
    #[error("Missing access token")]
    MissingToken,
    /// 401 `M_UNKNOWN_TOKEN`: the server does not know the bearer token.
    #[error("Unknown or expired access token")]
    UnknownToken,
    /// 400 `M_BAD_JSON`: a field is missing or of the wrong shape; the text names it.
    #[error("{0}")]
    BadRequest(String),
    /// 403 `ORG.WARDLINE.PERSONAL_KEYS`: by the policy of this place each person keeps their own recovery key.
    #[error("Recovery keys are kept by each person, not by this service")]
    PersonalPolicy,
    /// 401 `ORG.WARDLINE.STEP_UP`: the person signed in too long ago, and must do so again on this device.
    #[error("Sign in again on this device to go on")]
    StepUp,
    /// 404 `M_NOT_FOUND`: nothing is kept for this person.
    #[error("No recovery key is kept for this account")]
    NotFound,
    /// 429 `M_LIMIT_EXCEEDED`: the server asks for patience; carries the milliseconds to wait.
    #[error("Too many requests")]
    LimitExceeded(u64),
    /// 502 `M_UNKNOWN`: the server could not be asked.
    #[error("The server could not be asked who you are")]
    Server(#[source] Option<reqwest::Error>),
    /// 500 `M_UNKNOWN`: the vault failed.
    #[error("The key vault failed")]
    Vault(#[from] rusqlite::Error),
    /// 500 `M_UNKNOWN`: a kept key does not open under the present sealing key.
    #[error("The kept recovery key cannot be opened with the present sealing key")]
    Unsealable,
}

impl IntoResponse for KeyServiceError {
    fn into_response(self) -> Response {
        let (status, errcode) = match &self {
            Self::MissingToken => (StatusCode::UNAUTHORIZED, "M_MISSING_TOKEN"),
            Self::UnknownToken => (StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN"),
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "M_BAD_JSON"),
            Self::PersonalPolicy => (StatusCode::FORBIDDEN, "ORG.WARDLINE.PERSONAL_KEYS"),
            Self::StepUp => (StatusCode::UNAUTHORIZED, "ORG.WARDLINE.STEP_UP"),
            Self::NotFound => (StatusCode::NOT_FOUND, "M_NOT_FOUND"),
            Self::LimitExceeded(_) => (StatusCode::TOO_MANY_REQUESTS, "M_LIMIT_EXCEEDED"),
            Self::Server(_) => (StatusCode::BAD_GATEWAY, "M_UNKNOWN"),
            Self::Vault(_) | Self::Unsealable => (StatusCode::INTERNAL_SERVER_ERROR, "M_UNKNOWN"),
        };
        if status.is_server_error() {
            tracing::error!(error = &self as &dyn std::error::Error, "key service");
        }
        let mut body = json!({ "errcode": errcode, "error": self.to_string() });
        if matches!(self, Self::StepUp) {
            // RFC 9470 section 3.
            let text = format!(
                "Bearer error=\"insufficient_user_authentication\", max_age=\"{}\"",
                super::STEP_UP_MILLIS / 1000
            );
            return (status, [(http::header::WWW_AUTHENTICATE, text)], Json(body)).into_response();
        }
        let Self::LimitExceeded(wait) = self else { return (status, Json(body)).into_response() };
        body["retry_after_ms"] = json!(wait);
        let seconds = wait.div_ceil(1000).to_string();
        (status, [(http::header::RETRY_AFTER, seconds)], Json(body)).into_response()
    }
}
