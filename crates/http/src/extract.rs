//! Extractors: who asks, and what the path and query say. Every refusal is a [`MatrixError`].

use std::{net::IpAddr, ops::Deref, sync::Arc};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::{HeaderMap, header, request::Parts};
use serde::de::DeserializeOwned;
use wardline_identity::Session;

use crate::{AppState, Bucket, LimitKey, MatrixError, app_service};

/// The signed-in caller. Derefs to the [`Session`], so `auth.user_id`, `auth.user_nid`, `auth.device_id`
/// and `auth.session_id` can be read directly.
///
/// Takes the bearer token of the `Authorization` header; a hot token is answered from memory without SQL.
/// Tokens in the query are not accepted (they end up in logs; deprecated since Matrix 1.11).
///
/// Refuses with 401 `M_MISSING_TOKEN` or `M_UNKNOWN_TOKEN` (with `soft_logout`), with 401 `M_USER_LOCKED` and, for what
/// a suspended account may not do, with 403 `M_USER_SUSPENDED`.
#[derive(Clone, Debug)]
pub struct Authenticated(pub Arc<Session>);

impl Deref for Authenticated {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

/// The bearer token of the request, if it has one.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Takes a request that changes something out of the buckets of the device, the person and the address.
async fn charge(parts: &mut Parts, state: &AppState, session: &Session) -> Result<(), MatrixError> {
    let bucket = state.config.write_limit;
    if bucket.burst == 0 || parts.method.is_safe() {
        return Ok(());
    }
    let services = &state.engine.context.app_services;
    if let Some(service) = session.app_service.as_deref().and_then(|id| services.by_id(id))
        && (service.sender == session.user_id || service.registration.rate_limited == Some(false))
    {
        return Ok(());
    }
    let ClientAddr(address) = ClientAddr::from_request_parts(parts, state).await?;
    let nowhere = IpAddr::from([0, 0, 0, 0]);
    let user = session.user_nid.0;
    let times = |n: u32| Bucket {
        burst: bucket.burst.saturating_mul(n),
        per_minute: bucket.per_minute.saturating_mul(n),
    };
    let device = LimitKey::new("write-device", nowhere, &format!("{user} {}", session.device_id));
    state.limiter.take(&device, bucket)?;
    state.limiter.take(&LimitKey::new("write-person", nowhere, &user.to_string()), times(4))?;
    state.limiter.take(&LimitKey::new("write-address", address, ""), times(40))
}

impl FromRequestParts<AppState> for Authenticated {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, MatrixError> {
        let token = bearer(&parts.headers).ok_or_else(MatrixError::missing_token)?;
        let session = match app_service::session(parts, state, token)? {
            Some(session) => session,
            None => state.identity.verify_token(token).await?,
        };
        if session.guest {
            crate::client::check_guest(&parts.method, parts.uri.path())?;
        }
        charge(parts, state, &session).await?;
        let holds = state.store.holds(session.user_nid)?;
        crate::client::check_holds(holds, &parts.method, parts.uri.path())?;
        let ClientAddr(address) = ClientAddr::from_request_parts(parts, state).await?;
        session.note_address(address);
        Ok(Self(session))
    }
}

/// The parameters of the path, percent-decoded. Refusals: 400 `M_INVALID_PARAM`.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, MatrixError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(MatrixError::invalid_param(format!("path: {}", rejection.body_text()))),
        }
    }
}

/// The query string as `T`. Refusals: 400 `M_INVALID_PARAM` that names the parameter. A parameter that may
/// be repeated is read with `Query<Vec<(String, String)>>`.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MatrixError> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(MatrixError::invalid_param(format!("query: {}", rejection.body_text()))),
        }
    }
}

/// The address of the caller, for rate limits. Behind a proxy that the configuration trusts it is the last
/// address in `X-Forwarded-For` (the one that the proxy itself saw); without a known peer `0.0.0.0`.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddr(pub IpAddr);

impl FromRequestParts<AppState> for ClientAddr {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, MatrixError> {
        let forwarded = || {
            let last = parts.headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
            last.rsplit(',').next()?.trim().parse::<IpAddr>().ok()
        };
        let peer =
            || parts.extensions.get::<ConnectInfo<std::net::SocketAddr>>().map(|ConnectInfo(addr)| addr.ip());
        let address = if state.config.trust_forwarded_for { forwarded().or_else(peer) } else { peer() };
        Ok(Self(address.unwrap_or(IpAddr::from([0, 0, 0, 0]))))
    }
}
