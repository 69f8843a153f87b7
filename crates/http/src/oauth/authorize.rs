//! `GET|POST /oauth/authorize`: sign-in, consent, and back to the client.
//! Specification: Client-Server API, "Login flow"; RFC 6749 section 4.1.

use axum::{
    Router,
    extract::{OriginalUri, State},
    response::Response,
    routing::get,
};
use url::form_urlencoded;
use wardline_domain::smart::scopes_of;
use wardline_identity::oauth::{
    Authorization, AuthorizationError, AuthorizationRequest, Client, is_whole, own_origin_of,
};

use super::{
    browser::{Browser, Posted, go},
    html::{Html, Page, PageError, form_source},
    issuer, security,
    sign_in::{sign_in_again, sign_in_page, signed_in_as},
    words::say_scope,
};
use crate::AppState;

pub(super) const PATH: &str = "/oauth/authorize";

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(PATH, get(ask).post(decide))
}

/// Each parameter once: RFC 6749 section 3.1.
fn parse(query: &[u8]) -> Result<AuthorizationRequest, PageError> {
    let text = std::str::from_utf8(query).unwrap_or_default();
    let uri = http::Uri::builder().path_and_query(format!("/?{text}")).build();
    let uri = uri.map_err(|_| PageError::bad_request("The address is not valid."))?;
    axum::extract::Query::try_from_uri(&uri).map(|axum::extract::Query(request)| request).map_err(|_| {
        PageError::bad_request("The application's request is not in order (a parameter is given twice).")
    })
}

async fn ask(
    State(state): State<AppState>,
    browser: Browser,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, PageError> {
    let request = parse(uri.query().unwrap_or_default().as_bytes())?;
    let authorization = match state.identity.check_authorization(&request, &issuer(&state)) {
        Ok(authorization) => authorization,
        Err(AuthorizationError::Show(error)) => return Err(error.into()),
        Err(AuthorizationError::Redirect(to)) => return go(&state, &to, None),
    };
    let next = uri.path_and_query().map_or(PATH, http::uri::PathAndQuery::as_str);
    let Some(visitor) = &browser.visitor else { return Ok(sign_in_page(&state, &browser, next)) };
    let now = state.clock.now();
    if authorization.wants_newer_proof(visitor, now) {
        return Ok(sign_in_again(&state, &browser, next));
    }
    if state.identity.lacks_second_factor(visitor)? {
        return go(&state, &security::address(next), None);
    }
    let own = own_origin_of(&state.config.public_base_url);
    if authorization.is_own_and_begun_just_now(visitor, own.as_ref(), now) {
        let to = state.identity.allow_authorization(visitor, &authorization, &issuer(&state)).await?;
        return go(&state, &to, None);
    }
    Ok(browser.show(consent_page(&browser, &authorization, &request, next)))
}

/// Who asks: the name that the client claims, always with the host that its answers go to or, for an application
/// on this device, that it claims to come from.
pub(super) fn client_named(client: &Client) -> Html {
    Html::default().raw("<strong>").text(&client.name()).raw("</strong> (").text(&client.host()).raw(")")
}

/// What consent means, in plain words.
pub(super) fn what_it_may() -> Html {
    Html::default().raw(
        "<p>It will be able to:</p><ul><li>read and send messages as you</li>\
         <li>see your conversations, your profile and who you talk to</li>\
         <li>do this until you sign it out</li></ul>",
    )
}

/// What consent to this scope means, in plain words.
pub(super) fn what_scope_may(scope: &str) -> Html {
    if is_whole(scope) {
        return what_it_may();
    }
    let list =
        scopes_of(scope).iter().fold(Html::default().raw("<p>It will be able to:</p><ul>"), |html, scope| {
            html.raw("<li>").text(&say_scope(&scope.in_words())).raw("</li>")
        });
    list.raw("<li>do this, as far as you may yourself, until you sign it out</li></ul><p>It cannot read your messages.</p>")
}

/// The client's own pages about terms and privacy.
fn client_pages(client: &Client) -> Html {
    let pages = [("Terms", &client.metadata.tos_uri), ("Privacy", &client.metadata.policy_uri)].into_iter();
    pages.filter_map(|(label, uri)| Some((label, uri.as_deref()?))).fold(
        Html::default(),
        |html, (label, uri)| {
            html.raw("<p class=\"quiet\"><a rel=\"noopener noreferrer\" href=\"")
                .text(uri)
                .raw("\">")
                .say(label)
                .raw(" of this application</a></p>")
        },
    )
}

fn consent_page(
    browser: &Browser,
    authorization: &Authorization,
    request: &AuthorizationRequest,
    next: &str,
) -> Page {
    let client = &authorization.client;
    let parameters =
        request.parameters().iter().fold(Html::default(), |html, (name, value)| html.hidden(name, value));
    let body = Html::default()
        .raw("<p>")
        .add(client_named(client))
        .raw(" asks to use your account.</p>")
        .add(what_scope_may(authorization.scope()))
        .raw("<p class=\"note\">Continue only if you have just started this yourself")
        .raw(if authorization.is_on_this_device() {
            ", in an application that you trust on this computer or phone"
        } else {
            ""
        })
        .raw(".</p><form method=\"post\" action=\"")
        .raw(PATH)
        .raw("\">")
        .add(browser.csrf())
        .add(parameters)
        .button("main", "decision", "allow", "Continue")
        .button("plain", "decision", "refuse", "Cancel")
        .raw("</form>")
        .add(client_pages(client))
        .raw("<p class=\"quiet\">Device: ")
        .text(&authorization.device_id)
        .raw("</p>")
        .add(signed_in_as(browser, next));
    Page {
        form_source: Some(form_source(authorization.redirect_uri())),
        ..Page::new("Allow this application?", body)
    }
}

async fn decide(State(state): State<AppState>, form: Posted) -> Result<Response, PageError> {
    let ours = ["csrf", "decision"];
    let asked = form.fields.iter().filter(|(name, _)| !ours.contains(&&**name));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(asked).finish();
    let request = parse(query.as_bytes())?;
    let issuer = issuer(&state);
    let authorization = match state.identity.check_authorization(&request, &issuer) {
        Ok(authorization) => authorization,
        Err(AuthorizationError::Show(error)) => return Err(error.into()),
        Err(AuthorizationError::Redirect(to)) => return go(&state, &to, None),
    };
    let Some(visitor) = &form.browser.visitor else {
        return Ok(sign_in_page(&state, &form.browser, &format!("{PATH}?{query}")));
    };
    let allowed = form.field("decision") == "allow";
    if allowed
        && (authorization.wants_newer_proof(visitor, state.clock.now())
            || state.identity.lacks_second_factor(visitor)?)
    {
        return go(&state, &format!("{PATH}?{query}"), None);
    }
    let to = if allowed {
        state.identity.allow_authorization(visitor, &authorization, &issuer).await?
    } else {
        state.identity.refuse_authorization(visitor, &authorization).await?;
        authorization.refused(&issuer)
    };
    go(&state, &to, None)
}
