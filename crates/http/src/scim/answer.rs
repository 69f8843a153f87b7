//! Bodies, refusals and callers of the provisioning API (RFC 7644 sections 3.1 and 3.12).

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header, request::Parts};
use serde_json::{Value, json};
use wardline_identity::{
    IdentityError,
    scim::{ScimError, Selection, Shaped},
};

use crate::{AppState, ClientAddr, LimitKey, MatrixError};

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/scim+json");

/// A body of `application/scim+json`.
#[derive(Debug)]
pub(super) struct Scim(pub(super) StatusCode, pub(super) Value);

impl IntoResponse for Scim {
    fn into_response(self) -> Response {
        let mut response = (self.0, self.1.to_string()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, MEDIA_TYPE);
        response
    }
}

/// A resource as an answer, with its entity tag and address; 304 if the caller has this version.
pub(super) fn resource(
    status: StatusCode,
    shaped: Shaped,
    selection: &Selection,
    if_none_match: Option<&str>,
) -> Response {
    let known = if_none_match
        .is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == "*" || tag.trim() == shaped.version));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Scim(status, selection.of(shaped.resource).into()).into_response()
    };
    for (name, value) in [(header::ETAG, &shaped.version), (header::LOCATION, &shaped.location)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A refusal.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    kind: Option<&'static str>,
    text: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, kind: Option<&'static str>, text: impl Into<String>) -> Self {
        Self { status, kind, text: text.into() }
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, None, "there is no such resource")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, None, "the method is not allowed here")
    }
}

impl From<ScimError> for Refusal {
    fn from(error: ScimError) -> Self {
        let text = error.to_string();
        let bad = |kind| (StatusCode::BAD_REQUEST, Some(kind));
        let (status, kind) = match error {
            ScimError::InvalidFilter(_) => bad("invalidFilter"),
            ScimError::InvalidPath(_) => bad("invalidPath"),
            ScimError::NoTarget(_) => bad("noTarget"),
            ScimError::InvalidValue(_) => bad("invalidValue"),
            ScimError::InvalidSyntax(_) => bad("invalidSyntax"),
            ScimError::Mutability(_) => bad("mutability"),
            ScimError::Uniqueness(_) => (StatusCode::CONFLICT, Some("uniqueness")),
            ScimError::NotFound(_) => (StatusCode::NOT_FOUND, None),
            ScimError::Precondition => (StatusCode::PRECONDITION_FAILED, None),
            ScimError::Unauthorized => (StatusCode::UNAUTHORIZED, None),
            ScimError::Server(error) => return error.into(),
        };
        Self { status, kind, text }
    }
}

impl From<IdentityError> for Refusal {
    fn from(error: IdentityError) -> Self {
        MatrixError::from(error).into()
    }
}

impl From<MatrixError> for Refusal {
    fn from(error: MatrixError) -> Self {
        Self { status: error.status, kind: None, text: error.error }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.as_u16().to_string(),
            "detail": self.text,
        });
        if let Some(kind) = self.kind {
            body["scimType"] = json!(kind);
        }
        let mut response = Scim(self.status, body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The provisioning system that calls: the name of its token.
#[derive(Debug)]
pub(super) struct Provisioner(pub(super) String);

impl FromRequestParts<AppState> for Provisioner {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let ClientAddr(address) = ClientAddr::from_request_parts(parts, state).await?;
        let given = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(ScimError::Unauthorized)?;
        // Charged when it is wrong only: provisioning comes in thousands.
        let key = LimitKey::new("scim", address, "");
        state.limiter.take(&key, state.config.login_address_limit)?;
        let name = state.identity.scim_client(token)?;
        state.limiter.give_back(&key);
        Ok(Self(name))
    }
}

/// A JSON body, whatever its content type says: provisioning systems differ.
#[derive(Debug)]
pub(super) struct Body(pub(super) Value);

impl FromRequest<AppState> for Body {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Refusal> {
        let bytes = Bytes::from_request(request, state).await.map_err(|_| {
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, None, "the body is too large or was cut off")
        })?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, Some("invalidSyntax"), "the body is no JSON"))
    }
}
