//! User-interactive authentication: asking for the password again before something grave.
//!
//! Specification: Client-Server API, "User-Interactive Authentication API".

use std::net::{IpAddr, Ipv4Addr};

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use wardline_identity::{IdentityError, Session};

use crate::{AppState, LimitKey, MatrixError};

/// The `auth` member of a request body.
#[derive(Deserialize)]
pub(crate) struct UiaAuth {
    /// The stage that the client tries, such as `m.login.password`.
    #[serde(rename = "type")]
    pub(crate) stage: Option<String>,
    /// The session that an earlier answer gave.
    pub(crate) session: Option<String>,
    identifier: Option<Identifier>,
    user: Option<String>,
    password: Option<String>,
    /// For the stage [`TOKEN`].
    pub(crate) token: Option<String>,
}

/// Who signs in.
#[derive(Deserialize)]
pub(crate) struct Identifier {
    #[serde(rename = "type")]
    kind: String,
    user: Option<String>,
}

/// The stage for accounts with a password.
pub(crate) const PASSWORD: &str = "m.login.password";
/// The stage in which the person goes to the account page.
pub(crate) const OAUTH: &str = "m.oauth";
/// The stage for registration with a token that an administrator gave out.
pub(crate) const TOKEN: &str = "m.login.registration_token";
/// The stage that asks nothing.
pub(crate) const DUMMY: &str = "m.login.dummy";

/// The name in `identifier`, or in the older `user` member beside it.
///
/// # Errors
/// `M_MISSING_PARAM` or `M_INVALID_PARAM` naming the field.
pub(crate) fn named_user(
    identifier: Option<Identifier>,
    user: Option<String>,
) -> Result<String, MatrixError> {
    match identifier {
        Some(Identifier { kind, user }) if kind == "m.id.user" => {
            user.ok_or_else(|| MatrixError::missing_param("identifier.user: is required"))
        }
        Some(_) => Err(MatrixError::invalid_param("identifier.type: only m.id.user is supported")),
        None => user.ok_or_else(|| MatrixError::missing_param("identifier: is required")),
    }
}

/// Lets a signed-in user go on only after they gave their password again for this `operation` (a stable name).
///
/// # Errors
/// 401 with the flows and a session if the password was not given or is wrong; `M_LIMIT_EXCEEDED`.
pub(crate) async fn require(
    state: &AppState,
    auth: &Session,
    operation: &'static str,
    given: Option<UiaAuth>,
) -> Result<(), MatrixError> {
    // A service proved itself with its token, and its users have no password (MSC4190).
    if auth.app_service.is_some() && matches!(operation, "delete_devices" | "device_signing") {
        return Ok(());
    }
    let sessions = state.identity.uia();
    let subject = auth.user_id.as_str();
    let by_oauth = state.identity.is_oauth_session(auth.session_id)?;
    if by_oauth && state.identity.signed_in_recently(auth) {
        return Ok(());
    }
    if !password_is_enough(state, auth)? {
        // A password alone is not enough, or there is none: the account page, or a new sign-in on the same device.
        let url = crate::oauth::account_url(state, page_for(operation));
        let session = sessions.begin(subject, operation);
        return Err(challenge(OAUTH, &session).with("params", json!({ (OAUTH): { "url": url } })));
    }
    let Some(given) = given else { return Err(challenge(PASSWORD, &sessions.begin(subject, operation))) };
    // An unknown session (the server was restarted) begins again instead of failing for good.
    let session = match given.session {
        Some(id) if sessions.is_open(&id, subject, operation) => id,
        _ => sessions.begin(subject, operation),
    };
    if given.stage.as_deref() != Some(PASSWORD) {
        return Err(challenge(PASSWORD, &session));
    }
    let user = match named_user(given.identifier, given.user) {
        Ok(user) => user,
        // The caller is known by their token; a client may leave the name out.
        Err(error) if error.errcode == "M_MISSING_PARAM" => subject.to_owned(),
        Err(error) => return Err(error),
    };
    let password = given.password.ok_or_else(|| MatrixError::missing_param("auth.password: is required"))?;
    if state.identity.local_user(&user).as_deref() != Some(&*auth.user_id) {
        return Err(MatrixError::forbidden("auth.identifier: must be the signed-in user"));
    }
    // Keyed by the user alone: only who already holds one of their tokens gets here.
    let key = LimitKey::new("uia", IpAddr::V4(Ipv4Addr::UNSPECIFIED), subject);
    state.limiter.take(&key, state.config.login_limit)?;
    match state.identity.check_password(subject, &password, auth.address()).await {
        Ok(_) => {
            state.limiter.give_back(&key);
            sessions.finish(&session);
            Ok(())
        }
        Err(IdentityError::WrongPassword) => {
            let mut error = challenge(PASSWORD, &session);
            error.errcode = "M_FORBIDDEN";
            error.error = "the password is wrong".to_owned();
            Err(error)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the password of the session's user proves here who they are: they have one, and nothing beside it.
pub(crate) fn password_is_enough(state: &AppState, auth: &Session) -> Result<bool, MatrixError> {
    let factors = state.identity.factors_of(auth.user_nid)?;
    Ok(factors.password && !factors.totp)
}

/// The action of the account page that does the same as an operation.
fn page_for(operation: &str) -> &'static str {
    match operation {
        "deactivate" => crate::oauth::DEACTIVATE,
        "delete_devices" => crate::oauth::DEVICES,
        _ => crate::oauth::SECURITY,
    }
}

/// The 401 that tells the client which stage to do in which session.
pub(crate) fn challenge(stage: &str, session: &str) -> MatrixError {
    MatrixError::new(StatusCode::UNAUTHORIZED, "", "user-interactive authentication is needed")
        .with("flows", json!([{ "stages": [stage] }]))
        .with("params", json!({}))
        .with("completed", json!([]))
        .with("session", session)
}
