//! Who speaks with the token of an application service.
//!
//! Specification: Application Service API, "Client-Server API Extensions".

use std::sync::Arc;

use http::{StatusCode, request::Parts};
use serde::Deserialize;
use wardline_domain::{
    Timestamp,
    ruma::{OwnedUserId, UserId},
};
use wardline_engine::app_services::Service;
use wardline_identity::Session;
use wardline_store::{accounts, sessions};

use crate::{AppState, MatrixError};

/// Whom the service acts as.
#[derive(Deserialize)]
struct Masquerade {
    user_id: Option<String>,
    device_id: Option<String>,
    #[serde(rename = "org.matrix.msc3202.device_id")]
    unstable_device_id: Option<String>,
}

/// The session in which a service acts, if the token is one's: as the user and on the device that the query names.
///
/// # Errors
/// `M_FORBIDDEN` for a user that is not the service's or has no account, `M_UNKNOWN_DEVICE`.
pub(crate) fn session(
    parts: &Parts,
    state: &AppState,
    token: &str,
) -> Result<Option<Arc<Session>>, MatrixError> {
    let Some(service) = state.engine.context.app_services.by_token(token) else { return Ok(None) };
    service.is_there();
    let query = axum::extract::Query::<Masquerade>::try_from_uri(&parts.uri)
        .map_err(|_| MatrixError::invalid_param("user_id or device_id: given twice"))?
        .0;
    let user = match query.user_id.as_deref() {
        None => service.sender.clone(),
        Some(user) => own_user(state, service, user)?,
    };
    let account = state.store.read_now(|tx| accounts::find(tx, &user))?;
    let account = account.ok_or_else(|| MatrixError::forbidden("user_id: has not been registered"))?;
    if account.deactivated {
        return Err(MatrixError::new(StatusCode::FORBIDDEN, "M_USER_DEACTIVATED", "user_id: is deactivated"));
    }
    let device = query.device_id.or(query.unstable_device_id);
    if let Some(device) = &device
        && state.store.read_now(|tx| sessions::device(tx, account.user, device))?.is_none()
    {
        let text = "device_id: the user has no such device";
        return Err(MatrixError::new(StatusCode::BAD_REQUEST, "M_UNKNOWN_DEVICE", text));
    }
    let device = device.unwrap_or_default();
    Ok(Some(Arc::new(Session::of_app_service(
        service.id(),
        (account.user, user),
        &device,
        state.clock.now(),
    ))))
}

/// A user of the service's, as a full id or a local part.
pub(crate) fn own_user(state: &AppState, service: &Service, name: &str) -> Result<OwnedUserId, MatrixError> {
    let server = &state.config.server_name;
    let user = match name.starts_with('@') {
        true => UserId::parse(name).map_err(|_| MatrixError::invalid_param("user_id: not a user id"))?,
        false => UserId::parse_with_server_name(name, server)
            .map_err(|_| MatrixError::invalid_param("user_id: not a user name"))?,
    };
    if user.server_name() != server || !service.has_user(&user) {
        return Err(MatrixError::forbidden("user_id: not in the namespace of the application service"));
    }
    Ok(user)
}

/// The service whose token a request carries.
///
/// # Errors
/// `M_MISSING_TOKEN`, or 401 `M_UNKNOWN_TOKEN` for a token that is no service's.
pub(crate) fn caller<'a>(
    headers: &http::HeaderMap,
    state: &'a AppState,
) -> Result<&'a Arc<Service>, MatrixError> {
    let token = crate::extract::bearer(headers).ok_or_else(MatrixError::missing_token)?;
    let service = state.engine.context.app_services.by_token(token);
    service.ok_or_else(|| MatrixError::unknown_token(false))
}

/// Refuses a name that is one application service's alone, unless `by` is its token's service.
pub(crate) fn exclusive(what: &str) -> MatrixError {
    let text = format!("{what}: belongs to an application service");
    MatrixError::new(StatusCode::BAD_REQUEST, "M_EXCLUSIVE", text)
}

/// Refuses an alias that is another's alone, and to a service one that is not its own.
pub(crate) fn check_alias(state: &AppState, auth: &Session, alias: &str) -> Result<(), MatrixError> {
    let services = &state.engine.context.app_services;
    let by = auth.app_service.as_deref();
    match (services.owner_of_alias(alias), by.and_then(|id| services.by_id(id))) {
        (Some(owner), by) if by.is_none_or(|by| by.id() != owner.id()) => Err(exclusive("roomAlias")),
        (_, Some(by)) if !by.has_alias(alias) => Err(exclusive("roomAlias")),
        _ => Ok(()),
    }
}

/// The time that an application service gives to an event; others cannot.
pub(crate) fn massaged(auth: &Session, ts: Option<i64>) -> Option<Timestamp> {
    ts.filter(|ts| *ts >= 0 && auth.app_service.is_some()).map(Timestamp)
}
