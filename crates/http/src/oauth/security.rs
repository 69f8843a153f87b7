//! `/account?action=org.wardline.security` and `POST /account/security`: with what a person signs in – passkeys, password,
//! one-time codes, recovery codes.

use axum::{Router, extract::State, response::Response, routing::post};
use http::StatusCode;
use wardline_identity::{Factors, IdentityError, PasskeyRequest, TotpEnrolment, oauth::Visitor, passkey_id};

use super::{
    account,
    browser::{Browser, Posted, go},
    html::{Html, Page, PageError},
    sign_in::{is_ours, sign_in_again, sign_in_page, signed_in_as},
};
use crate::{AppState, MatrixError};

/// The action of the account page.
pub(crate) const SECURITY: &str = "org.wardline.security";
const PATH: &str = "/account/security";
/// The attributes of the field for a new password.
pub(super) const NEW_PASSWORD: &str =
    "type=\"password\" autocomplete=\"new-password\" minlength=\"8\" maxlength=\"512\" required";
/// What is said beside it.
pub(super) const PASSWORD_HINT: &str = "<p class=\"quiet\">Eight characters or more. A few words that have nothing to do \
     with you or with each other are good, and easy to remember. Passwords that are common or known from breaches are \
     refused.</p>";

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(PATH, post(act))
}

/// What a person may read about why something of theirs was not taken; other errors are passed on.
pub(super) fn reason(error: IdentityError) -> Result<String, PageError> {
    match &error {
        IdentityError::WeakPassword(why) => Ok(format!("That password {why}.")),
        IdentityError::InvalidUsername(why) => Ok(format!("The user name {why}.")),
        IdentityError::UserInUse => Ok("The user name is taken. Choose another one.".to_owned()),
        IdentityError::Invalid(what, why) => Ok(format!("The {what} {why}.")),
        IdentityError::WrongCode => {
            Ok("The code is wrong. Check that the clock of your phone is right, and type the newest code."
                .to_owned())
        }
        _ => Err(MatrixError::from(error).into()),
    }
}

fn form(browser: &Browser, what: &str, next: &str) -> Html {
    Html::default()
        .raw("<form method=\"post\" action=\"")
        .raw(PATH)
        .raw("\">")
        .add(browser.csrf())
        .hidden("do", what)
        .hidden("next", next)
}

/// A form whose answer the browser's passkeys give; the script fills in `credential`.
pub(super) fn passkey_form(
    start: Html,
    kind: &str,
    action: &str,
    request: &PasskeyRequest,
    rest: Html,
) -> Html {
    Html::default()
        .raw(&format!("<form method=\"post\" action=\"{action}\" data-passkey=\"{kind}\" data-options=\""))
        .text(&request.options)
        .raw("\">")
        .add(start)
        .hidden("challenge", &request.challenge)
        .hidden("credential", "")
        .add(rest)
        .raw(
            "<p class=\"error\" role=\"alert\" data-problem hidden>That did not work, or it was cancelled. Try again, or \
             go on in another way.</p></form>",
        )
}

/// The address of the page, on which one goes on to `next` afterwards.
pub(super) fn address(next: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("action", SECURITY);
    if !next.is_empty() {
        query.append_pair("next", next);
    }
    format!("{}?{}", account::PATH, query.finish())
}

/// The page; `done` says what was done, `wrong` what went wrong.
pub(super) fn page(
    state: &AppState,
    browser: &Browser,
    visitor: &Visitor,
    next: &str,
    said: Result<&str, &str>,
) -> Result<Response, PageError> {
    let factors = state.identity.factors(visitor)?;
    if let Some(label) = &factors.elsewhere {
        return Ok(browser.show(Page::new("How you sign in", elsewhere(browser, label))));
    }
    if !may_change(&factors, visitor) {
        return Ok(sign_in_again(state, browser, &address(next)));
    }
    let next = if is_ours(next) { next } else { "" };
    let must = state.identity.lacks_second_factor(visitor)?;
    let mut body = match said {
        Err(text) => Html::default().alert(text),
        Ok("") => Html::default(),
        Ok(text) => Html::default().element("p role=\"status\" class=\"note\"", text),
    };
    if must {
        body = body.raw(
            "<p class=\"note\"><strong>Administrators need a second factor.</strong> Add a passkey, or an application \
             for one-time codes, to go on.</p>",
        );
    } else if !next.is_empty() {
        body = body.raw("<p><a class=\"main\" href=\"").text(next).raw("\">Go on</a></p>");
    }
    let body = body
        .add(passkeys(state, browser, visitor, &factors, next)?)
        .add(password(browser, &factors, next))
        .add(codes(browser, &factors, next));
    let body = if must { body } else { body.add(account::navigation(SECURITY)) };
    let body = body.add(signed_in_as(browser, account::PATH));
    let status = if said.is_err() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(browser.show(Page {
        status,
        script: state.identity.has_passkeys(),
        ..Page::new("How you sign in", body)
    }))
}

/// For somebody whose organisation looks after how they sign in: there is nothing to change here.
fn elsewhere(browser: &Browser, label: &str) -> Html {
    Html::default()
        .raw("<p>Your account signs in with <strong>")
        .text(label)
        .raw("</strong> only. Passwords, passkeys and codes are looked after there.</p>")
        .add(account::navigation(SECURITY))
        .add(signed_in_as(browser, account::PATH))
}

/// Who has a second factor shows it before they change anything here: a password alone must not be a way round it.
fn may_change(factors: &Factors, visitor: &Visitor) -> bool {
    visitor.is_strong() || !factors.has_second()
}

fn passkeys(
    state: &AppState,
    browser: &Browser,
    visitor: &Visitor,
    factors: &Factors,
    next: &str,
) -> Result<Html, PageError> {
    let mut html = Html::default().raw("<h2>Passkeys</h2>");
    if factors.passkeys.is_empty() {
        html = html.raw(
            "<p>With a passkey you sign in by your fingerprint, face or PIN, with nothing to type. It cannot be stolen by \
             a false page.</p>",
        );
    } else {
        html = html.raw("<ul class=\"devices\">");
        for passkey in &factors.passkeys {
            let id = passkey_id(passkey);
            html = html.raw("<li><strong>").text(&passkey.name).raw("</strong>");
            if passkey.refused_at.is_some() {
                html = html.raw(
                    "<br><span class=\"error\">It may have been copied, and is not taken any more.</span>",
                );
            }
            html = html
                .raw("<details><summary>Rename or remove</summary>")
                .add(form(browser, "passkey-rename", next).hidden("id", &id))
                .raw(&format!("<label for=\"name-{id}\">Name</label>"))
                .raw(&format!("<input id=\"name-{id}\" name=\"name\" maxlength=\"64\" value=\""))
                .text(&passkey.name)
                .raw("\">")
                .button("plain", "go", "1", "Rename")
                .raw("</form>")
                .add(form(browser, "passkey-remove", next).hidden("id", &id))
                .button("danger", "go", "1", "Remove this passkey")
                .raw("</form></details></li>");
        }
        html = html.raw("</ul>");
    }
    if !state.identity.has_passkeys() {
        return Ok(html.raw(
            "<p class=\"quiet\">This server has no name of its own, so that it cannot have passkeys.</p>",
        ));
    }
    let request = state.identity.begin_passkey_registration(visitor)?;
    let start = browser.csrf().hidden("do", "passkey-add").hidden("next", next);
    let rest = Html::default()
        .field(
            "name",
            "A name for the new passkey, such as “My phone”",
            "",
            "maxlength=\"64\" autocomplete=\"off\"",
        )
        .button("main", "go", "1", "Add a passkey");
    Ok(html
        .add(passkey_form(start, "create", PATH, &request, rest))
        .raw("<noscript><p class=\"quiet\">To add a passkey, allow JavaScript for this page.</p></noscript>"))
}

fn password(browser: &Browser, factors: &Factors, next: &str) -> Html {
    let title = if factors.password { "Change your password" } else { "Add a password" };
    let html = Html::default().raw("<h2>Password</h2><details><summary>").say(title).raw("</summary>");
    let mut form = form(browser, "password", next);
    if factors.password {
        let attributes = "type=\"password\" autocomplete=\"current-password\" required";
        form = form.field("password", "Your password now", "", attributes);
    }
    html.add(form)
        .field("new_password", "New password", "", NEW_PASSWORD)
        .raw(PASSWORD_HINT)
        .button("main", "go", "1", "Save the new password")
        .raw("</form></details>")
}

fn codes(browser: &Browser, factors: &Factors, next: &str) -> Html {
    let html = Html::default().raw("<h2>One-time codes</h2>");
    if !factors.totp {
        return html
            .raw("<p>An application on your phone shows a new code every 30 seconds, which is asked after your password.</p>")
            .add(form(browser, "totp-begin", next))
            .button("plain", "go", "1", "Add an authenticator application")
            .raw("</form>");
    }
    html.element(
        "p",
        &format!("They are switched on. You have {} recovery codes left.", factors.recovery_codes_left),
    )
    .add(form(browser, "recovery-renew", next))
    .button("plain", "go", "1", "Make new recovery codes")
    .raw("</form>")
    .add(form(browser, "totp-remove", next))
    .button("danger", "go", "1", "Switch one-time codes off")
    .raw("</form>")
}

fn totp_page(browser: &Browser, enrolment: &TotpEnrolment, next: &str, wrong: Option<&str>) -> Response {
    let (path, side) = &enrolment.picture;
    let alert = wrong.map_or_else(Html::default, |text| Html::default().alert(text));
    let body = alert
        .raw("<ol><li>Open an authenticator application on your phone.</li><li>Scan this picture with it, or type the key.</li><li>Type the code that it shows.</li></ol>")
        .raw(&format!(
            "<svg class=\"qr\" role=\"img\" aria-label=\"QR code for your authenticator application\" viewBox=\"0 0 \
             {side} {side}\"><path d=\"{path}\"/></svg>"
        ))
        .element("p class=\"quiet\"", "Key:")
        .raw("<p class=\"key\">")
        .text(&enrolment.secret)
        .raw("</p>")
        .add(form(browser, "totp-finish", next))
        .hidden("carried", &enrolment.carried)
        .field(
            "code",
            "Code",
            "",
            "class=\"code\" autocomplete=\"one-time-code\" inputmode=\"numeric\" maxlength=\"7\" required autofocus",
        )
        .button("main", "go", "1", "Switch on")
        .raw("</form>")
        .raw(&format!("<p><a href=\"{}\">Cancel</a></p>", account_link()));
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    browser.show(Page { status, ..Page::new("Add an authenticator application", body) })
}

fn account_link() -> String {
    format!("{}?action={SECURITY}", account::PATH)
}

fn recovery_page(browser: &Browser, codes: &[String], next: &str) -> Response {
    let list = codes.iter().fold(Html::default().raw("<ul class=\"codes\">"), |html, code| {
        html.raw("<li><code>").text(code).raw("</code></li>")
    });
    let on = if next.is_empty() { account_link() } else { next.to_owned() };
    let body = Html::default()
        .raw(
            "<p role=\"status\">One-time codes are switched on.</p><p>If you lose your phone, each of these recovery codes \
             signs you in once in place of a one-time code. <strong>Print them or write them down now: they are not shown \
             again.</strong></p>",
        )
        .add(list)
        .raw("</ul><p><a class=\"main\" href=\"")
        .text(&on)
        .raw("\">I have kept them</a></p>");
    browser.show(Page::new("Your recovery codes", body))
}

async fn act(State(state): State<AppState>, form: Posted) -> Result<Response, PageError> {
    let (browser, next) = (&form.browser, form.field("next"));
    let next = if is_ours(next) { next } else { "" };
    let Some(visitor) = &browser.visitor else { return Ok(sign_in_page(&state, browser, &address(next))) };
    let factors = state.identity.factors(visitor)?;
    if factors.elsewhere.is_some() {
        return page(&state, browser, visitor, next, Ok(""));
    }
    if !may_change(&factors, visitor) {
        return Ok(sign_in_again(&state, browser, &address(next)));
    }
    let identity = &state.identity;
    let done = match form.field("do") {
        "passkey-add" => {
            let (challenge, answer) = (form.field("challenge"), form.field("credential"));
            identity.finish_passkey_registration(visitor, challenge, answer, form.field("name")).await
        }
        "passkey-rename" => identity.rename_passkey(visitor, form.field("id"), form.field("name")).await,
        "passkey-remove" => identity.remove_passkey(visitor, form.field("id")).await,
        "password" => return password_changed(&state, browser, visitor, &form, next).await,
        "totp-begin" => return Ok(totp_page(browser, &identity.begin_totp(visitor)?, next, None)),
        "totp-finish" => {
            let carried = form.field("carried");
            return match identity.finish_totp(visitor, carried, form.field("code")).await {
                Ok(codes) => Ok(recovery_page(browser, &codes, next)),
                Err(error) => {
                    let text = reason(error)?;
                    Ok(totp_page(browser, &identity.repeat_totp(visitor, carried)?, next, Some(&text)))
                }
            };
        }
        "totp-remove" => identity.remove_totp(visitor).await,
        "recovery-renew" => {
            let codes = identity.renew_recovery_codes(visitor).await?;
            return Ok(recovery_page(browser, &codes, next));
        }
        _ => return go(&state, &address(next), None),
    };
    match done {
        Ok(()) => go(&state, &address(next), None),
        Err(error) => page(&state, browser, visitor, next, Err(&reason(error)?)),
    }
}

async fn password_changed(
    state: &AppState,
    browser: &Browser,
    visitor: &Visitor,
    form: &Posted,
    next: &str,
) -> Result<Response, PageError> {
    if state.identity.factors(visitor)?.password {
        let user = visitor.user_id.as_str();
        if let Some(wrong) =
            super::sign_in::wrong_again(state, user, (form.field("password"), form.address)).await?
        {
            return page(state, browser, visitor, next, Err(wrong));
        }
    }
    match state.identity.set_own_password(visitor, form.field("new_password")).await {
        Ok(()) => page(state, browser, visitor, next, Ok("Your new password is in force.")),
        Err(error) => page(state, browser, visitor, next, Err(&reason(error)?)),
    }
}
