//! What identity providers of the organisation call: `GET /oauth/jwks.json`,
//! `POST /oauth/upstream/{provider}/backchannel-logout`; and where they send browsers back to after signing out.
//! Specification: OpenID Connect Back-Channel Logout 1.0, RP-Initiated Logout 1.0; RFC 7517.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_identity::upstream::{LogoutError, key_set};

use super::{
    browser::Browser,
    form::OAuthForm,
    html::{Html, Page, PageError},
};
use crate::{AppState, ClientAddr, Json, LimitKey, MatrixError, Path};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/oauth/jwks.json", get(keys))
        .route("/oauth/upstream/{provider}/backchannel-logout", post(back_channel_logout))
        .route("/oauth/upstream/{provider}/signed-out", get(signed_out))
}

/// The public halves of the keys with which this server proves to providers who it is.
async fn keys(State(state): State<AppState>) -> Result<Response, MatrixError> {
    let keys = key_set(state.identity.providers().iter().filter_map(|provider| provider.client_key()));
    let keys = serde_json::to_value(keys).map_err(|error| MatrixError::internal(&error))?;
    let mut response = Json(keys).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=600"));
    Ok(response)
}

#[derive(Deserialize)]
struct LogoutRequest {
    logout_token: Option<String>,
}

async fn back_channel_logout(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    Path(provider): Path<String>,
    OAuthForm(body): OAuthForm<LogoutRequest>,
) -> Response {
    // Charged only when the token is bad: a whole hospital may go off shift at once.
    let key = LimitKey::new("backchannel-logout", address, "");
    if let Err(error) = state.limiter.take(&key, state.config.login_address_limit) {
        return error.into_response();
    }
    let token = body.logout_token.unwrap_or_default();
    let done = state.identity.back_channel_logout(&provider, &token).await;
    if done.is_ok() {
        state.limiter.give_back(&key);
    }
    let (status, answer) = match done {
        Ok(_) => (StatusCode::OK, Value::Object(serde_json::Map::new())),
        Err(error) => {
            let status = match error {
                LogoutError::UnknownProvider => StatusCode::NOT_FOUND,
                LogoutError::Token(_) => StatusCode::BAD_REQUEST,
                LogoutError::Server => StatusCode::SERVICE_UNAVAILABLE,
            };
            (status, json!({ "error": "invalid_request", "error_description": error.to_string() }))
        }
    };
    (status, Json(answer)).into_response()
}

async fn signed_out(browser: Browser) -> Result<Response, PageError> {
    let body =
        Html::default().raw("<p role=\"status\">You are signed out here and at your organisation.</p>");
    Ok(browser.show(Page::new("Signed out", body)))
}

/// The page after signing out of these pages, which goes on to sign out at the provider.
pub(super) fn sign_out_there(browser: &Browser, to: &str) -> Response {
    let body = Html::default()
        .raw("<p role=\"status\">You are signed out here.</p><p><a class=\"main\" href=\"")
        .text(to)
        .raw("\">Sign out at your organisation too</a></p>");
    let mut response = browser.show(Page::new("Signed out", body));
    // By itself, for the next person at a shared computer. A form's redirect would need the provider in the content
    // policy of every page.
    if let Ok(refresh) = HeaderValue::from_str(&format!("1; url={to}")) {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    response
}
