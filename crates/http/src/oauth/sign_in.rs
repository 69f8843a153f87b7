//! The sign-in page: `POST /oauth/login` and `POST /oauth/logout`; the way to an identity provider and back,
//! `GET /oauth/login/elsewhere` and `GET /oauth/upstream/{provider}/callback`. It is shown by whatever page needs
//! somebody.

use std::borrow::Cow;

use std::net::{IpAddr, Ipv4Addr};

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use http::StatusCode;
use serde::Deserialize;
use url::form_urlencoded;
use wardline_identity::{
    IdentityError, PasskeyRequest,
    oauth::{Asks, Attempt, Offer, Question, Step},
};

use super::{
    account, authorize,
    browser::{Browser, Posted, go, set_known},
    html::{Html, Page, PageError},
    link,
    security::passkey_form,
    sso,
    upstream::sign_out_there,
};
use crate::{AppState, ClientAddr, LimitKey, MatrixError, Path, Query};

const LOGIN: &str = "/oauth/login";
const LOGOUT: &str = "/oauth/logout";
pub(super) const LEAVE: &str = "/oauth/login/elsewhere";
/// What the names of methods that lead to an identity provider begin with; the rest is the provider's name.
pub(super) const UPSTREAM: &str = "oidc:";
/// The method that takes passkeys.
const PASSKEY: &str = "passkey";
const TOO_MANY: &str = "Too many attempts. Wait a minute, then try again.";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route(LOGIN, post(login))
        .route(LOGOUT, post(logout))
        .route(LEAVE, get(leave))
        .route("/oauth/upstream/{provider}/callback", get(callback))
}

/// Whether the sign-in page may go on to this address: one of our pages, path and query.
pub(super) fn is_ours(next: &str) -> bool {
    [authorize::PATH, link::PATH, sso::PATH, account::PATH]
        .iter()
        .filter_map(|page| next.strip_prefix(page))
        .any(|rest| rest.is_empty() || rest.starts_with('?'))
}

/// Offers the ways of signing in, then goes on to `next`.
pub(super) fn sign_in_page(state: &AppState, browser: &Browser, next: &str) -> Response {
    page(state, browser, next, "", None)
}

/// Asks somebody who is signed in to prove more, or anew, before they go on.
pub(super) fn sign_in_again(state: &AppState, browser: &Browser, next: &str) -> Response {
    let text =
        "To go on, show once more that it is you, with your passkey or your one-time code if you have one.";
    page(state, browser, next, "", Some((StatusCode::OK, text)))
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
    body = body.element("p class=\"quiet\"", &format!("With your account on {}.", state.config.server_name));
    // A challenge is made for each page that is shown; without one there is the password.
    let passkey = state.identity.begin_passkey_sign_in().ok();
    let offers: Vec<_> = state
        .identity
        .sign_in_methods()
        .filter(|(_, offer)| *offer != Offer::Hidden && (*offer != Offer::Passkey || passkey.is_some()))
        .collect();
    for (n, (name, offer)) in offers.iter().enumerate() {
        if n > 0 {
            body = body.raw("<p class=\"or\"><span>or</span></p>");
        }
        body = match offer {
            Offer::Elsewhere { label } => body.add(elsewhere(name, label, next)),
            Offer::Password => body.add(password_form(browser, name, next, username)),
            Offer::Passkey => body.add(passkey_button(browser, name, next, passkey.as_ref())),
            Offer::Hidden => body,
        };
    }
    let status = wrong.map_or(StatusCode::OK, |(status, _)| status);
    browser.show(Page { status, script: passkey.is_some(), ..Page::new("Sign in", body) })
}

fn passkey_button(browser: &Browser, method: &str, next: &str, request: Option<&PasskeyRequest>) -> Html {
    let Some(request) = request else { return Html::default() };
    let start = browser.csrf().hidden("next", next).hidden("method", method);
    let button = Html::default().button("main", "go", "1", "Sign in with a passkey");
    passkey_form(start, "get", LOGIN, request, button)
}

/// The button that leads to another system. A link and no form: nothing changes here by following it, and a form's
/// content policy would have to name that system.
fn elsewhere(method: &str, label: &str, next: &str) -> Html {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("method", method)
        .append_pair("next", next)
        .finish();
    Html::default()
        .raw("<a class=\"main\" href=\"")
        .text(&format!("{LEAVE}?{query}"))
        .raw("\">")
        .text(label)
        .raw("</a>")
}

fn password_form(browser: &Browser, method: &str, next: &str, username: &str) -> Html {
    let (name_focus, password_focus) =
        if username.is_empty() { (" autofocus", "") } else { ("", " autofocus") };
    login_form(browser, method, next)
        .field(
            "username",
            "User name",
            username,
            &format!(
                "autocomplete=\"username webauthn\" autocapitalize=\"none\" spellcheck=\"false\" required{name_focus}"
            ),
        )
        .field(
            "password",
            "Password",
            "",
            &format!("type=\"password\" autocomplete=\"current-password\" required{password_focus}"),
        )
        .button("main", "go", "1", "Sign in")
        .raw("</form>")
}

/// The beginning of a form that takes the next step of a method.
fn login_form(browser: &Browser, method: &str, next: &str) -> Html {
    Html::default()
        .raw("<form method=\"post\" action=\"")
        .raw(LOGIN)
        .raw("\">")
        .add(browser.csrf())
        .hidden("next", next)
        .hidden("method", method)
}

/// The page that asks something more of somebody who signs in.
fn question_page(browser: &Browser, method: &str, next: &str, question: &Question) -> Response {
    let mut body = Html::default();
    if let Some(wrong) = &question.wrong {
        body = body.alert(wrong);
    }
    let form = login_form(browser, method, next).hidden("ticket", &question.ticket);
    let form = match &question.asks {
        Asks::Code => form
            .field(
                "code",
                "Code",
                "",
                "autocomplete=\"one-time-code\" inputmode=\"text\" autocapitalize=\"none\" spellcheck=\"false\" \
                 required autofocus",
            )
            .button("main", "go", "1", "Continue"),
        Asks::Choice(choices) => choices.iter().fold(form, |form, choice| {
            form.raw("<button class=\"choice\" name=\"choice\" value=\"")
                .text(&choice.value)
                .raw("\"><strong>")
                .text(&choice.label)
                .raw("</strong><span>")
                .say(&choice.detail)
                .raw("</span></button>")
        }),
    };
    let body = body.element("p", &question.text).add(form).raw("</form>");
    let status = if question.wrong.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    browser.show(Page { status, ..Page::new(question.title, body) })
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
    let (method, next, username) = (form.field("method"), form.field("next"), form.field("username"));
    if !is_ours(next) {
        return Err(not_ours());
    }
    // The same buckets as those of the legacy login API.
    let half = state.identity.half_signed_in(form.field("ticket"));
    let named = || state.identity.local_user(username).filter(|_| !username.is_empty());
    let account = half.clone().or_else(named).map_or(username.to_owned(), String::from);
    let (by_account, by_address) = buckets(&state, &form.browser, address, &account)?;
    // Who names nobody (a passkey says in the end whose it is) is one of many at this address, not one account.
    let taken = match account.is_empty() {
        true => Ok(()),
        false => state.limiter.take(&by_account, state.config.login_limit),
    };
    if taken.and_then(|()| state.limiter.take(&by_address, state.config.login_address_limit)).is_err() {
        let wrong = Some((StatusCode::TOO_MANY_REQUESTS, TOO_MANY));
        return Ok(page(&state, &form.browser, next, username, wrong));
    }
    let (cookie, anew) = (form.browser.cookie(), is_anew(&form.browser, next));
    let attempt = Attempt { fields: &form.fields, cookie, address: Some(address), next, anew };
    // Guessing codes is limited for the account from all addresses together: who gets here knows the password.
    let by_code = LimitKey::new("code", std::net::Ipv4Addr::UNSPECIFIED.into(), &account);
    if half.is_some() && state.limiter.take(&by_code, state.config.login_limit).is_err() {
        let wrong = Some((StatusCode::TOO_MANY_REQUESTS, TOO_MANY));
        return Ok(page(&state, &form.browser, next, username, wrong));
    }
    let step = state.identity.prove(method, attempt).await;
    let guessed = matches!(&step, Ok(Step::Ask(question)) if question.wrong.is_some());
    if step.is_ok() && !guessed {
        state.limiter.give_back(&by_code);
        state.limiter.give_back(&by_account);
        state.limiter.give_back(&by_address);
    }
    match step {
        Err(IdentityError::WrongPassword) => {
            let text = match method {
                PASSKEY => {
                    "That passkey is not known here, or it was refused. Try again, or sign in in another way."
                }
                _ => "The user name or password is wrong. Check both and try again.",
            };
            Ok(page(&state, &form.browser, next, username, Some((StatusCode::FORBIDDEN, text))))
        }
        step => after(&state, &form.browser, method, next, step).await,
    }
}

/// What an attempt is charged to: the address with the account, and the address. A browser in which this very person has
/// signed in before has buckets of its own: what others try from the same address does not hold it up.
fn buckets(
    state: &AppState,
    browser: &Browser,
    address: IpAddr,
    account: &str,
) -> Result<(LimitKey, LimitKey), PageError> {
    if let Some(known) = browser.known()
        && is_known(state, known, account)?
    {
        let nowhere = Ipv4Addr::UNSPECIFIED.into();
        let key = format!("{known} {account}");
        return Ok((
            LimitKey::new("login-known", nowhere, &key),
            LimitKey::new("login-known-all", nowhere, &key),
        ));
    }
    Ok((LimitKey::new("login", address, account), LimitKey::new("login-address", address, "")))
}

/// Whether this person has signed in before in the browser with this cookie; of a passkey, which says whose it is only in
/// the end, whether anybody has.
fn is_known(state: &AppState, known: &str, account: &str) -> Result<bool, PageError> {
    let identity = &state.identity;
    let known = if account.is_empty() {
        identity.is_known_browser(known)
    } else {
        identity.knows_browser(known, account)
    };
    Ok(known?)
}

#[derive(Deserialize)]
struct LeaveQuery {
    method: String,
    next: String,
}

/// Whether the person is to show anew that it is them: these pages know them already and ask all the same, or the client
/// wants it so. Otherwise a browser that is signed in at the provider would come straight back.
fn is_anew(browser: &Browser, next: &str) -> bool {
    let asked = next.split_once('?').map_or("", |(_, query)| query);
    let wants = |(name, value): (Cow<'_, str>, Cow<'_, str>)| match &*name {
        "prompt" => value.split(' ').any(|prompt| prompt == "login"),
        "max_age" => value == "0",
        _ => false,
    };
    browser.visitor.is_some() || url::form_urlencoded::parse(asked.as_bytes()).any(wants)
}

/// Sends the browser to the other system where its person signs in.
async fn leave(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    browser: Browser,
    Query(query): Query<LeaveQuery>,
) -> Result<Response, PageError> {
    if !is_ours(&query.next) {
        return Err(not_ours());
    }
    // Each visit is remembered until its time is over. A whole hospital comes from one address: what is done there from
    // strange browsers must hold nobody up.
    let key = match browser.known() {
        Some(known) if state.identity.is_known_browser(known)? => {
            LimitKey::new("login-elsewhere-known", Ipv4Addr::UNSPECIFIED.into(), known)
        }
        _ => LimitKey::new("login-elsewhere", address, ""),
    };
    state.limiter.take(&key, state.config.login_address_limit)?;
    let (cookie, next, anew) = (browser.cookie(), &*query.next, is_anew(&browser, &query.next));
    let attempt = Attempt { fields: &[], cookie, address: Some(address), next, anew };
    let step = state.identity.prove(&query.method, attempt).await;
    after(&state, &browser, &query.method, &query.next, step).await
}

/// Takes the browser back that was away, with the answer in its query.
async fn callback(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    Path(provider): Path<String>,
    browser: Browser,
    Query(fields): Query<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let method = format!("{UPSTREAM}{provider}");
    let (cookie, next) = (browser.cookie(), account::PATH);
    // Whether it was to be anew the method remembers since the browser left.
    let attempt = Attempt { fields: &fields, cookie, address: Some(address), next, anew: false };
    let step = state.identity.prove(&method, attempt).await;
    after(&state, &browser, &method, account::PATH, step).await
}

/// What follows from a step: on to the page, a question, away, or a page that says why not.
async fn after(
    state: &AppState,
    browser: &Browser,
    method: &str,
    next: &str,
    step: Result<Step, IdentityError>,
) -> Result<Response, PageError> {
    match step {
        Ok(Step::Proven { who, next: remembered }) => {
            let next = remembered.filter(|next| is_ours(next)).unwrap_or_else(|| next.to_owned());
            let cookie = state.identity.begin_visit(&who).await?;
            let known = browser.known().map_or_else(|| state.random.token(32), str::to_owned);
            state.identity.know_browser(&known, &who).await?;
            let mut response = go(state, &next, Some(&cookie))?;
            set_known(state, &mut response, &known);
            Ok(response)
        }
        Ok(Step::Ask(question)) => {
            let next = question.next.as_deref().filter(|next| is_ours(next)).unwrap_or(next);
            Ok(question_page(browser, method, next, &question))
        }
        Ok(Step::Leave(to)) => go(state, &to, browser.fresh_cookie()),
        Err(IdentityError::SignInRefused(why)) => Err(PageError::new(StatusCode::UNAUTHORIZED, why)),
        Err(IdentityError::WrongPassword) => {
            Err(PageError::new(StatusCode::FORBIDDEN, "That proves nothing."))
        }
        Err(error) => Err(error.into()),
    }
}

fn not_ours() -> PageError {
    PageError::bad_request("The page to go on to is not one of this server's.")
}

async fn logout(State(state): State<AppState>, form: Posted) -> Result<Response, PageError> {
    if let Some(visitor) = &form.browser.visitor {
        let elsewhere = state.identity.upstream_sign_out(visitor).await?;
        state.identity.end_visit(visitor).await?;
        if let Some(to) = elsewhere {
            return Ok(sign_out_there(&form.browser, &to));
        }
    }
    let next = Some(form.field("next")).filter(|next| is_ours(next)).unwrap_or(account::PATH);
    go(&state, next, Some(&state.random.token(32)))
}

/// Checks the password of the person at the pages again, before something grave. `None`: it is right.
pub(super) async fn wrong_again(
    state: &AppState,
    user: &str,
    (password, address): (&str, IpAddr),
) -> Result<Option<&'static str>, PageError> {
    // The bucket of the legacy API's interactive authentication: keyed by the user, who is known here.
    let key = LimitKey::new("uia", std::net::Ipv4Addr::UNSPECIFIED.into(), user);
    if state.limiter.take(&key, state.config.login_limit).is_err() {
        return Ok(Some(TOO_MANY));
    }
    match state.identity.check_password(user, password, Some(address)).await {
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
