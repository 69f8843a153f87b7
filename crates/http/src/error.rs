//! The Matrix error answer: an HTTP status and a JSON object with `errcode` and `error`.
//!
//! Specification: Client-Server API, "Standard error response".

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use wardline_clinical::ClinicalError;
use wardline_domain::push::PushRuleError;
use wardline_engine::EngineError;
use wardline_identity::{DpopError, IdentityError};
use wardline_store::StoreError;

/// The code of a refused proof of possession.
const DPOP: &str = "ORG.WARDLINE.DPOP";
/// Where the nonce for the answer's header waits among the further members.
const DPOP_NONCE: &str = "dpop_nonce";

/// A refused or failed request, answered as `{"errcode": …, "error": …}` plus further members.
///
/// Build one with the constructor that names the specification's errcode, or [`MatrixError::new`].
#[derive(Clone, Debug, thiserror::Error)]
#[error("{status} {errcode}: {error}")]
pub struct MatrixError {
    /// The HTTP status of the answer.
    pub status: StatusCode,
    /// The specification's machine-readable code, for example `M_FORBIDDEN`. Empty in the first answer of
    /// user-interactive authentication, which has none.
    pub errcode: &'static str,
    /// A plain sentence for a developer; names the offending field where there is one. Never carries
    /// patient data, message text or secrets.
    pub error: String,
    /// Further top-level members of the answer (`soft_logout`, `retry_after_ms`, `flows` …).
    pub extra: Map<String, Value>,
}

impl MatrixError {
    /// An error with this status, code and sentence, and no further members.
    pub fn new(status: StatusCode, errcode: &'static str, error: impl Into<String>) -> Self {
        Self { status, errcode, error: error.into(), extra: Map::new() }
    }

    /// This error with one more top-level member in its JSON answer.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(key.to_owned(), value.into());
        self
    }

    /// 400 `M_NOT_JSON`: the body is not JSON at all.
    pub fn not_json(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_NOT_JSON", error)
    }

    /// 400 `M_BAD_JSON`: JSON of the wrong shape. The sentence names the field's path.
    pub fn bad_json(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_BAD_JSON", error)
    }

    /// 400 `M_INVALID_PARAM`: a parameter of the path, query or body has an unacceptable value.
    pub fn invalid_param(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_INVALID_PARAM", error)
    }

    /// 400 `M_MISSING_PARAM`: a required parameter is absent.
    pub fn missing_param(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_MISSING_PARAM", error)
    }

    /// 403 `M_FORBIDDEN`.
    pub fn forbidden(error: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "M_FORBIDDEN", error)
    }

    /// 404 `M_NOT_FOUND`.
    pub fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "M_NOT_FOUND", error)
    }

    /// 413 `M_TOO_LARGE`: the body or a part of it is larger than allowed.
    pub fn too_large(error: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "M_TOO_LARGE", error)
    }

    /// `M_UNRECOGNIZED` with the given status: 404 for an unknown endpoint, 405 for a wrong method.
    pub fn unrecognized(status: StatusCode) -> Self {
        Self::new(status, "M_UNRECOGNIZED", "this server has no such endpoint or method")
    }

    /// 401 `M_MISSING_TOKEN`: no access token was given.
    pub fn missing_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "M_MISSING_TOKEN", "an access token is required")
    }

    /// 401 `M_UNKNOWN_TOKEN`. `soft_logout` true tells the client to keep its keys and sign in again
    /// (or refresh) with the same device.
    pub fn unknown_token(soft_logout: bool) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN", "the access token is unknown or has expired")
            .with("soft_logout", soft_logout)
    }

    /// 401 `ORG.WARDLINE.DPOP`: the proof of possession that must come with the token is missing or wrong. The client
    /// keeps its session: it makes another proof, with the nonce of the answer's header if there is one.
    pub fn dpop(error: &DpopError) -> Self {
        let answer = Self::new(StatusCode::UNAUTHORIZED, DPOP, error.to_string());
        match error {
            DpopError::UseNonce(nonce) => answer.with(DPOP_NONCE, nonce.as_str()),
            DpopError::Invalid(_) => answer,
        }
    }

    /// 401 `ORG.WARDLINE.STEP_UP`: the person signed in too long ago for this, and must do so again on this device.
    pub fn step_up() -> Self {
        let text = "sign in again on this device to go on";
        Self::new(StatusCode::UNAUTHORIZED, "ORG.WARDLINE.STEP_UP", text)
    }

    /// 429 `M_LIMIT_EXCEEDED`; the client may try again after `retry_after_ms` milliseconds. Also sets the
    /// `Retry-After` header, in seconds rounded up.
    pub fn limit_exceeded(retry_after_ms: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "M_LIMIT_EXCEEDED", "too many requests, try again later")
            .with("retry_after_ms", retry_after_ms)
    }

    /// When the client may try again, in seconds, if it shall try again at all.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        Some(self.extra.get("retry_after_ms")?.as_u64()?.div_ceil(1000).max(1))
    }

    /// 503 `M_UNKNOWN`: this process ends, or its disk has failed; its successor will answer.
    pub fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "M_UNKNOWN", "the server is stopping, try again later")
            .with("retry_after_ms", 1000)
    }

    /// 500 `M_UNKNOWN` for a failure of the server itself. The cause goes to the log, not to the client.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = cause, "request failed inside the server");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "M_UNKNOWN", "internal server error")
    }
}

impl From<StoreError> for MatrixError {
    /// Every failure of the store is the server's; a full disk says so, because the operator must act.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => {
                tracing::error!("the disk is full");
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "M_UNKNOWN", "the server's disk is full")
            }
            StoreError::Closed | StoreError::NotDurable => Self::stopping(),
            other => Self::internal(&other),
        }
    }
}

impl From<EngineError> for MatrixError {
    fn from(error: EngineError) -> Self {
        let text = error.to_string();
        let bad_request = |errcode, text| Self::new(StatusCode::BAD_REQUEST, errcode, text);
        match error {
            EngineError::NotFound(_) => Self::not_found(text),
            EngineError::Forbidden(_) => Self::forbidden(text),
            EngineError::Invalid { .. } => Self::invalid_param(text),
            EngineError::BadContent { .. } => Self::bad_json(text),
            EngineError::TooLarge(_) => Self::too_large(text),
            EngineError::UnsupportedRoomVersion(_) => bad_request("M_UNSUPPORTED_ROOM_VERSION", text),
            EngineError::AliasTaken => Self::new(StatusCode::CONFLICT, "M_ROOM_IN_USE", text),
            EngineError::BadAlias(_) => bad_request("M_BAD_ALIAS", text),
            EngineError::BadRelation(_) => bad_request("M_UNKNOWN", text),
            EngineError::DuplicateAnnotation => bad_request("M_DUPLICATE_ANNOTATION", text),
            EngineError::BadRoomState(_) => bad_request("M_INVALID_ROOM_STATE", text),
            EngineError::ServerControlled(_) => Self::new(StatusCode::METHOD_NOT_ALLOWED, "M_BAD_JSON", text),
            EngineError::PushRule(error) => match error {
                PushRuleError::NotFound => Self::not_found(text),
                PushRuleError::Invalid { .. } => Self::bad_json(text),
                PushRuleError::UnknownNeighbour => bad_request("M_UNKNOWN", text),
                PushRuleError::UnknownKind | PushRuleError::ServerDefault => Self::invalid_param(text),
            },
            EngineError::UnknownPos => bad_request("M_UNKNOWN_POS", text),
            EngineError::TooManyDelayed => bad_request("M_UNKNOWN", text)
                .with("org.matrix.msc4140.errcode", "M_MAX_DELAYED_EVENTS_EXCEEDED"),
            EngineError::NotInThread => bad_request("IO.ELEMENT.MSC4306.M_NOT_IN_THREAD", text),
            EngineError::Unsubscribed => {
                Self::new(StatusCode::CONFLICT, "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION", text)
            }
            EngineError::Busy => Self::limit_exceeded(1000),
            EngineError::Stopping => Self::stopping(),
            EngineError::Store(error) => error.into(),
        }
    }
}

impl From<ClinicalError> for MatrixError {
    fn from(error: ClinicalError) -> Self {
        let problem = error.to_string();
        match error {
            ClinicalError::NotFound(_) => Self::not_found(problem),
            ClinicalError::Forbidden(_) => Self::forbidden(problem),
            ClinicalError::Invalid { .. } | ClinicalError::Several(_) => Self::invalid_param(problem),
            ClinicalError::OtherVersion
            | ClinicalError::Conflict(_)
            | ClinicalError::Request(_)
            | ClinicalError::ImportRefused(_)
            | ClinicalError::DryRun(_) => Self::new(StatusCode::CONFLICT, "ORG.WARDLINE.CONFLICT", problem),
            ClinicalError::Store(cause) => cause.into(),
            ClinicalError::Port(cause) => Self::internal(&cause),
        }
    }
}

impl From<IdentityError> for MatrixError {
    fn from(error: IdentityError) -> Self {
        let text = error.to_string();
        match error {
            IdentityError::UnknownToken { soft_logout } => Self::unknown_token(soft_logout),
            IdentityError::WrongPassword => Self::forbidden("user or password is wrong"),
            IdentityError::ProviderUnavailable => Self::new(StatusCode::BAD_GATEWAY, "M_UNKNOWN", text),
            IdentityError::LoginToken | IdentityError::SignInRefused(_) => Self::forbidden(text),
            IdentityError::WrongCode | IdentityError::NotAdministrator(_) => Self::forbidden(text),
            IdentityError::Dpop(error) => Self::dpop(&error),
            IdentityError::UserInUse => Self::new(StatusCode::BAD_REQUEST, "M_USER_IN_USE", text),
            IdentityError::InvalidUsername(_) => {
                Self::new(StatusCode::BAD_REQUEST, "M_INVALID_USERNAME", text)
            }
            IdentityError::WeakPassword(_) => Self::new(StatusCode::BAD_REQUEST, "M_WEAK_PASSWORD", text),
            IdentityError::Invalid(..) => Self::invalid_param(text),
            IdentityError::KeyTooLarge => Self::new(StatusCode::BAD_REQUEST, "M_KEY_TOO_LARGE", text),
            IdentityError::ProfileTooLarge => Self::new(StatusCode::BAD_REQUEST, "M_PROFILE_TOO_LARGE", text),
            IdentityError::NotFound(_) => Self::not_found(text),
            IdentityError::SharedSecret(_) => Self::forbidden(text),
            IdentityError::Store(error) => error.into(),
            IdentityError::Hashing => Self::internal(&error),
        }
    }
}

impl IntoResponse for MatrixError {
    fn into_response(self) -> Response {
        let retry_after = self.retry_after();
        let mut body = self.extra;
        if !self.errcode.is_empty() {
            body.insert("errcode".into(), json!(self.errcode));
            body.insert("error".into(), json!(self.error));
        }
        let nonce = body.remove(DPOP_NONCE);
        let mut response = (self.status, axum::Json(Value::Object(body))).into_response();
        if self.errcode == DPOP {
            let nonce = nonce.as_ref().and_then(Value::as_str);
            let text = match nonce {
                Some(_) => "DPoP error=\"use_dpop_nonce\"",
                None => "DPoP error=\"invalid_dpop_proof\"",
            };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(text));
            if let Some(nonce) = nonce.and_then(|nonce| HeaderValue::from_str(nonce).ok()) {
                response.headers_mut().insert("dpop-nonce", nonce);
            }
        }
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
