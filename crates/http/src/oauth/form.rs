//! Bodies of the OAuth 2.0 endpoints: `application/x-www-form-urlencoded`, each parameter once.

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use super::error::OAuthFailure;

/// The parameters of the body as `T`. Refuses repeated ones (RFC 6749 section 3.2) and other content types.
pub(super) struct OAuthForm<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OAuthForm<T> {
    type Rejection = OAuthFailure;

    async fn from_request(request: Request, state: &S) -> Result<Self, OAuthFailure> {
        match axum::Form::<T>::from_request(request, state).await {
            Ok(axum::Form(value)) => Ok(Self(value)),
            Err(_) => Err(OAuthFailure::invalid_request(
                "the body must be application/x-www-form-urlencoded, with each parameter once",
            )),
        }
    }
}
