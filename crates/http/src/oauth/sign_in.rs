//! The sign-in page: `POST /oauth/login` and `POST /oauth/logout`. It is shown by whatever page needs somebody.

use axum::{Router, extract::State, response::Response, routing::post};
use http::StatusCode;
use wardline_identity::IdentityError;

use super::{
    account, authorize,
    browser::{Browser, Posted, go},
    html::{Html, Page, PageError},
    link, sso,
};
use crate::{AppState, ClientAddr, LimitKey, MatrixError};

const LOGIN: &str = "/oauth/login";
const LOGOUT: &str = "/oauth/logout";

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(LOGIN, post(login)).route(LOGOUT, post(logout))
}

/// Whether the sign-in page may go on to this address: one of our pages, path and query.
fn is_ours(next: &str) -> bool {
    [authorize::PATH, link::PATH, sso::PATH, account::PATH]
        .iter()
        .filter_map(|page| next.strip_prefix(page))
        .any(|rest| rest.is_empty() || rest.starts_with('?'))
}

/// Asks for user name and password, then goes on to `next`.
pub(super) fn sign_in_page(state: &AppState, browser: &Browser, next: &str) -> Response {
    page(state, browser, next, "", None)
}

fn page(
    state: &AppState,
    browser: &Browser,
    next: &str,
    username: &str,
    wrong: Option<(StatusCode, &str)>,
) -> Response {
    let mut body = Html::default();
    if let Some((_, text)) = wrong {
        body = body.alert(text);
    }
    let (name_focus, password_focus) =
        if username.is_empty() { (" autofocus", "") } else { ("", " autofocus") };
    let body = body
        .raw("<p class=\"quiet\">With your account on ")
        .text(state.config.server_name.as_str())
        .raw(".</p><form method=\"post\" action=\"")
        .raw(LOGIN)
        .raw("\">")
        .add(browser.csrf())
        .hidden("next", next)
        .hidden("method", "password")
        .field(
            "username",
            "User name",
            username,
            &format!(
                "autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" required{name_focus}"
            ),
        )
        .field(
            "password",
            "Password",
            "",
            &format!("type=\"password\" autocomplete=\"current-password\" required{password_focus}"),
        )
        .button("main", "go", "1", "Sign in")
        .raw("</form>");
    let status = wrong.map_or(StatusCode::OK, |(status, _)| status);
    browser.show(Page { status, ..Page::new("Sign in", body) })
}

/// Who is signed in, and the way to be somebody else.
pub(super) fn signed_in_as(browser: &Browser, next: &str) -> Html {
    let Some(visitor) = &browser.visitor else { return Html::default() };
    Html::default()
        .raw("<form class=\"foot\" method=\"post\" action=\"")
        .raw(LOGOUT)
        .raw("\">")
        .add(browser.csrf())
        .hidden("next", next)
        .raw("<p class=\"quiet\">You are signed in here as <strong>")
        .text(visitor.user_id.as_str())
        .raw("</strong>. ")
        .button("link", "go", "1", "Not you? Sign out of this page")
        .raw("</p></form>")
}

async fn login(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    form: Posted,
) -> Result<Response, PageError> {
    let (next, username) = (form.field("next"), form.field("username"));
    if !is_ours(next) {
        return Err(PageError::bad_request("The page to go on to is not one of this server's."));
    }
    // The same buckets as those of the legacy login API.
    let account = state.identity.local_user(username).map_or(username.to_owned(), String::from);
    let (by_account, by_address) =
        (LimitKey::new("login", address, &account), LimitKey::new("login", address, ""));
    let taken = state.limiter.take(&by_account, state.config.login_limit);
    if taken.and_then(|()| state.limiter.take(&by_address, state.config.login_address_limit)).is_err() {
        let text = "Too many attempts. Wait a minute, then try again.";
        let wrong = Some((StatusCode::TOO_MANY_REQUESTS, text));
        return Ok(page(&state, &form.browser, next, username, wrong));
    }
    match state.identity.prove(form.field("method"), &form.fields).await {
        Ok(who) => {
            state.limiter.give_back(&by_account);
            state.limiter.give_back(&by_address);
            let cookie = state.identity.begin_visit(&who).await?;
            go(&state, next, Some(&cookie))
        }
        Err(IdentityError::WrongPassword) => {
            let text = "The user name or password is wrong. Check both and try again.";
            Ok(page(&state, &form.browser, next, username, Some((StatusCode::FORBIDDEN, text))))
        }
        Err(error) => Err(error.into()),
    }
}

async fn logout(State(state): State<AppState>, form: Posted) -> Result<Response, PageError> {
    if let Some(visitor) = &form.browser.visitor {
        state.identity.end_visit(visitor).await?;
    }
    let next = Some(form.field("next")).filter(|next| is_ours(next)).unwrap_or(account::PATH);
    go(&state, next, Some(&state.random.token(32)))
}

/// Checks the password of the person at the pages again, before something grave. `None`: it is right.
pub(super) async fn wrong_again(
    state: &AppState,
    user: &str,
    password: &str,
) -> Result<Option<&'static str>, PageError> {
    // The bucket of the legacy API's interactive authentication: keyed by the user, who is known here.
    let key = LimitKey::new("uia", std::net::Ipv4Addr::UNSPECIFIED.into(), user);
    if state.limiter.take(&key, state.config.login_limit).is_err() {
        return Ok(Some("Too many attempts. Wait a minute, then try again."));
    }
    match state.identity.check_password(user, password).await {
        Ok(_) => {
            state.limiter.give_back(&key);
            Ok(None)
        }
        Err(IdentityError::WrongPassword) => Ok(Some("The password is wrong. Try again.")),
        Err(error) => Err(MatrixError::from(error).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn the_way_on_leads_to_our_own_pages_only() {
        for next in ["/account", "/account?action=x", "/oauth/authorize?client_id=x", "/oauth/link?code=BCDF"]
        {
            assert!(is_ours(next), "{next}");
        }
        for next in [
            "",
            "/",
            "//evil.com",
            "https://evil.com/account",
            "/accountant",
            "/account@evil.com",
            "/oauth/login",
        ] {
            assert!(!is_ours(next), "{next}");
        }
    }
}
