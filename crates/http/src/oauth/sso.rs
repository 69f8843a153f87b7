//! `GET /_matrix/client/v3/login/sso/redirect`, with or without an identity provider behind it, and its page
//! `GET|POST /oauth/sso`: the legacy login API signs in through the browser too. Specification: Client-Server API, "SSO client login/authentication".

use axum::{
    Router,
    extract::{OriginalUri, State},
    response::Response,
    routing::get,
};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::{
    authorize::what_it_may,
    browser::{Browser, Posted, go},
    html::{Html, Page, PageError, form_source},
    sign_in::{LEAVE, UPSTREAM, sign_in_page, signed_in_as},
};
use crate::{AppState, MatrixError, Path, Query};

pub(super) const PATH: &str = "/oauth/sso";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/login/sso/redirect", get(redirect))
        .route("/_matrix/client/v3/login/sso/redirect/{idpId}", get(redirect_to_provider))
        .route(PATH, get(show).post(decide))
}

#[derive(Deserialize)]
struct SsoQuery {
    #[serde(rename = "redirectUrl")]
    redirect_url: Option<String>,
}

/// Addresses at which a client can be: no scheme by which a browser runs or shows what the address says itself.
fn client_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let bad = ["javascript", "data", "vbscript", "blob", "file", "about", "view-source", "filesystem"];
    let acceptable = match url.scheme() {
        "http" | "https" => url.has_host() && url.username().is_empty() && url.password().is_none(),
        scheme => !bad.contains(&scheme),
    };
    acceptable.then_some(url)
}

/// What the person is shown of the address: what decides to whom the token goes.
fn shown(url: &Url) -> String {
    url.host_str().map_or_else(|| format!("{}:", url.scheme()), str::to_owned)
}

async fn redirect(
    State(state): State<AppState>,
    Query(query): Query<SsoQuery>,
) -> Result<Response, MatrixError> {
    go(&state, &page_for(query)?, None).map_err(|_| no_client())
}

/// Past the sign-in page, to the identity provider that the client's user has chosen; from there to the page.
async fn redirect_to_provider(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Query(query): Query<SsoQuery>,
) -> Result<Response, MatrixError> {
    let next = page_for(query)?;
    if !state.identity.providers().iter().any(|provider| provider.config().id == id) {
        return Err(MatrixError::not_found("there is no such identity provider"));
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("method", &format!("{UPSTREAM}{id}"))
        .append_pair("next", &next)
        .finish();
    go(&state, &format!("{LEAVE}?{query}"), None).map_err(|_| no_client())
}

fn no_client() -> MatrixError {
    MatrixError::invalid_param("redirectUrl: is not the address of a client")
}

/// The page that asks whether the client at the address may have a token.
fn page_for(query: SsoQuery) -> Result<String, MatrixError> {
    let address = query.redirect_url.ok_or_else(|| MatrixError::missing_param("redirectUrl: is required"))?;
    client_address(&address).ok_or_else(no_client)?;
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("redirectUrl", &address).finish();
    Ok(format!("{PATH}?{query}"))
}

async fn show(
    State(state): State<AppState>,
    browser: Browser,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<SsoQuery>,
) -> Result<Response, PageError> {
    let address = query.redirect_url.unwrap_or_default();
    let url = client_address(&address)
        .ok_or_else(|| PageError::bad_request("The address of the application is not valid."))?;
    let next = uri.path_and_query().map_or(PATH, http::uri::PathAndQuery::as_str);
    if browser.visitor.is_none() {
        return Ok(sign_in_page(&state, &browser, next));
    }
    let body = Html::default()
        .raw("<p>The application at <strong>")
        .text(&shown(&url))
        .raw("</strong> asks to use your account.</p>")
        .add(what_it_may())
        .raw("<p class=\"note\">Continue only if you have just started this yourself.</p><form method=\"post\" action=\"")
        .raw(PATH)
        .raw("\">")
        .add(browser.csrf())
        .hidden("redirectUrl", &address)
        .button("main", "decision", "allow", "Continue")
        .raw("</form>")
        .add(signed_in_as(&browser, next));
    Ok(browser
        .show(Page { form_source: Some(form_source(&url)), ..Page::new("Allow this application?", body) }))
}

async fn decide(State(state): State<AppState>, form: Posted) -> Result<Response, PageError> {
    let address = form.field("redirectUrl");
    let url = client_address(address)
        .ok_or_else(|| PageError::bad_request("The address of the application is not valid."))?;
    let Some(visitor) = &form.browser.visitor else {
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("redirectUrl", address).finish();
        return Ok(sign_in_page(&state, &form.browser, &format!("{PATH}?{query}")));
    };
    let token = state.identity.redirect_login_token(visitor, &shown(&url)).await?;
    go(&state, &with_token(url, &token), None)
}

/// The address with its one `loginToken`.
fn with_token(mut url: Url, token: &str) -> String {
    let kept: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(name, _)| name != "loginToken").collect();
    url.query_pairs_mut().clear().extend_pairs(kept).append_pair("loginToken", token);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_login_token_beside_what_was_there() {
        let url = |text: &str| client_address(text).unwrap();
        assert_eq!(with_token(url("https://c.example/"), "t"), "https://c.example/?loginToken=t");
        let given = "https://c.example/?a=1&loginToken=old#/x";
        assert_eq!(with_token(url(given), "t"), "https://c.example/?a=1&loginToken=t#/x");
        assert_eq!(with_token(url("app.example:/cb"), "t"), "app.example:/cb?loginToken=t");
    }

    #[test]
    fn addresses_that_run_are_no_clients() {
        for bad in
            ["javascript:alert(1)", "data:text/html,x", "https://a@b.example/", "/x", "", "file:///etc"]
        {
            assert!(client_address(bad).is_none(), "{bad}");
        }
    }
}
