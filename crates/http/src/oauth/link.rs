//! `POST /oauth/device_authorization` and `GET|POST /oauth/link`: a device without a browser is allowed on another
//! one. Specification: RFC 8628.

use axum::{
    Router,
    extract::{OriginalUri, State},
    response::Response,
    routing::{get, post},
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_identity::oauth::{Visitor, WaitingDevice};

use super::{
    authorize::{client_named, what_scope_may},
    browser::{Browser, Posted},
    error::OAuthFailure,
    form::OAuthForm,
    html::{Html, Page, PageError},
    sign_in::{sign_in_page, signed_in_as},
    token::Credentials,
};
use crate::{AppState, ClientAddr, Json, LimitKey, Query};

pub(super) const DEVICE_AUTHORIZATION: &str = "/oauth/device_authorization";
pub(super) const PATH: &str = "/oauth/link";

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(DEVICE_AUTHORIZATION, post(begin)).route(PATH, get(show).post(decide))
}

#[derive(Deserialize)]
struct DeviceRequest {
    client_id: Option<String>,
    client_secret: Option<String>,
    scope: Option<String>,
}

async fn begin(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    headers: HeaderMap,
    OAuthForm(body): OAuthForm<DeviceRequest>,
) -> Result<Json<Value>, OAuthFailure> {
    let key = LimitKey::new("oauth-device", address, "");
    state.limiter.take(&key, state.config.login_address_limit).map_err(|e| OAuthFailure::limited(&e))?;
    let credentials = Credentials::of(&headers, body.client_id, body.client_secret)?
        .ok_or_else(|| OAuthFailure::invalid_request("client_id: is required"))?;
    let client = credentials.check(&state)?;
    let device = state.identity.begin_device_grant(&client, &body.scope.unwrap_or_default()).await?;
    let uri = format!("{}{PATH}", state.config.public_base_url);
    Ok(Json(json!({
        "device_code": device.device_code,
        "user_code": device.user_code,
        "verification_uri_complete": format!("{uri}?code={}", device.user_code),
        "verification_uri": uri,
        "expires_in": device.expires_in,
        "interval": device.interval,
    })))
}

#[derive(Deserialize)]
struct LinkQuery {
    code: Option<String>,
}

/// The device that shows this code. Guessing is limited for each person and address.
fn look_up(
    state: &AppState,
    address: std::net::IpAddr,
    visitor: &Visitor,
    code: &str,
) -> Result<Option<WaitingDevice>, PageError> {
    let key = LimitKey::new("oauth-user-code", address, visitor.user_id.as_str());
    state.limiter.take(&key, state.config.login_limit)?;
    let found = state.identity.waiting_device(code)?;
    if found.is_some() {
        state.limiter.give_back(&key);
    }
    Ok(found)
}

async fn show(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    browser: Browser,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<LinkQuery>,
) -> Result<Response, PageError> {
    let next = uri.path_and_query().map_or(PATH, http::uri::PathAndQuery::as_str);
    let Some(visitor) = &browser.visitor else { return Ok(sign_in_page(&state, &browser, next)) };
    let Some(code) = query.code.filter(|code| !code.is_empty()) else {
        return Ok(browser.show(code_page(&browser, next, None)));
    };
    Ok(browser.show(match look_up(&state, address, visitor, &code)? {
        Some(device) => confirm_page(&browser, &device, next),
        None => {
            code_page(&browser, PATH, Some("No device is waiting with this code. Check it and try again."))
        }
    }))
}

fn code_page(browser: &Browser, next: &str, wrong: Option<&str>) -> Page {
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let body = wrong.map_or_else(Html::default, |text| Html::default().alert(text));
    let body = body
        .raw("<p>Type the code that your new device shows.</p><form method=\"get\" action=\"")
        .raw(PATH)
        .raw("\">")
        .field(
            "code",
            "Code",
            "",
            "class=\"code\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" maxlength=\"12\" required autofocus",
        )
        .raw("<button class=\"main\">Go on</button></form>")
        .add(signed_in_as(browser, next));
    Page { status, ..Page::new("Sign in on another device", body) }
}

fn confirm_page(browser: &Browser, device: &WaitingDevice, next: &str) -> Page {
    let body = Html::default()
        .raw("<p>")
        .add(client_named(&device.client))
        .raw(" asks to use your account on another device. That device shows the code <strong>")
        .text(&device.user_code)
        .raw("</strong>.</p>")
        .add(what_scope_may(&device.scope))
        .raw(
            "<p class=\"note\">Continue only if the device is in front of you and shows this code. Nobody from \
             IT or another organisation will ever send you such a code.</p><form method=\"post\" action=\"",
        )
        .raw(PATH)
        .raw("\">")
        .add(browser.csrf())
        .hidden("code", &device.user_code)
        .button("main", "decision", "allow", "Continue")
        .button("plain", "decision", "refuse", "Cancel")
        .raw("</form>")
        .add(signed_in_as(browser, next));
    Page::new("Allow the other device?", body)
}

async fn decide(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    form: Posted,
) -> Result<Response, PageError> {
    let Some(visitor) = &form.browser.visitor else { return Ok(sign_in_page(&state, &form.browser, PATH)) };
    let device = look_up(&state, address, visitor, form.field("code"))?;
    let gone = || PageError::bad_request("No device is waiting with this code any more.");
    let device = device.ok_or_else(gone)?;
    let allow = form.field("decision") == "allow";
    if !state.identity.decide_device(visitor, &device, allow).await? {
        return Err(gone());
    }
    let text = if allow {
        "Your other device is being signed in. You can close this page."
    } else {
        "The other device was not signed in. You can close this page."
    };
    let title = if allow { "Done" } else { "Cancelled" };
    Ok(form.browser.show(Page::new(title, Html::default().element("p role=\"status\"", text))))
}
