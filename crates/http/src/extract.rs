//! Extractors: who asks, and what the path and query say. Every refusal is a [`MatrixError`].

use std::{net::IpAddr, ops::Deref, sync::Arc};

use axum::extract::{ConnectInfo, FromRequestParts, OriginalUri};
use http::{Extensions, HeaderMap, header, request::Parts};
use serde::de::DeserializeOwned;
use wardline_domain::smart::SmartScope;
use wardline_identity::{DpopError, IdentityError, Session, oauth::SystemSession};

use crate::{AppState, Bucket, HttpConfig, LimitKey, MatrixError, RateLimiter, app_service, fhir};

/// The signed-in caller. Derefs to the [`Session`], so `auth.user_id`, `auth.user_nid`, `auth.device_id`
/// and `auth.session_id` can be read directly.
///
/// Takes the token of the `Authorization` header, `Bearer` or, for one that is bound to a key of the client, `DPoP`; a hot token is answered from memory without SQL.
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
    credentials(headers).filter(|(_, with_proof)| !with_proof).map(|(token, _)| token)
}

/// The token of the request, if it has one, and whether it comes with a proof of possession (RFC 9449 section 7.1).
fn credentials(headers: &HeaderMap) -> Option<(&str, bool)> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    let with_proof = scheme.eq_ignore_ascii_case("dpop");
    let known = with_proof || scheme.eq_ignore_ascii_case("bearer");
    (known && !token.is_empty()).then_some((token, with_proof))
}

/// Takes a request that changes something, or that is to the FHIR API, out of the buckets of the device, the person and
/// the address.
async fn charge(parts: &mut Parts, state: &AppState, session: &Session) -> Result<(), MatrixError> {
    // Within the FHIR API the path has lost its beginning.
    let path = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |OriginalUri(uri)| uri.path());
    let is_fhir = path.starts_with("/fhir/");
    let writes = state.config.write_limit;
    let charged = [
        (!parts.method.is_safe(), ["write-device", "write-person", "write-address"], writes),
        (is_fhir, ["fhir-device", "fhir-person", "fhir-address"], state.config.fhir_limit),
    ];
    for (_, [device, person, place], bucket) in
        charged.into_iter().filter(|(wanted, _, bucket)| *wanted && bucket.burst > 0)
    {
        if is_unlimited(state, session) {
            return Ok(());
        }
        let ClientAddr(address) = ClientAddr::from_request_parts(parts, state).await?;
        let nowhere = IpAddr::from([0, 0, 0, 0]);
        let user = session.user_nid.0;
        let times = |n: u32| Bucket {
            burst: bucket.burst.saturating_mul(n),
            per_minute: bucket.per_minute.saturating_mul(n),
        };
        let device = LimitKey::new(device, nowhere, &format!("{user} {}", session.device_id));
        state.limiter.take(&device, bucket)?;
        state.limiter.take(&LimitKey::new(person, nowhere, &user.to_string()), times(4))?;
        state.limiter.take(&LimitKey::new(place, address, ""), times(40))?;
    }
    Ok(())
}

/// The system without a person whose token comes with the request, if it does: charged, and held to the token's scopes.
///
/// # Errors
/// What the scopes do not reach to, or a limit.
pub(crate) async fn system(
    parts: &mut Parts,
    state: &AppState,
) -> Result<Option<SystemSession>, MatrixError> {
    let Some(token) = bearer(&parts.headers) else { return Ok(None) };
    let Some(session) = state.identity.system_session(token)? else { return Ok(None) };
    within(parts, &session.scopes)?;
    let nowhere = IpAddr::from([0, 0, 0, 0]);
    let bucket = state.config.fhir_limit;
    if bucket.burst > 0 {
        // A system does the work of many: it has what the devices of one address have.
        let key = LimitKey::new("fhir-system", nowhere, &session.client);
        let times = |n: u32| n.saturating_mul(40);
        let bucket = Bucket { burst: times(bucket.burst), per_minute: times(bucket.per_minute) };
        state.limiter.take(&key, bucket)?;
    }
    Ok(Some(session))
}

/// Whether the caller is an application service that is not limited.
fn is_unlimited(state: &AppState, session: &Session) -> bool {
    let services = &state.engine.context.app_services;
    session.app_service.as_deref().and_then(|id| services.by_id(id)).is_some_and(|service| {
        service.sender == session.user_id || service.registration.rate_limited == Some(false)
    })
}

/// Takes a request without credentials out of the bucket of its address. What has credentials is charged when they are
/// looked at, and wrong ones in the same place: see [`Authenticated`].
///
/// # Errors
/// `M_LIMIT_EXCEEDED`.
pub(crate) fn charge_stranger(
    limiter: &RateLimiter,
    config: &HttpConfig,
    request: &http::Request<axum::body::Body>,
) -> Result<(), MatrixError> {
    let is_free = request.uri().path() == "/_matrix/client/versions"
        || request.headers().contains_key(header::AUTHORIZATION);
    if config.open_limit.burst == 0 || is_free {
        return Ok(());
    }
    let address = address_of(config, request.headers(), request.extensions());
    limiter.take(&LimitKey::new("open", address, ""), config.open_limit)
}

/// The same for a request whose credentials are wrong.
fn charge_guess(parts: &Parts, state: &AppState) -> Result<(), MatrixError> {
    let address = address_of(&state.config, &parts.headers, &parts.extensions);
    state.limiter.take(&LimitKey::new("open", address, ""), state.config.open_limit)
}

/// Where a request comes from; see [`ClientAddr`].
pub(crate) fn address_of(config: &HttpConfig, headers: &HeaderMap, extensions: &Extensions) -> IpAddr {
    let forwarded = || {
        let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
        last.rsplit(',').next()?.trim().parse::<IpAddr>().ok()
    };
    let peer = || extensions.get::<ConnectInfo<std::net::SocketAddr>>().map(|ConnectInfo(addr)| addr.ip());
    let address = if config.trust_forwarded_for { forwarded().or_else(peer) } else { peer() };
    address.unwrap_or(IpAddr::from([0, 0, 0, 0]))
}

/// The one proof of possession among the headers.
pub(crate) fn dpop_proof(headers: &http::HeaderMap) -> Result<Option<&str>, DpopError> {
    let mut proofs = headers.get_all("dpop").iter();
    let Some(proof) = proofs.next() else { return Ok(None) };
    match (proof.to_str(), proofs.next()) {
        (Ok(proof), None) => Ok(Some(proof)),
        _ => Err(DpopError::Invalid("there must be one proof")),
    }
}

/// Checks that whoever uses the token of a session holds the key that it is bound to, if it is bound.
fn check_possession(
    parts: &Parts,
    state: &AppState,
    session: &Session,
    token: &str,
    with_proof: bool,
) -> Result<(), DpopError> {
    let Some(key) = session.thumbprint else {
        let bound = !with_proof;
        return bound.then_some(()).ok_or(DpopError::Invalid("the token is not bound to a key"));
    };
    if !with_proof {
        return Err(DpopError::Invalid("the token is bound to a key and needs the scheme DPoP"));
    }
    let proof = dpop_proof(&parts.headers)?.ok_or(DpopError::Invalid("the header DPoP is missing"))?;
    let path = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |OriginalUri(uri)| uri.path());
    let url = format!("{}{path}", state.config.public_base_url);
    let proved = state.identity.dpop().check(proof, parts.method.as_str(), &url, Some(token))?;
    if proved == key { Ok(()) } else { Err(DpopError::Invalid("the proof is by another key")) }
}

/// Refuses what the scopes of an application of the FHIR API do not reach to.
fn check_scope(parts: &Parts, session: &Session) -> Result<(), MatrixError> {
    session.smart.as_ref().map_or(Ok(()), |scopes| within(parts, scopes))
}

fn within(parts: &Parts, scopes: &[SmartScope]) -> Result<(), MatrixError> {
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
    let Some(path) = uri.path().strip_prefix("/fhir/R4/") else {
        return Err(MatrixError::forbidden("this application may use the FHIR API only"));
    };
    fhir::check_scope(scopes, &parts.method, path.trim_end_matches('/'), uri.query())
        .map_err(|missing| MatrixError::forbidden(format!("the application was not allowed {missing}")))
}

/// The answer to a dead token. A device that was signed out from elsewhere is told to erase what it holds.
fn unknown_token(state: &AppState, token: &str, error: IdentityError) -> Result<MatrixError, MatrixError> {
    let gone = matches!(error, IdentityError::UnknownToken { soft_logout: false });
    let answer = MatrixError::from(error);
    Ok(if gone && state.identity.must_erase(token)? { answer.with(ERASE, true) } else { answer })
}

/// The member of an answer that tells a client to erase what it holds.
pub(crate) const ERASE: &str = "org.wardline.erase";

impl FromRequestParts<AppState> for Authenticated {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, MatrixError> {
        let (token, with_proof) = credentials(&parts.headers).ok_or_else(MatrixError::missing_token)?;
        let session = match app_service::session(parts, state, token)? {
            Some(session) => session,
            None => match state.identity.verify_token(token).await {
                Ok(session) => session,
                Err(error) => {
                    charge_guess(parts, state)?;
                    return Err(unknown_token(state, token, error)?);
                }
            },
        };
        check_possession(parts, state, &session, token, with_proof)
            .map_err(|error| MatrixError::dpop(&error))?;
        check_scope(parts, &session)?;
        if session.guest {
            crate::client::check_guest(&parts.method, parts.uri.path())?;
        }
        charge(parts, state, &session).await?;
        let holds = state.store.holds(session.user_nid)?;
        crate::client::check_holds(holds, &parts.method, parts.uri.path())?;
        let ClientAddr(address) = ClientAddr::from_request_parts(parts, state).await?;
        crate::client::check_kind(state, &session, parts)?;
        let waits = parts.uri.path().ends_with("/sync");
        session.note_request(address, state.clock.now(), !waits);
        Ok(Self(session))
    }
}

/// Whoever asks, signed in or not: for what the specification shows to everybody. Who gives a token must give a good
/// one.
///
/// Refuses with 401 `M_MISSING_TOKEN` where the configuration shows such things to signed-in users only
/// ([`HttpConfig::directory_asks_for_token`](crate::HttpConfig::directory_asks_for_token)), else as
/// [`Authenticated`].
#[derive(Clone, Debug)]
pub struct Anybody(pub Option<Authenticated>);

impl FromRequestParts<AppState> for Anybody {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, MatrixError> {
        if bearer(&parts.headers).is_none() && !state.config.directory_asks_for_token {
            return Ok(Self(None));
        }
        Authenticated::from_request_parts(parts, state).await.map(|auth| Self(Some(auth)))
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
        Ok(Self(address_of(&state.config, &parts.headers, &parts.extensions)))
    }
}
