//! `GET|POST /oauth/invitation`: somebody who was invited makes their account. The token is in the link, as it has to
//! be; the page is not cached, sends no referrer, and the server logs no addresses.

use axum::{Router, extract::State, response::Response, routing::get};
use http::StatusCode;
use serde::Deserialize;
use wardline_identity::IdentityError;

use super::{
    account,
    browser::{Browser, Posted, go},
    html::{Html, Page, PageError},
    security,
};
use crate::{AppState, ClientAddr, LimitKey, Query};

pub(super) const PATH: &str = "/oauth/invitation";

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(PATH, get(show).post(accept))
}

#[derive(Deserialize)]
struct InvitationQuery {
    token: Option<String>,
}

fn gone() -> PageError {
    let text = "This invitation has ended, or it was used before. Ask whoever invited you for a new one.";
    PageError::new(StatusCode::NOT_FOUND, text)
}

fn limit(state: &AppState, address: std::net::IpAddr) -> Result<(), PageError> {
    Ok(state.limiter.take(&LimitKey::new("invitation", address, ""), state.config.login_address_limit)?)
}

async fn show(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    browser: Browser,
    Query(query): Query<InvitationQuery>,
) -> Result<Response, PageError> {
    limit(&state, address)?;
    let token = query.token.unwrap_or_default();
    state.identity.invitation(&token)?.ok_or_else(gone)?;
    Ok(page(&state, &browser, &token, ("", ""), None))
}

fn page(
    state: &AppState,
    browser: &Browser,
    token: &str,
    (username, name): (&str, &str),
    wrong: Option<&str>,
) -> Response {
    let alert = wrong.map_or_else(Html::default, |text| Html::default().alert(text));
    let body = alert
        .element("p", &format!("You are invited to {}. Make your account here.", state.config.server_name))
        .raw("<form method=\"post\" action=\"")
        .raw(PATH)
        .raw("\">")
        .add(browser.csrf())
        .hidden("token", token)
        .field("displayname", "Your name, as others see it", name, "autocomplete=\"name\" maxlength=\"256\" required autofocus")
        .field(
            "username",
            "User name",
            username,
            "autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" maxlength=\"100\" required",
        )
        .raw("<p class=\"quiet\">Small letters, digits and . _ - only. It cannot be changed later.</p>")
        .field("password", "Password", "", security::NEW_PASSWORD)
        .raw(security::PASSWORD_HINT)
        .button("main", "go", "1", "Make my account")
        .raw("</form>");
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    browser.show(Page { status, ..Page::new("Welcome", body) })
}

async fn accept(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    form: Posted,
) -> Result<Response, PageError> {
    limit(&state, address)?;
    let (token, username, name) = (form.field("token"), form.field("username"), form.field("displayname"));
    match state.identity.accept_invitation(token, username.trim(), name, form.field("password")).await {
        Ok(who) => {
            let cookie = state.identity.begin_visit(&who.from_address(Some(address))).await?;
            // A passkey, or an application for one-time codes, is offered at once.
            go(&state, &format!("{}?action={}", account::PATH, security::SECURITY), Some(&cookie))
        }
        Err(IdentityError::NotFound(_)) => Err(gone()),
        Err(error) => {
            let text = security::reason(error)?;
            Ok(page(&state, &form.browser, token, (username, name), Some(&text)))
        }
    }
}
